"""A walk through the product on the local AWS; `python -m demo` with a stack's environment."""
