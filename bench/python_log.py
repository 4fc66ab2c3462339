#!/usr/bin/env python3
"""What run.log(dict of ten floats, step=) costs from Python, against the least that an extension must do (promise P3).

  bench/python_log.py [--calls 200000] [--burst 2000] [--floor build/release/bench] [--smoke]

The floor is an extension's function that walks the dict and reads its floats (floor_module.c). Floor and log() take
turns, a burst of calls each, in one thread; flush() between the rounds waits until the keeper has everything. Each
call is timed by itself, less the median of an empty reading of the clock; `typical_ns` is a call's mean in a burst that
is timed as one, less the loop without the call, and of all bursts the median. Prints one JSON line.
"""
import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time

from peers.registry import PEERS
from peers.venvs import ROOT, python_of
from peers.worker import percentiles_us
from peers.workload import make_rows

NOT_INSTALLED = 77
clock = time.perf_counter_ns


def each_walk_ns(walk, rows):
    times = []
    for row in rows:
        start = clock()
        walk(row)
        times.append(clock() - start)
    return times


def each_log_ns(log, rows, step):
    times = []
    for row in rows:
        start = clock()
        log(row, step=step)
        times.append(clock() - start)
        step += 1
    return times


def walk_burst_ns(walk, rows):
    """A call's mean in a burst that is timed as a whole."""
    start = clock()
    for row in rows:
        walk(row)
    return (clock() - start) / len(rows)


def log_burst_ns(log, rows, step):
    start = clock()
    for row in rows:
        log(row, step=step)
        step += 1
    return (clock() - start) / len(rows)


def empty_loop_ns(rows):
    start = clock()
    for row in rows:
        pass
    return (clock() - start) / len(rows)


def counting_loop_ns(rows, step):
    """The loop around log(), which counts the steps."""
    start = clock()
    for row in rows:
        step += 1
    return (clock() - start) / len(rows)


def empty_reading_ns():
    times = []
    for _ in range(20_000):
        start = clock()
        times.append(clock() - start)
    return statistics.median(times)


def measure(run, walk, calls, burst):
    """Percentiles of single calls and medians of bursts, of the floor and of log()."""
    rows = make_rows(burst)
    single = {"floor": [], "log": []}
    whole = {"floor": [], "log": [], "floor loop": [], "log loop": []}
    gc.disable()  # A collection of all garbage takes longer than what is measured here.
    step = 0
    while len(single["log"]) < calls:
        single["floor"] += each_walk_ns(walk, rows)
        single["log"] += each_log_ns(run.log, rows, step)
        step += burst
        whole["floor loop"].append(empty_loop_ns(rows))
        whole["log loop"].append(counting_loop_ns(rows, step))
        whole["floor"].append(walk_burst_ns(walk, rows))
        whole["log"].append(log_burst_ns(run.log, rows, step))
        step += burst
        run.flush()
    empty_ns = empty_reading_ns()
    result = {}
    for name in ("floor", "log"):
        times = percentiles_us([max(0, t - empty_ns) for t in single[name]])
        result[name] = {figure.replace("_us", "_ns"): value * 1000 for figure, value in times.items()}
        result[name]["typical_ns"] = statistics.median(whole[name]) - statistics.median(whole[f"{name} loop"])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--burst", type=int, default=2_000)
    parser.add_argument("--floor", default=os.path.join(ROOT, "build/release/bench"), help="where wb_bench_floor lies")
    parser.add_argument("--directory", help="where the files go; default TMPDIR")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.calls, arguments.burst = 2_000, 500
    sys.path.append(arguments.floor)
    try:
        import wb
        import wb_bench_floor
    except ImportError as error:
        print(f"{error}; install wb (bench/peers.py install wb) and build the benchmarks", file=sys.stderr)
        return NOT_INSTALLED
    # A keeper that is still sealing makes files while the directory is being removed.
    scratch = tempfile.TemporaryDirectory(prefix="wb-bench-", dir=arguments.directory, ignore_cleanup_errors=True)
    with scratch as directory:
        run = wb.init(project="bench", dir=directory)
        result = measure(run, wb_bench_floor.walk, arguments.calls, arguments.burst)
        accepted, dropped = run._counts
        run.finish()
    ratio = {"typical_to_floor": result["log"]["typical_ns"] / result["floor"]["typical_ns"],
             "p50_to_floor": result["log"]["p50_ns"] / result["floor"]["p50_ns"]}
    rounded = {name: {k: float(f"{v:.4g}") for k, v in values.items()} for name, values in
               {"ratio": ratio, **result}.items()}
    print(json.dumps({"name": "python_log", "promise": "P3", **rounded, "accepted": accepted, "drops": dropped,
                      "python": sys.version.split()[0], "load_average": os.getloadavg()[0],
                      "parameters": {"calls": arguments.calls, "burst": arguments.burst}}))
    return 0


if __name__ == "__main__":
    import peers.wb_peer  # noqa: F401: registers wb.
    python = python_of(PEERS["wb"])
    if python and os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python))):
        os.execv(python, [python, *sys.argv])  # Measured with the interpreter that wb is installed for.
    sys.exit(main())
