"""The two processes of a measurement that run in the peer's interpreter: one logs, one reads back."""
import json
import math
import os
import resource
import signal
import struct
import time

from peers.all import PEERS
from peers.workload import KEYS, make_rows


def _status_kb(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def _cpu_s(who=resource.RUSAGE_SELF):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _write(path, result):
    with open(path + ".tmp", "w") as file:
        json.dump(result, file)
    os.rename(path + ".tmp", path)


def _log_all(log, rows, rate):
    """Calls log for each row and returns what each call took in ns. With a rate: that many calls a second."""
    clock = time.perf_counter_ns
    times = [0] * len(rows)
    if not rate:
        for step, row in enumerate(rows):
            start = clock()
            log(step, row)
            times[step] = clock() - start
        return times
    due = time.perf_counter()
    for step, row in enumerate(rows):
        start = clock()
        log(step, row)
        times[step] = clock() - start
        due += 1 / rate
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
    return times


def percentiles_us(times_ns):
    ordered = sorted(times_ns)
    count = len(ordered)
    at = {name: ordered[min(count - 1, int(part * count))] / 1e3
          for name, part in (("p50_us", .5), ("p99_us", .99), ("p999_us", .999))}
    return {**at, "max_us": ordered[-1] / 1e3}


def run_worker(config):
    """Logs config["calls"] rows and writes what it took to config["out"]. With config["kill"] the process is killed
    behind the last row instead, and writes nothing."""
    peer = PEERS[config["peer"]]()
    rows = make_rows(config["calls"])
    result = {"rss_before_import_kb": _status_kb("VmRSS")}
    clock = time.perf_counter
    start = clock()
    peer.load()
    result["import_s"] = clock() - start
    start = clock()
    peer.init(config["directory"])
    result["init_s"] = clock() - start
    result["rss_after_init_kb"] = _status_kb("VmRSS")
    cpu_start, start = _cpu_s(), clock()
    times = _log_all(peer.log, rows, config["rate"])
    result["log_s"] = clock() - start
    result["rss_after_log_kb"] = _status_kb("VmRSS")
    result["drops"] = peer.drops()
    if config["kill"]:
        os.kill(os.getpid(), signal.SIGKILL)  # What has not reached a file or a helper by now is lost.
    start = clock()
    peer.finish()
    result["finish_s"] = clock() - start
    result["cpu_s"] = _cpu_s() - cpu_start
    result["children_cpu_s"] = _cpu_s(resource.RUSAGE_CHILDREN)
    result.update(percentiles_us(times))
    _write(config["out"], result)


def _bits(value):
    return struct.pack("<d", value)


def run_reader(config):
    """Reads everything back with the peer's reader, compares every value, writes the counts to config["out"]."""
    peer = PEERS[config["peer"]]()
    rows = make_rows(config["calls"])
    start = time.perf_counter()
    series = peer.read(config["directory"])
    seconds = time.perf_counter() - start
    if series is None:
        return _write(config["out"], {"points": None})
    points, different, error, full = 0, 0, 0.0, None
    for key in KEYS:
        points += len(series[key])
        for step, value in series[key]:
            wanted = rows[step][key]
            if not isinstance(value, (int, float)) or _bits(float(value)) != _bits(wanted):
                different += 1
                error = max(error, abs(value - wanted)) if isinstance(value, (int, float)) else math.inf
        steps = {step for step, _ in series[key]}
        full = steps if full is None else full & steps
    _write(config["out"], {"read_s": seconds, "points": points, "points_different": different, "max_error": error,
                           "rows_missing": len(rows) - len(full), "peak_rss_kb": _status_kb("VmHWM")})
