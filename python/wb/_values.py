"""Turns any Python value into one that a journal holds: a plain scalar, or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping

_DEPTH_MAX = 64


class Json(str):
    """A text that is JSON. NaN, Infinity and -Infinity may stand bare in it."""

    __slots__ = ()


def scalar(value):
    """The plain float, int, bool or str that `value` stands for, or None if it stands for none.

    Knows numpy, torch and jax scalars and arrays of one element by `item()`, numbers of other kinds (Decimal, Fraction)
    by `__index__` and `__float__`. Imports none of these packages.
    """
    item = getattr(value, "item", None)
    if callable(item):
        try:
            plain = item()
        except (TypeError, ValueError, RuntimeError):  # More than one element: an array.
            return None
        return plain if isinstance(plain, (float, int, str)) else None
    kind = type(value)
    if hasattr(kind, "__index__"):
        return kind.__index__(value)
    if hasattr(kind, "__float__"):
        return kind.__float__(value)
    return None


def plain(value, fallback: Callable[[object], object] = repr, depth: int = 0):
    """`value` as nested dicts, lists and scalars. What has no such form becomes fallback(value), which may raise."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth >= _DEPTH_MAX:
        return fallback(value)
    if isinstance(value, Mapping):
        return {str(key): plain(value[key], fallback, depth + 1) for key in value}
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [plain(each, fallback, depth + 1) for each in value]
    found = scalar(value)
    if found is not None:
        return found
    if callable(getattr(value, "tolist", None)):
        return plain(value.tolist(), fallback, depth + 1)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(type(value), "__dataclass_fields__"):
        return {name: plain(getattr(value, name), fallback, depth + 1) for name in value.__dataclass_fields__}
    return fallback(value)


def refuse(value):
    """A fallback for strict settings."""
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def to_json(value, fallback: Callable[[object], object] = repr) -> Json:
    return Json(json.dumps(plain(value, fallback)))


def convert(value):
    """For the extension: a plain scalar, or Json."""
    found = scalar(value)
    return to_json(value) if found is None else found


def convert_strictly(value):
    """As convert(), with TypeError for what is neither a scalar nor JSON."""
    found = scalar(value)
    return to_json(value, refuse) if found is None else found


def from_logged(value):
    """What a program sees of a logged value: JSON is parsed."""
    return json.loads(value) if type(value) is Json else value
