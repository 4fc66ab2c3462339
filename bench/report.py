#!/usr/bin/env python3
"""Makes docs/performance.md and README's figures from docs/performance.jsonl, which bench/run_all writes.

  bench/report.py          writes both again
  bench/report.py check    ends with 1 if one of them is not what the lines give

The first line of the .jsonl says where; each other one is one run of one benchmark.
"""
import json
import os
import statistics
import sys

from peers.venvs import ROOT
from promises import PROMISES, README_ROWS

LINES = os.path.join(ROOT, "docs/performance.jsonl")
PAGE = os.path.join(ROOT, "docs/performance.md")
README = os.path.join(ROOT, "README.md")
README_BEGIN, README_END = "<!-- bench/report.py writes from here -->\n", "<!-- to here -->\n"


def figure_at(line, path):
    for name in path.split("."):
        line = line.get(name) if isinstance(line, dict) else None
    return line if isinstance(line, (int, float)) else None


def figures_of(entries, name, path):
    """The figure of every run of the benchmark that has it."""
    found = (figure_at(entry.get("line"), path) for entry in entries if entry["name"] == name)
    return [figure for figure in found if figure is not None]


def median_at(entries, name, path):
    figures = figures_of(entries, name, path)
    return statistics.median(figures) if figures else None


def shown(value):
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def spread(figures):
    if len(figures) < 2:
        return "–"
    low, high = shown(min(figures)), shown(max(figures))
    return low if low == high else f"{low} to {high}"


def promise_rows(entries):
    for promise, what, promised, more, name, path in PROMISES:
        figures = figures_of(entries, name, path)
        runs = sum(entry["name"] == name for entry in entries)
        met = [value >= promised if more else value <= promised for value in figures]
        verdict = "not measured" if not met else "yes" if all(met) and len(met) == runs else "**no**"
        median = shown(statistics.median(figures)) if figures else "–"
        limit = f"{'≥' if more else '≤'} {shown(promised)}"
        yield f"| {promise} | {what} | {limit} | {median} | {spread(figures)} | {verdict} | `{name}` |"


def times_of(line):
    """The members of a benchmark's line that hold times of calls."""
    return [name for name, value in line.items() if isinstance(value, dict) and "p50_ns" in value]


def latency_rows(entries):
    """A row for everything whose calls were timed: medians of the runs."""
    for benchmark in ("log_latency", "log_modes", "python_log"):
        lines = [entry["line"] for entry in entries if entry["name"] == benchmark and entry.get("line")]
        for name in times_of(lines[0]) if lines else ():
            columns = (median_at(entries, benchmark, f"{name}.{figure}")
                       for figure in ("p50_ns", "typical_ns", "p99_ns", "p999_ns", "max_ns"))
            language = "Python" if benchmark == "python_log" else "C++"
            yield f"| {language}: {name.replace('_', ' ')} | {' | '.join(map(shown, columns))} |"


SIZES = (("wb", "ours: one SQLite file, checked, readable while it grows"), ("json_zstd_3", "JSON lines, zstd 3"),
         ("json_zstd_19", "JSON lines, zstd 19"), ("parquet_zstd_3", "Parquet, best encoding of each column, zstd 3"),
         ("parquet_zstd_19", "the same, zstd 19"), ("pcodec_8", "pcodec, level 8: columns only, no file around them"),
         ("pcodec_12", "pcodec, level 12: the same"))


def size_rows(entries):
    for name, title in SIZES:
        columns = [shown(median_at(entries, "size_peers", f"{mix}.{name}.{figure}"))
                   for mix in ("training", "noise") for figure in ("bytes_per_point", "points_different")]
        seconds = median_at(entries, "size_peers", f"training.{name}.cpu_s")
        if columns[0] != "–":
            yield f"| {title} | {' | '.join(columns)} | {shown(seconds)} |"


PEER_COLUMNS = ("p50_us", "p99_us", "paced_p50_us", "paced_p99_us", "cpu_us_per_call", "import_s", "init_s",
                "finish_s", "bytes_per_point", "points_different", "rows_lost_by_a_kill")


def peer_rows(entries):
    peers = [entry["line"]["peers"] for entry in entries if entry["name"] == "peers_table" and entry.get("line")]
    for name in peers[0] if peers else ():
        columns = (median_at(entries, "peers_table", f"peers.{name}.{figure}") for figure in PEER_COLUMNS)
        yield f"| {name} | {' | '.join(map(shown, columns))} |"


def ratios_of(value, path="ratio"):
    """The paths of all figures below a line's member `ratio`."""
    if isinstance(value, dict):
        return [found for name, member in value.items() for found in ratios_of(member, f"{path}.{name}")]
    return [path]


def ratio_rows(entries):
    for name in dict.fromkeys(entry["name"] for entry in entries):
        lines = [entry["line"] for entry in entries if entry["name"] == name and entry.get("line")]
        for path in ratios_of(lines[0].get("ratio", {})) if lines else ():
            figures = figures_of(entries, name, path)
            if figures:
                title = path.partition(".")[2].replace("_", " ").replace(".", ", ")
                yield f"| `{name}` | {title} | {shown(statistics.median(figures))} | {spread(figures)} |"


def command_rows(entries):
    for name in dict.fromkeys(entry["name"] for entry in entries):
        runs = [entry for entry in entries if entry["name"] == name]
        seconds = statistics.median(entry["elapsed_s"] for entry in runs)
        drops = sum((entry.get("line") or {}).get("drops") or 0 for entry in runs)
        problem = next((entry[word] for entry in runs for word in ("missing", "failed") if word in entry), "")
        yield f"| `{runs[0]['command']}` | {len(runs)} | {shown(seconds)} | {drops} | {problem} |"


HEAD = """# Performance

Measured {dates} by `bench/run_all`: {machine}; load average before the benchmarks {low:.2f} to {high:.2f}; {minutes:.0f} minutes.
Times on shared machines are not stable. What counts is the ratio of two things measured side by side in one run. Every
benchmark that a promise rests on ran {repetitions} times; a promise is met if every run meets it. Each benchmark says in its first lines
how it measures, and `docs/performance.jsonl` has the lines of all runs, from which `bench/report.py` made this page.
"""
TABLES = (
    ("Promises", "", "| promise | what | promised | median | lowest to highest | met | benchmark |",
     "|---|---|--:|--:|--:|---|---|", promise_rows),
    ("What one call takes, in nanoseconds",
     """Ten float64 a call. "typical" is the median of a call's mean in groups of calls that are timed as one: the finest
figure. The others time each call by itself, less an empty reading of the clock; some processors count in steps of 10 ns.""",
     "| call | p50 | typical | p99 | p99.9 | max |", "|---|--:|--:|--:|--:|--:|", latency_rows),
    ("Bytes a point, beside what could be chosen instead",
     """The same 20,000 rows of ten metrics with step and time, at the pace of a training loop. "different": values not read back
bit for bit; JSON has no payloads of NaN. The seconds are processor time of writing and reading back the training rows.""",
     "| | training | different | noise | different | CPU s |", "|---|--:|--:|--:|--:|--:|", size_rows),
    ("Loggers, offline, ten float64 a call",
     """Microseconds of a call in a tight loop and at 200 calls a second; CPU microseconds a call of all its processes; seconds
of import, init and finish; values not read back bit for bit; rows of 400 that were gone when the training process was killed
(SIGKILL) behind the last call. `sqlite-normal` is a transaction a call in WAL mode, `json-flush` a line a call.""",
     "| logger | p50 | p99 | p50, paced | p99, paced | CPU | import | init | finish | bytes a point | different | lost by a kill |",
     "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|", peer_rows),
    ("All ratios", "", "| benchmark | ratio | median | lowest to highest |", "|---|---|--:|--:|", ratio_rows),
    ("Commands", "", "| command | runs | seconds a run | rows dropped | |", "|---|--:|--:|--:|---|", command_rows))


def render_page(setting, entries):
    loads = [entry["load_average"] for entry in entries]
    minutes = sum(entry["elapsed_s"] for entry in entries) / 60
    first, last = min(entry["date"] for entry in entries), max(entry["date"] for entry in entries)
    dates = f"on {first}" if first == last else f"from {first} to {last}"
    page = HEAD.format(**setting, dates=dates, low=min(loads), high=max(loads), minutes=minutes)
    for title, text, head, rule, rows_of in TABLES:
        rows = list(rows_of(entries))
        if rows:
            page += "\n".join([f"\n## {title}", *([f"\n{text}"] if text else []), f"\n{head}", rule, *rows]) + "\n"
    return page


def render_readme(readme, entries):
    """The text of README with the measured rows between its two marks."""
    rows = ["| what | measured | command |\n", "|---|--:|---|\n"]
    for what, template, figures, command in README_ROWS:
        values = [shown(median_at(entries, name, path)) for name, path in figures]
        rows.append(f"| {what} | {template.format(*values)} | `{command}` |\n")
    before, _, rest = readme.partition(README_BEGIN)
    _, end, after = rest.partition(README_END)
    if not end:
        raise ValueError(f"README.md has no line {README_BEGIN.strip()} and {README_END.strip()}")
    return before + README_BEGIN + "".join(rows) + README_END + after


def read(path):
    with open(path) as file:
        return file.read()


def main():
    setting, *entries = (json.loads(line) for line in read(LINES).splitlines())
    wanted = {PAGE: render_page(setting, entries), README: render_readme(read(README), entries)}
    stale = [path for path, text in wanted.items() if not os.path.exists(path) or read(path) != text]
    if sys.argv[1:] == ["check"]:
        print(f"{len(entries)} runs; not what their lines give: {[os.path.relpath(path, ROOT) for path in stale]}")
        return 1 if stale or not entries else 0
    for path in stale:
        with open(path, "w") as file:
            file.write(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
