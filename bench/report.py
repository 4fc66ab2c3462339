"""Renders docs/performance.md from the lines of the benchmarks."""
import datetime
import json
import os
import platform

# Promise, what is measured, the promised figure, whether more is better, benchmark, path of the figure in its line.
PROMISES = (
    ("P1", "C++ `log()`, interned keys: typical / floor", 1.5, False, "log_latency", "ratio.typical_to_floor"),
    ("P1", "the same: p99.9 / floor, typical", 20, False, "log_latency", "ratio.p999_to_floor"),
    ("P1", "allocations while logging", 0, False, "log_latency", "allocations"),
    ("P2", "string keys / interned keys", 3, False, "log_latency", "ratio.string_keys_to_interned"),
    ("P2", "cold caches / warm", 50, False, "log_latency", "ratio.cold_to_warm"),
    ("P3", "Python `log()` / walking the dict", 3, False, "python_log", "ratio.typical_to_floor"),
    ("P3", "wandb's p50 / ours, tight loop", 300, True, "compare_tight", "ratio.p50_us"),
    ("P3", "wandb's p50 / ours, 200 calls/s", 100, True, "compare_paced", "ratio.p50_us"),
    ("P4", "bytes a point, metrics as training gives them", 3.0, False, "journal_size", "training.paced.bytes_per_point"),
    ("P4", "bytes a point, float64 noise", 5.2, False, "compare_tight", "wb.bytes_per_point"),
    ("P4", "bytes of the `.wandb` run / ours", 17, True, "compare_tight", "ratio.bytes_per_point"),
    ("P4", "points that were not read back bit for bit", 0, False, "journal_size", "points_different"),
    ("P5", "packing, points/s of one core", 2e6, True, "pack_throughput", "noise.points_per_cpu_s"),
    ("P5", "keeper at 100 calls/s, share of a core", 0.02, False, "keeper_cost", "core_share"),
    ("P5", "keeper's private memory, MiB", 16, False, "keeper_cost", "private_peak.all_mib"),
    ("P6", "reading 64 journals, points/s of one core", 10e6, True, "read_throughput", "points_per_cpu_s"),
    ("P6", "finding and rebuilding the run, points/s of one core", 10e6, True, "merge_throughput",
     "discover.points_per_cpu_s"),
    ("P6", "merging into JSON lines, points/s of one core", 10e6, True, "merge_throughput", "merge.points_per_cpu_s"),
    ("P8", "wandb's import / ours", 10, True, "start_end", "ratio.wandb.import_s"),
    ("P8", "wandb's init / ours", 40, True, "start_end", "ratio.wandb.init_s"),
    ("P8", "GoodSeed's import / ours", 1, True, "start_end", "ratio.goodseed.import_s"),
    ("P8", "GoodSeed's init / ours", 1, True, "start_end", "ratio.goodseed.init_s"),
    ("–", "rows dropped, 5 times 100,000 rows in a tight loop", 0, False, "start_end", "drops_many"),
    ("P8", "finish after 1 M points, seconds", 0.5, False, "start_end", "finish_many_s.median"),
)


def figure_at(line, path):
    for name in path.split("."):
        line = line.get(name) if isinstance(line, dict) else None
    return line


def shown(value):
    if value is None:
        return "not measured"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def promise_rows(lines):
    for promise, what, promised, more, name, path in PROMISES:
        value = figure_at(lines.get(name), path)
        met = "–" if value is None else "yes" if (value >= promised if more else value <= promised) else "**no**"
        limit = f"{'≥' if more else '≤'} {shown(promised)}"
        yield f"| {promise} | {what} | {limit} | {shown(value)} | {met} | `{name}` |"


def latency_rows(lines):
    """The times behind the ratios of log()."""
    log = lines.get("log_latency") or {}
    for title, name in (("floor", "floor"), ("interned keys", "interned"), ("string keys", "string_keys"),
                        ("floor, cold", "floor_cold"), ("interned keys, cold", "cold")):
        times = log.get(name)
        if times:
            yield "| C++ {} | {} | {} | {} | {} | {} |".format(
                title, *(shown(times.get(f)) if f in times else "–" for f in
                         ("p50_ns", "typical_ns", "p99_ns", "p999_ns", "max_ns")))
    python = lines.get("python_log") or {}
    for title, name in (("walking the dict", "floor"), ("`run.log(dict, step=)`", "log")):
        times = python.get(name)
        if times:
            yield "| Python {} | {} | {} | {} | {} | {} |".format(
                title, *(shown(times.get(f)) for f in ("p50_ns", "typical_ns", "p99_ns", "p999_ns", "max_ns")))


def machine():
    model = platform.machine()
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{os.cpu_count()} cores of {model}, Linux {kernel}"


HEAD = """# Performance

Measured on {date} by `bench/run_all`: {machine}; load average before each benchmark {low:.2f} to {high:.2f}.
Times on shared machines are not stable. What counts is the ratio of two things measured side by side in one run; the
figures are those of this one run. Each benchmark says in its first lines how it measures.

## Promises

Those of P1, P3, P4 and P8 are for orientation until the codec and speed work is done, and binding then.

| promise | what | promised | measured | met | benchmark |
|---|---|--:|--:|---|---|
"""
TIMES = """
## What one call takes, in nanoseconds

Ten float64 a call. "typical" is the median of a call's mean in groups of calls that are timed as one: the finest
figure. The others time each call by itself, less an empty reading of the clock; some processors count in steps of 10 ns.

| call | p50 | typical | p99 | p99.9 | max |
|---|--:|--:|--:|--:|--:|
"""


def render(entries):
    """The page as text."""
    lines = {entry["name"]: entry.get("line") for entry in entries}
    loads = [entry["load_average"] for entry in entries]
    page = HEAD.format(date=datetime.date.today().isoformat(), machine=machine(), low=min(loads), high=max(loads))
    page += "\n".join(promise_rows(lines)) + "\n"
    rows = list(latency_rows(lines))
    if rows:
        page += TIMES + "\n".join(rows) + "\n"
    page += "\n## Commands and their lines\n"
    for entry in entries:
        page += f"\n`{entry['command']}` (load average {entry['load_average']:.2f})\n"
        if "missing" in entry:
            page += f"\nNot measured: {entry['missing']}\n"
        elif "failed" in entry:
            page += f"\nFailed: {entry['failed']}\n"
        if entry.get("line"):
            page += f"```json\n{json.dumps(entry['line'], ensure_ascii=False)}\n```\n"
    return page
