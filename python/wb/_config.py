"""Config: a run's hyperparameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from . import _values
from .errors import ConfigError


class Config:
    """A run's config, by item (`config["lr"]`) and by attribute (`config.lr`).

    A value that is set stays: changing it raises ConfigError unless update() is told allow_val_change=True. A dict set
    over a dict is merged key by key, as on the server. Values become plain: numpy scalars numbers, tuples lists,
    objects their str().
    """

    def __init__(self, publish: Callable[[dict], None], allow_val_change: bool = False) -> None:
        """`publish` gets the top-level values that changed, complete."""
        object.__setattr__(self, "_items", {})
        object.__setattr__(self, "_publish", publish)
        object.__setattr__(self, "_allow_val_change", allow_val_change)

    def update(self, d: object, allow_val_change: bool | None = None) -> None:
        """Sets values. `d`: a mapping, argparse.Namespace, absl flags, a dataclass, or the path of a JSON or YAML file.

        Raises ConfigError, and then changes nothing, if a value would change that is set already.
        """
        allowed = self._allow_val_change if allow_val_change is None else allow_val_change
        changed = {}
        for key, value in parse(d).items():
            name = str(key).strip("-")
            value = _values.plain(value, str)
            old = self._items.get(name)
            if name in self._items and not allowed and not _same(value, old):
                raise ConfigError(
                    f'Attempted to change value of key "{name}" from {old} to {value}\n'
                    "If you really want to do this, pass allow_val_change=True to config.update()"
                )
            changed[name] = _merge(old, value)
        self._items.update(changed)
        if changed:
            self._publish(changed)

    def setdefaults(self, d: object) -> None:
        """Sets the values whose keys are not set yet."""
        self.update({key: value for key, value in parse(d).items() if str(key).strip("-") not in self._items})

    def persist(self) -> None:
        """Writes all values into the journal once more."""
        if self._items:
            self._publish(dict(self._items))

    def get(self, key: str, default: object = None) -> object:
        return self._items.get(key, default)

    def keys(self) -> list[str]:
        return [key for key in self._items if not key.startswith("_")]

    def items(self) -> list[tuple[str, object]]:
        return [(key, value) for key, value in self._items.items() if not key.startswith("_")]

    def as_dict(self) -> dict[str, object]:
        return dict(self.items())

    def __getitem__(self, key: str) -> object:
        return self._items[key]

    def __setitem__(self, key: str, value: object) -> None:
        self.update({key: value})

    def __getattr__(self, key: str) -> object:
        try:
            return self._items[key]
        except KeyError:
            raise AttributeError(f"{type(self)!r} object has no attribute {key!r}") from None

    def __setattr__(self, key: str, value: object) -> None:
        self.update({key: value})

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return str(self.as_dict())


def parse(d: object) -> Mapping:
    """`d` as a mapping, as Config.update() accepts it. Raises ConfigError."""
    if d is None:
        return {}
    if isinstance(d, Mapping):
        return d
    if isinstance(d, str):
        return _read_file(d)
    if callable(getattr(d, "flag_values_dict", None)):  # absl.flags.FlagValues
        return d.flag_values_dict()
    if hasattr(type(d), "__dataclass_fields__"):
        return {name: getattr(d, name) for name in d.__dataclass_fields__}
    if hasattr(d, "items"):
        return dict(d.items())
    if hasattr(d, "__dict__"):
        return vars(d)
    raise ConfigError(f"config must be a dict, a namespace, a dataclass or a path, not {type(d).__name__}")


def _read_file(path: str) -> Mapping:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise ConfigError(f"config file {path}: {error.strerror}") from error
    try:
        loaded = json.loads(text)
    except ValueError:
        loaded = _parse_yaml(path, text)
    if not isinstance(loaded, Mapping):
        raise ConfigError(f"config file {path}: the top level must be a mapping")
    if loaded.get("wandb_version") == 1:  # config-defaults.yaml: {"key": {"value": ...}}
        return {key: value["value"] for key, value in loaded.items() if key != "wandb_version"}
    return loaded


def _parse_yaml(path: str, text: str) -> object:
    try:
        import yaml
    except ImportError as error:
        raise ConfigError(f"config file {path}: not JSON, and PyYAML is not installed to read YAML") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"config file {path}: neither JSON nor YAML: {error}") from error


def _merge(old: object, new: object) -> object:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _merge(old.get(key), value) for key, value in new.items()}}


def _same(new: object, old: object) -> bool:
    return new == old or (new != new and old != old)  # Both NaN: no change.
