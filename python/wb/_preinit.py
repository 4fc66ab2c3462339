"""What wb.log, wb.config and the like are before init(): they raise, with wandb's texts."""

from __future__ import annotations

from .errors import Error


class PreInitObject:
    """Stands for wb.config and wb.summary."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getitem__(self, key: object) -> None:
        raise Error(f"You must call wandb.init() before {self._name}[{key!r}]")

    def __setitem__(self, key: object, value: object) -> None:
        raise Error(f"You must call wandb.init() before {self._name}[{key!r}]")

    def __getattr__(self, key: str) -> None:
        if key.startswith("_"):
            raise AttributeError(key)
        raise Error(f"You must call wandb.init() before {self._name}.{key}")

    def __setattr__(self, key: str, value: object) -> None:
        raise Error(f"You must call wandb.init() before {self._name}.{key}")


def pre_init_function(name: str):
    """Stands for wb.log and wb.define_metric."""

    def before_init(*args: object, **kwargs: object) -> None:
        raise Error(f"You must call wandb.init() before {name}()")

    before_init.__name__ = name
    return before_init
