"""Faults between the functions and the local AWS, and whether anything is lost; `make soak`."""
