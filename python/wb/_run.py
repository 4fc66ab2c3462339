"""Run: one experiment, logged by this process into a journal of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

from . import _globals, _messages, _process, _values, _wb
from ._config import Config
from ._metric import Metric, check_definition
from ._settings import Settings
from ._summary import Summary
from .errors import Error, JournalError, UsageError

_NAMES = ("id", "project", "entity", "group", "job_type", "name", "notes")
_RETRY_S = 0.2  # How long an update of config or summary waits for room in the ring.


class Run(_wb.RunCore):
    """A run as wb.init() returns it. Thread-safe. log() never touches a disk or a network.

    In a forked child it goes on working: the child's first log() opens a journal of the child's own for the same run.
    Pickled and sent to another process it does the same there. A run is a context manager: leaving the block finishes
    it, with exit code 1 if an exception leaves it.
    """

    def __init__(self, options: dict, settings: Settings, *, open_later: bool = False) -> None:
        """Use wb.init(). `options`: the fields of the C++ wb::Options by name, without config.

        With open_later the journal is opened by the first log(). Else raises JournalError or UsageError.
        """
        super().__init__(_values.convert_strictly if settings.strict else _values.convert, _values.Json)
        self._options = options
        self._settings = settings
        self._is_finished = False
        self._is_disabled = settings.mode == "disabled"
        self._is_pending = not self._is_disabled
        self._pid = os.getpid()
        self._start_time = time.time()
        self._names = {name: options.get(name) or "" for name in _NAMES}
        self._tags = tuple(options.get("tags") or ())
        self._config = Config(self._publish_config, bool(settings.allow_val_change))
        self._summary = Summary(self._last_values, self._forget_last, self._publish_summary)
        self._config.update(options.pop("config", None))
        if not open_later and not self._is_disabled:
            self._open_journal()

    def _open_journal(self) -> None:
        config = {key: _values.to_json(value, str) for key, value in self._config._items.items()}
        try:
            self._open({**self._options, "config": config})
        except _wb.StatusError as error:
            code, message = error.args
            raise UsageError(message) if code == "invalid argument" else JournalError(code, message) from None
        self._is_pending = False
        self._names = {name: self._field(name) or given for name, given in self._names.items()}
        self._names["id"] = self._id
        self._tags = tuple(json.loads(self._field("tags") or "[]"))
        _process.watch(self)

    def _ready(self, method: str) -> bool:
        """Asked when no journal is open: True after opening it, False if nothing is to be logged.

        Raises UsageError after finish().
        """
        if self._is_finished:
            raise UsageError(
                f"Run ({self.id}) is finished. The call to `{method}` will be ignored."
                " Please make sure that you are using an active run."
            )
        if self._is_pending:
            with _process.opening:
                self._open_late()
        return not self._is_disabled

    def _open_late(self) -> None:
        if not self._is_pending:
            return  # Another thread was there before.
        try:
            self._open_journal()
        except Error as error:  # Far from init(): the program goes on without the journal.
            self._is_pending, self._is_disabled = False, True
            _messages.say(f"error: the journal of this process cannot be opened, nothing is logged: {error}")

    def define_metric(self, name: str, step_metric: str | Metric | None = None, step_sync: bool | None = None,
                      hidden: bool | None = None, summary: str | None = None, overwrite: bool | None = None,
                      goal: str | None = None) -> Metric:
        """Says how a server should draw and summarise a key.

        name: may end in `*`. step_metric: the key of its x axis. step_sync: rows that lack step_metric get its last
        value (default with step_metric). summary: comma-separated of min, max, mean, last, first, best, copy, none.
        goal: "minimize" or "maximize", for best. Raises Error for a bad argument.
        """
        fields = check_definition(name, step_metric, step_sync, hidden, summary, overwrite, goal)
        self._send("define_metric", lambda: self._define_metric(fields))
        return Metric(name)

    def flush(self, timeout: float = 30.0) -> bool:
        """Waits until all that was logged is on disk and survives a power cut, at most `timeout` seconds.

        False: not yet, or the disk refuses; a line on stderr says which.
        """
        if not self._is_open and not self._ready("flush"):
            return True
        code, message = self._flush(timeout)
        if code != "ok":
            _messages.say(f"warning: flush: {message or code}")
        return code == "ok"

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """Ends the run with the program's exit code (default 0). Returns in bounded time whatever the disk does.

        A second call does nothing. Without a call the run is finished when the process exits, with its exit code.
        """
        if self._is_finished:
            return
        self._is_finished = True
        _process.unwatch(self)
        _globals.forget(self)
        if self._is_open:
            code, message = self._finish(int(exit_code or 0))
            if code != "ok":
                _messages.say(f"warning: finish: {message or code}; the keeper goes on by itself")

    def _send(self, method: str, send: Callable[[], tuple[str, str]]) -> None:
        """Calls `send` until the ring has room, for a short time. What cannot be sent is said, never raised."""
        if not self._is_open and not self._ready(method):
            return
        deadline = time.monotonic() + _RETRY_S
        code, message = send()
        while code == "full" and time.monotonic() < deadline:
            time.sleep(0.001)
            code, message = send()
        if code != "ok":
            _messages.say(f"warning: {method} was not recorded: {message or code}")

    def _publish_config(self, values: dict) -> None:
        if self._is_pending:
            return  # Goes with the journal's first record.
        records = {key: _values.to_json(value, str) if isinstance(value, (dict, list)) else value
                   for key, value in values.items()}
        self._send("config.update", lambda: self._update_config(records))

    def _publish_summary(self, values: dict) -> None:
        self._send("summary.update", lambda: self._update_summary(values))

    def _rename(self, field: str, value: str, record: str) -> None:
        self._names[field] = value
        self._send(field, lambda: self._update_run({field: record}))

    # Called by the extension.

    def _warn_step(self, step: int, current: int) -> None:
        _messages.say_once(
            f"warning: a row of run {self.id} has step {step}, below the present step {current}: it is kept and marked"
            " out of order (said once)",
            silent=bool(self._settings.silent),
        )

    def _warn_name(self, message: str) -> None:
        _messages.say_once(f"warning: a metric of run {self.id} is left out of its rows: {message}")

    # What a run is called and where it is.

    @property
    def id(self) -> str:
        """The run's id: its name on the server and of its directory."""
        return self._names["id"]

    @property
    def name(self) -> str:
        """The name that is shown; can be set."""
        return self._names["name"] or self.id

    @name.setter
    def name(self, name: str) -> None:
        self._rename("name", name, name)

    @property
    def notes(self) -> str:
        """Free text about the run; can be set."""
        return self._names["notes"]

    @notes.setter
    def notes(self, notes: str) -> None:
        self._rename("notes", notes, notes)

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags; can be set to any iterable of str."""
        return self._tags

    @tags.setter
    def tags(self, tags: list[str] | tuple[str, ...]) -> None:
        self._tags = tuple(tags)
        self._send("tags", lambda: self._update_run({"tags": _values.to_json(list(self._tags))}))

    @property
    def project(self) -> str:
        return self._names["project"]

    @property
    def entity(self) -> str:
        """The account on the server; "" if the server is to decide."""
        return self._names["entity"]

    @property
    def group(self) -> str:
        return self._names["group"]

    @property
    def job_type(self) -> str:
        return self._names["job_type"]

    def project_name(self) -> str:
        return self.project

    @property
    def dir(self) -> str:
        """A directory for files of this run, absolute; made when it is first asked for. "" if the run is disabled."""
        if not self._is_open and not self._is_finished and not self._ready("dir"):
            return ""
        path = os.path.join(self._directory, "files")
        os.makedirs(path, exist_ok=True)
        return path

    @property
    def sync_dir(self) -> str:
        """The run's directory with its journals, absolute: what wbsync takes."""
        return "" if self._is_disabled or self._is_pending else self._directory

    @property
    def step(self) -> int:
        """The step of the next log() without one."""
        return 0 if self._is_disabled or self._is_pending else self._step

    @property
    def start_time(self) -> float:
        """When the run was opened here, in seconds since 1970."""
        return self._start_time

    @property
    def config(self) -> Config:
        return self._config

    @property
    def summary(self) -> Summary:
        return self._summary

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def url(self) -> None:
        """None: a run has an address only where wbsync uploads it to."""
        return None

    @property
    def _is_inherited(self) -> bool:
        """This process was forked from the one that made the run."""
        return os.getpid() != self._pid

    @property
    def disabled(self) -> bool:
        return self._is_disabled

    @property
    def offline(self) -> bool:
        """True: this process never talks to a server."""
        return True

    @property
    def resumed(self) -> bool:
        return False

    # Being passed around.

    def __enter__(self) -> Run:
        return self

    def __exit__(self, exc_type: object, exc: BaseException | None, traceback: object) -> None:
        self.finish(_process.exit_code_of(exc))

    def __copy__(self) -> Run:
        return self

    def __deepcopy__(self, memo: dict) -> Run:
        return self

    def __reduce__(self) -> tuple:
        """In this process or a forked child unpickling gives this run; elsewhere one that logs to the same run."""
        options = {**self._options, **self._names, "tags": list(self._tags), "config": self._config.as_dict()}
        if not self._is_disabled and not self._is_pending:
            options["directory"] = os.path.dirname(self._directory)
            options["facts"] = {**options.get("facts", {}), "parent_journal": self._field("journal_uuid")}
        return _attach, (options, self._settings)

    def __repr__(self) -> str:
        return f"<wb.Run {self.id} {self.sync_dir or 'disabled'}>"


def _attach(options: dict, settings: Settings) -> Run:
    for run in _process.runs():
        if run.id == options["id"]:
            return run
    return Run(options, settings, open_later=True)
