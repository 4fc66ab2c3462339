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
HELPERS_PATIENCE_S = 60


class PeerError(Exception):
    """A peer could not be measured; the message says why."""


def _environment(peer, base, tag):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("WANDB", "WB_", "TRACKIO", "GOODSEED", "PYTHON"))}
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


def bench(name, calls=None, rate=0, workdir=None, timeout_s=300, read=True):
    """One measurement of one peer, as a dict. PeerError if it cannot be measured."""
    peer = PEERS[name]()
    calls = calls or peer.calls
    base = tempfile.mkdtemp(prefix=f"wb-bench-{name}-", dir=workdir)
    try:
        directory, tag = base + "/run", f"{os.getpid()}-{random.randrange(1 << 40)}"
        os.makedirs(directory)
        config = {"peer": name, "calls": calls, "rate": rate, "directory": directory, "out": base + "/worker.json"}
        load = os.getloadavg()[0]
        process = _start(peer, "_worker", base, config, tag)
        sampler = Sampler(tag, process.pid)
        sampler.start()
        try:
            result = _wait(process, base, "_worker", config["out"], timeout_s)
        finally:
            helpers_left_s = _await_helpers(sampler)
        helpers = list(sampler.helpers.values())
        helpers_cpu_s = max(sum(h["cpu_s"] for h in helpers), result.pop("children_cpu_s"))
        size, files = _bytes_below(directory)
        points = 10 * calls
        result = {"peer": name, "calls": calls, "rate": rate, "load_average": load, **result,
                  "helpers": sorted({h["name"] for h in helpers}), "helpers_cpu_s": helpers_cpu_s,
                  "helpers_rss_kb": sampler.max_helpers_rss_kb, "helpers_left_after_exit_s": helpers_left_s,
                  "cpu_us_per_call": (result["cpu_s"] + helpers_cpu_s) / calls * 1e6,
                  "points_per_s": points / (result["log_s"] + result["finish_s"]),
                  "files": files, "bytes": size, "bytes_per_point": size / points}
        if read:
            config["out"] = base + "/reader.json"
            result["read"] = _wait(_start(peer, "_reader", base, config, tag), base, "_reader", config["out"], timeout_s)
        return result
    finally:
        shutil.rmtree(base, ignore_errors=True)
