"""Starts an emulator of AWS, deploys the template to it, and takes both away again."""
