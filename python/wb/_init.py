"""init(): from arguments, settings and environment to a Run."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Iterable

from . import _globals, _messages, _values
from ._run import Run
from ._settings import Settings, environment, environment_flag, resolve_mode
from .errors import UsageError

_KEEPER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "wbkeep")
_ID_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TEXTS = ("project", "entity", "group", "job_type", "name", "id", "notes", "keeper")
_NUMBERS = ("rank", "world_size", "attempt", "ring_bytes")
_defaults = Settings()  # What setup() was given.


def init(entity: str | None = None, project: str | None = None, dir: str | os.PathLike | None = None,
         id: str | None = None, name: str | None = None, notes: str | None = None, tags: list[str] | str | None = None,
         config: object = None, config_exclude_keys: list[str] | None = None,
         config_include_keys: list[str] | None = None, allow_val_change: bool | None = None, group: str | None = None,
         job_type: str | None = None, mode: str | None = None, reinit: bool | str | None = None,
         settings: Settings | dict | None = None, rank: int | None = None, world_size: int | None = None,
         **ignored: object) -> Run:
    """Starts a run in this process and returns it; it becomes wb.run. Waits at most 250 ms, for no network and nobody.

    What is not given comes from WB_* and WANDB_* variables, then from torchrun, Slurm or MPI, then from a default.
    dir: where runs lie (default ./runs); the journal goes to DIR/<run id>. config: a dict, Namespace, dataclass or
    path. mode: "disabled" gives a run that does nothing; all others journal. rank, world_size: this process's place in
    the job, counted from 0. A run that is open already is returned as it is, unless reinit is True or
    "finish_previous" (it is finished first) or "create_new" (both go on). Other keywords of wandb's have no effect.

    Raises JournalError if the directory cannot be written, UsageError for a wrong argument.
    """
    told = Settings()
    told.update(_defaults)
    told.update(settings)
    told.update(dict(mode=mode, reinit=reinit, allow_val_change=allow_val_change))
    _ignore(ignored, told)
    told.mode = resolve_mode(told.mode)
    told.silent = environment_flag("SILENT") if told.silent is None else told.silent
    told.quiet = environment_flag("QUIET") if told.quiet is None else told.quiet

    previous = _previous_run(told)
    if previous is not None:
        return previous
    given = dict(
        project=project or told.project, entity=entity or told.entity, group=group or told.run_group,
        job_type=job_type or told.run_job_type, name=name or told.run_name, id=id or told.run_id,
        notes=notes or told.run_notes, tags=_tags(tags if tags is not None else told.run_tags),
        directory=os.fspath(dir or told.root_dir or ""), rank=told.rank if rank is None else rank,
        world_size=told.world_size if world_size is None else world_size, attempt=told.attempt, keeper=told.keeper,
        ring_bytes=told.ring_bytes,
        config=_select(config, config_exclude_keys, config_include_keys), facts=_facts(told.mode),
    )
    _check_types(given)
    options = {field: value for field, value in given.items() if value is not None and value != ""}
    if "WB_KEEPER_PATH" not in os.environ:
        options["keeper_path"] = _KEEPER
    if told.mode == "disabled":
        _fill_in(options)
    run = Run(options, told)
    if told.reinit != "create_new":
        _globals.install(run)
    if not run.disabled:
        _messages.say(f"logging run {run.name} to {run.sync_dir} · upload: wbsync {os.path.dirname(run.sync_dir)}",
                      silent=bool(told.silent or told.quiet))
    return run


def setup(settings: Settings | dict | None = None) -> Settings:
    """Sets defaults for later calls of init() in this process. Starts nothing: every process opens its own journal."""
    _defaults.update(settings)
    return _defaults


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finishes wb.run, if there is one. See Run.finish()."""
    run = _globals.current()
    if run is not None:
        run.finish(exit_code, quiet)


def require(requirement: object = None, experiment: object = None) -> None:
    """Accepted for programs that ask wandb for a feature ("service", "core"); nothing needs to be switched on."""


def _previous_run(told: Settings) -> Run | None:
    """The open run to return instead of a new one. Finishes it if that is what reinit says."""
    run = _globals.current()
    if run is None or told.reinit == "create_new" or run._is_inherited:
        return None
    if told.reinit in (True, "finish_previous"):
        run.finish()
        return None
    if told.reinit not in (None, False, "default", "return_previous"):
        raise UsageError(f"unknown reinit {told.reinit!r}: use finish_previous, return_previous or create_new")
    return run


def _ignore(ignored: dict, told: Settings) -> None:
    # resume, force, anonymous and their like ask for a server; a journal of the same id continues a run anyway.
    known = {"resume", "force", "anonymous", "resume_from", "fork_from", "save_code", "tensorboard", "sync_tensorboard",
             "monitor_gym", "magic", "config_defaults"}
    unknown = sorted(set(ignored) - known)
    if unknown:
        _messages.say_once(f"warning: init() ignores {', '.join(unknown)}", silent=bool(told.silent))


def _check_types(given: dict) -> None:
    """Raises UsageError for a text that is no text and for a number that is no integer."""
    for field in _TEXTS:
        if given[field] is not None and not isinstance(given[field], str):
            raise UsageError(f"{field} must be a string, not {type(given[field]).__name__}")
    for field in _NUMBERS:
        try:
            given[field] = None if given[field] is None else operator.index(given[field])
        except TypeError:
            raise UsageError(f"{field} must be an integer, not {type(given[field]).__name__}") from None


def _tags(tags: list[str] | str | None) -> list[str] | None:
    if tags is None:
        return None
    if not isinstance(tags, Iterable):
        raise UsageError(f"tags must be a list of strings, not {type(tags).__name__}")
    return [tags] if isinstance(tags, str) else [str(tag) for tag in tags]


def _select(config: object, exclude: list[str] | None, include: list[str] | None) -> object:
    if exclude and include:
        raise UsageError("Expected at most only one of config_exclude_keys or config_include_keys")
    if not exclude and not include:
        return config
    from ._config import parse

    return {key: value for key, value in parse(config).items()
            if (key in include if include else key not in exclude)}


def _facts(mode: str) -> dict[str, str]:
    from . import __version__

    version = ".".join(str(part) for part in sys.version_info[:3])
    facts = {"python": f"{sys.implementation.name} {version}", "executable": sys.executable or "",
             "wb_version": __version__, "mode": mode, "args": _values.to_json(sys.argv[1:]),
             "program": environment("PROGRAM") or (sys.argv[0] if sys.argv else "")}
    return {name: text for name, text in facts.items() if text}


def _fill_in(options: dict) -> None:
    """What the writer would fill in, for a run that never gets that far."""
    for field, variable in (("project", "PROJECT"), ("entity", "ENTITY"), ("name", "NAME"), ("id", "RUN_ID"),
                            ("group", "RUN_GROUP"), ("job_type", "JOB_TYPE"), ("notes", "NOTES")):
        value = environment(variable)
        if field not in options and value:
            options[field] = value
    options.setdefault("project", "uncategorized")
    options.setdefault("id", "".join(_ID_CHARACTERS[byte % 36] for byte in os.urandom(8)))
