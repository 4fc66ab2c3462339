"""wb.run and the module-level functions that stand for the present run."""

from __future__ import annotations

import sys

from ._preinit import PreInitObject, pre_init_function

_BEFORE_INIT = {
    "run": None,
    "log": pre_init_function("wandb.log"),
    "define_metric": pre_init_function("wandb.define_metric"),
    "config": PreInitObject("wandb.config"),
    "summary": PreInitObject("wandb.summary"),
}


def current() -> object:
    """The run that wb.run is, or None."""
    return vars(sys.modules[__package__]).get("run")


def install(run: object) -> None:
    """Makes `run` the run of wb.run, wb.log, wb.config, wb.summary and wb.define_metric; None: as before init()."""
    names = _BEFORE_INIT if run is None else {
        "run": run, "log": run.log, "define_metric": run.define_metric, "config": run.config, "summary": run.summary,
    }
    vars(sys.modules[__package__]).update(names)


def forget(run: object) -> None:
    """Takes `run` out of the module again, if it is there."""
    if current() is run:
        install(None)
