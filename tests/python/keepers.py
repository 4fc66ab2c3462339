"""Finds and stops the keepers of this process, for the programs of the tests."""

import contextlib
import glob
import os
import signal
import time


def keepers(timeout_s=20):
    """The ids of the keepers that have a ring of this process; waits until there is one."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _has_ring_of_ours(pid)]
        if found:
            return found
        assert time.monotonic() < deadline, "this process has no keeper"
        time.sleep(0.01)


def _has_ring_of_ours(pid):
    try:
        with open(f"/proc/{pid}/comm") as comm:
            return comm.read().strip() == "wbkeep" and os.path.realpath(f"/proc/{pid}/fd/3") in _rings()
    except OSError:  # Gone meanwhile.
        return False


def _rings():
    return {os.path.realpath(path) for path in glob.glob("/proc/self/fd/*")} & set(glob.glob("/dev/shm/wb-*.ring"))


@contextlib.contextmanager
def stopped_keepers():
    """Inside, the keepers of this process do nothing."""
    pids = keepers()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
