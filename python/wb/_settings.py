"""Settings: what init() was told beside the run's names."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .errors import UsageError

_MODES = {"online": "online", "offline": "offline", "dryrun": "offline", "run": "online", "shared": "shared",
          "disabled": "disabled"}
_TRUE = {"1", "true", "yes", "on", "t", "y"}

_DEFAULTS = dict(
    mode=None, base_url=None, run_id=None, run_name=None, run_group=None, run_job_type=None, run_notes=None,
    run_tags=None, project=None, entity=None, root_dir=None, wandb_dir=None, files_dir=None, sync_dir=None,
    sync_file=None, silent=None, quiet=None, console=None, reinit=None, allow_val_change=None, strict=False,
    x_label=None, x_primary=None, rank=None, world_size=None, attempt=None, keeper=None, ring_bytes=None,
)


class Settings:
    """Holds any setting by keyword. Those that wandb has and wb does not need are kept and have no effect.

    Read by wb: mode, run_id, run_name, run_group, run_job_type, run_notes, run_tags, project, entity, root_dir, silent,
    quiet, reinit, allow_val_change, and of its own: rank, world_size, attempt (int), keeper ("auto", "process",
    "thread"), ring_bytes (int), strict (bool: TypeError for values that are not JSON, instead of their repr).
    """

    def __init__(self, **settings: object) -> None:
        self.__dict__.update(_DEFAULTS)
        self.update(settings)

    def update(self, settings: Settings | dict | None) -> None:
        """Takes over what `settings` says; None values say nothing. Raises UsageError if it is neither."""
        if not isinstance(settings, (Settings, Mapping, type(None))):
            raise UsageError(f"settings must be wb.Settings or a dict, not {type(settings).__name__}")
        values = settings.__dict__ if isinstance(settings, Settings) else dict(settings or {})
        self.__dict__.update({name: value for name, value in values.items() if value is not None})

    @property
    def _offline(self) -> bool:
        return self.mode in ("offline", "disabled")

    def __repr__(self) -> str:
        changed = {name: value for name, value in self.__dict__.items() if value is not None}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in changed.items())})"


def environment(name: str) -> str | None:
    """WB_<name>, else WANDB_<name>, else None. Empty counts as unset."""
    return os.environ.get(f"WB_{name}") or os.environ.get(f"WANDB_{name}") or None


def environment_flag(name: str) -> bool:
    return (environment(name) or "").lower() in _TRUE


def resolve_mode(asked: str | None) -> str:
    """"online", "offline", "shared" (all journal and never connect) or "disabled". Raises UsageError for others."""
    mode = asked or environment("MODE")
    if mode is None:
        return "disabled" if environment_flag("DISABLED") else "offline"
    if mode not in _MODES:
        raise UsageError(f"unknown mode {mode!r}: use online, offline or disabled")
    return _MODES[mode]
