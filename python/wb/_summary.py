"""Summary: the last value of each key, and what the program sets in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import _values


class _Items:
    """Item and attribute access over a dict that lies elsewhere; a nested dict comes back as such an object again."""

    def _as_dict(self) -> dict:
        raise NotImplementedError

    def update(self, d: dict) -> None:
        raise NotImplementedError

    def _remove(self, key: str) -> None:
        raise NotImplementedError

    def keys(self) -> list[str]:
        return list(self._as_dict())

    def items(self) -> list[tuple[str, object]]:
        return [(key, self[key]) for key in self.keys()]

    def get(self, key: str, default: object = None) -> object:
        return self[key] if key in self else default

    def __getitem__(self, key: str) -> object:
        value = self._as_dict()[key]
        return _SubSummary(self, key) if isinstance(value, dict) else value

    def __setitem__(self, key: str, value: object) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._remove(key)

    def __getattr__(self, key: str) -> object:
        if key.startswith("__") or key not in self:
            raise AttributeError(f"{type(self)!r} object has no attribute {key!r}")
        return self[key]

    def __setattr__(self, key: str, value: object) -> None:
        self.update({key: value})

    def __delattr__(self, key: str) -> None:
        del self[key]

    def __contains__(self, key: object) -> bool:
        return key in self._as_dict()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._as_dict())

    def __repr__(self) -> str:
        return str(self._as_dict())


class Summary(_Items):
    """A run's summary. Reading a key gives what was logged or set last; setting one overrides what was logged.

    What define_metric(summary=...) asks for (min, max, mean, ...) is computed by wbsync and is not seen here.
    """

    def __init__(self, last_values: Callable[[], dict], forget: Callable[[str], None],
                 publish: Callable[[dict], None]) -> None:
        """`last_values` gives what was logged, `forget` drops a key of it, `publish` journals set (or `...`:
        removed) values."""
        object.__setattr__(self, "_set", {})
        object.__setattr__(self, "_last_values", last_values)
        object.__setattr__(self, "_forget", forget)
        object.__setattr__(self, "_publish", publish)

    def _as_dict(self) -> dict:
        logged = {key: _values.from_logged(value) for key, value in self._last_values().items()}
        return {**self._set, **logged}

    def update(self, d: dict) -> None:
        values = {str(key): _values.plain(value) for key, value in d.items()}
        for key, value in values.items():
            self._forget(key)  # Until it is logged again.
            self._set[key] = value
        if values:
            self._publish(values)

    def _remove(self, key: str) -> None:
        self._forget(key)
        self._set.pop(key, None)
        self._publish({key: ...})


class _SubSummary(_Items):
    """A nested dict of a summary. Changing it sets the whole dict in its parent."""

    def __init__(self, parent: _Items, key: str) -> None:
        object.__setattr__(self, "_parent", parent)
        object.__setattr__(self, "_key", key)

    def _as_dict(self) -> dict:
        return self._parent._as_dict()[self._key]

    def update(self, d: dict) -> None:
        self._parent.update({self._key: {**self._as_dict(), **d}})

    def _remove(self, key: str) -> None:
        self._parent.update({self._key: {k: v for k, v in self._as_dict().items() if k != key}})
