"""Puts a function in the place of one of ministack's, but only of the very one it was written for."""

import hashlib
import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType


class MinistackHasChanged(Exception):
    """A correction no longer fits. Compare it with the new source, then give it the new hash."""


def original(module: ModuleType, name: str, source_hash: str) -> Callable:
    """Gives ministack's function, if its source is still the source that the hash was taken of."""
    function = getattr(module, name, None)
    if function is None:
        raise MinistackHasChanged(f"{module.__name__} has no {name} any more.")
    found = hash_of(function)
    if found != source_hash:
        raise MinistackHasChanged(f"{module.__name__}.{name} has changed: {found} instead of {source_hash}.")
    return function


def hash_of(function: Callable) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]


def with_globals(function: Callable, **names: object) -> Callable:
    """The same function, for which some names of its module mean something else."""
    code, scope = function.__code__, function.__globals__ | names
    return FunctionType(code, scope, function.__name__, function.__defaults__, function.__closure__)
