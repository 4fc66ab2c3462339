"""define_metric's argument checks, with wandb's texts."""

from __future__ import annotations

from .errors import Error

_SUMMARY_KINDS = {"min", "max", "mean", "best", "last", "first", "copy", "none"}
_GOALS = {"minimize", "maximize"}


class Metric:
    """What define_metric() returns: it can be given as another metric's step_metric."""

    def __init__(self, name: str) -> None:
        self.name = name


def check_definition(name, step_metric, step_sync, hidden, summary, overwrite, goal) -> dict:
    """The fields of the C++ MetricDefinition. Raises Error as wandb does."""
    if not name:
        raise Error("define_metric() requires non-empty name argument")
    if isinstance(step_metric, Metric):
        step_metric = step_metric.name
    fields = dict(name=name, step_metric=step_metric, step_sync=step_sync, hidden=hidden, summary=summary,
                  overwrite=overwrite, goal=goal)
    for argument, value in fields.items():
        expected = bool if argument in ("step_sync", "hidden", "overwrite") else str
        if value is not None and not isinstance(value, expected):
            raise Error(f"Unhandled define_metric() arg: {argument} type: {type(value).__name__}")
    if "*" in name[:-1]:
        raise Error(f"Unhandled define_metric() arg: name (glob suffixes only): {name}")
    kinds = [kind.strip().lower() for kind in summary.split(",")] if summary else []
    for kind in kinds:
        if kind not in _SUMMARY_KINDS:
            raise Error(f"Unhandled define_metric() arg: summary op: {kind}")
    if goal is not None and goal not in _GOALS:
        raise Error(f"Unhandled define_metric() arg: goal: {goal}")
    fields["summary"] = ",".join(kinds) or None
    return {argument: value for argument, value in fields.items() if value is not None}
