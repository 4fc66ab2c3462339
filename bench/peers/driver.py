"""Measures one peer: starts the process that logs, follows its helpers, counts its bytes, reads everything back."""
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from peers.registry import PEERS
from peers.sampler import TAG, Sampler
from peers.venvs import python_of

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers.py")
HELPERS_PATIENCE_S = 30


class PeerError(Exception):
    """A peer could not be measured; the message says why."""


def _environment(peer, base, tag):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("WANDB", "WB_", "TRACKIO", "GOODSEED", "NEPTUNE", "PYTHON"))}
    os.makedirs(base + "/tmp", exist_ok=True)
    return {**kept, "HOME": base + "/home", "TMPDIR": base + "/tmp", TAG: tag,
            **peer.environment(base + "/run")}


def _start(peer, mode, base, config, tag):
    python = python_of(peer)
    if python is None:
        raise PeerError(f"{peer.name} is not installed: bench/peers.py install {peer.name}")
    with open(f"{base}/{mode}.log", "ab") as log:
        return subprocess.Popen([python, PROGRAM, mode, json.dumps(config)], cwd=base, stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log, env=_environment(peer, base, tag), start_new_session=True)


def _wait(process, base, mode, out, timeout_s):
    """The process's result; PeerError with the end of its output if there is none."""
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if not os.path.exists(out):
        with open(f"{base}/{mode}.log", errors="replace") as log:
            raise PeerError(f"{mode} ended with {process.returncode}: {log.read()[-600:]}")
    with open(out) as file:
        return json.load(file)


def _wait_for_kill(process, base, timeout_s):
    """Waits until the process has killed itself; PeerError if it ended otherwise."""
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise PeerError(f"no end after {timeout_s} s") from None
    if process.returncode != -signal.SIGKILL:
        with open(f"{base}/_worker.log", errors="replace") as log:
            raise PeerError(f"_worker ended with {process.returncode}: {log.read()[-600:]}")


def _bytes_below(directory):
    sizes = [os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(directory) for name in names]
    return sum(sizes), len(sizes)


def _await_helpers(sampler):
    """Waits until no helper is left; returns how long that took. One that stays is ended."""
    start = time.perf_counter()
    sampler.scan()
    while sampler.alive() and time.perf_counter() - start < HELPERS_PATIENCE_S:
        time.sleep(0.01)
        sampler.scan()
    waited_s = time.perf_counter() - start
    for pid in sampler.alive():
        os.kill(pid, signal.SIGKILL)
    sampler.stopped.set()
    sampler.join()
    return waited_s


class _Setting:
    """A directory for one peer, and the processes that use it. As a context it removes the directory at its end."""

    def __init__(self, name, calls, rate, workdir, kill=False):
        self.peer = PEERS[name]()
        self.calls = calls or self.peer.calls
        self.base = tempfile.mkdtemp(prefix=f"wb-bench-{name}-", dir=workdir)
        self.directory, self.tag = self.base + "/run", f"{os.getpid()}-{random.randrange(1 << 40)}"
        os.makedirs(self.directory)
        self.config = {"peer": name, "calls": self.calls, "rate": rate, "kill": kill, "directory": self.directory}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.base, ignore_errors=True)

    def log(self, timeout_s):
        """Lets the peer log. Returns its result (None if it was killed), its helpers' sampler, how long they stayed."""
        out = self.base + "/worker.json"
        process = _start(self.peer, "_worker", self.base, {**self.config, "out": out}, self.tag)
        sampler = Sampler(self.tag, process.pid)
        sampler.start()
        try:
            if self.config["kill"]:
                _wait_for_kill(process, self.base, timeout_s)
                return None, sampler, 0
            result = _wait(process, self.base, "_worker", out, timeout_s)
        finally:
            helpers_left_s = _await_helpers(sampler)
        return result, sampler, helpers_left_s

    def read(self, timeout_s):
        out = self.base + "/reader.json"
        reader = _start(self.peer, "_reader", self.base, {**self.config, "out": out}, self.tag)
        return _wait(reader, self.base, "_reader", out, timeout_s)


def bench(name, calls=None, rate=0, workdir=None, timeout_s=300):
    """One measurement of one peer, as a dict. PeerError if it cannot be measured."""
    with _Setting(name, calls, rate, workdir) as setting:
        load = os.getloadavg()[0]
        result, sampler, helpers_left_s = setting.log(timeout_s)
        helpers = list(sampler.helpers.values())
        helpers_cpu_s = max(sum(h["cpu_s"] for h in helpers), result.pop("children_cpu_s"))
        size, files = _bytes_below(setting.directory)
        points = 10 * setting.calls
        return {"peer": name, "calls": setting.calls, "rate": rate, "load_average": load, **result,
                "helpers": sorted({h["name"] for h in helpers}), "helpers_cpu_s": helpers_cpu_s,
                "helpers_rss_kb": sampler.max_helpers_rss_kb, "helpers_left_after_exit_s": helpers_left_s,
                "cpu_us_per_call": (result["cpu_s"] + helpers_cpu_s) / setting.calls * 1e6,
                "points_per_s": points / (result["log_s"] + result["finish_s"]),
                "files": files, "bytes": size, "bytes_per_point": size / points, "read": setting.read(timeout_s)}


def rows_lost_by_a_kill(name, calls, rate, workdir=None, timeout_s=120):
    """Rows that the peer's reader does not give back after SIGKILL came behind the last of `calls` log() calls."""
    with _Setting(name, calls, rate, workdir, kill=True) as setting:
        setting.log(timeout_s)
        try:
            return setting.read(timeout_s).get("rows_missing")
        except PeerError:  # Its reader gives up on what is left.
            return calls
