"""The ends of processes that the extension cannot see: Ctrl-C, and children of multiprocessing.

The extension finishes open runs when the process exits, with its exit code. Two ends pass it by: Python ends itself by
SIGINT after an unhandled KeyboardInterrupt, and multiprocessing's forked children leave by os._exit().
"""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys

from . import _wb

_INTERRUPTED = 128 + signal.SIGINT
_runs: dict[int, object] = {}  # By id(): the runs of this process that are not finished.
_watching = False
opening = _thread.RLock()  # Held while a run opens its journal late, so that threads together open one.


def watch(run: object) -> None:
    """Sees to it that `run` is finished at the end of this process, however Python ends it."""
    global _watching
    _runs[id(run)] = run
    if not _watching:
        _watching = True
        atexit.register(_finish_if_interrupted)
        os.register_at_fork(after_in_child=_after_fork)
    if _in_multiprocessing_child():
        _finish_with_multiprocessing(run)


def unwatch(run: object) -> None:
    _runs.pop(id(run), None)


def runs() -> list:
    """The runs of this process that are not finished, those inherited by fork included; oldest first."""
    return list(_runs.values())


def _finish_if_interrupted() -> None:
    error = getattr(sys, "last_value", None)  # Set when an exception reaches the top of the main thread.
    if isinstance(error, KeyboardInterrupt) and not hasattr(sys, "ps1"):
        _wb.finish_all(_INTERRUPTED)


def _renew_lock() -> None:
    global opening
    opening = _thread.RLock()  # A thread of the parent may have held the other.


os.register_at_fork(after_in_child=_renew_lock)


def _after_fork() -> None:
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return
    for run in _runs.values():
        # multiprocessing clears its finalizers in the child and then calls these.
        util.register_after_fork(run, _finish_with_multiprocessing)


def _in_multiprocessing_child() -> bool:
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _finish_with_multiprocessing(run: object) -> None:
    from multiprocessing import util

    # After the child's own finalizers, which may still log. Does nothing where finish() or exit() was there before.
    util.Finalize(run, _finish_child, args=(run,), exitpriority=-100)


def _finish_child(run: object) -> None:
    error = sys.exc_info()[1]  # What ends the child, if anything: multiprocessing calls this in a `finally`.
    run.finish(exit_code_of(error))


def exit_code_of(error: BaseException | None) -> int:
    """The exit code of a Python process that ends with `error`."""
    if error is None:
        return 0
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    if isinstance(error, SystemExit):
        if error.code is None:
            return 0
        return error.code & 0xFF if isinstance(error.code, int) else 1
    return 1
