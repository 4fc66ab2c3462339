#!/usr/bin/env python3
"""Measures experiment loggers on one workload: log() of ten floats with a step, offline, in one process.

  bench/peers.py list
  bench/peers.py install wb wandb goodseed        virtual environments below build/venvs
  bench/peers.py bench --peer wb [--calls 20000] [--rate 200]
  bench/peers.py compare --peer wb --with wandb   in turns, in one run; ratios of the medians
  bench/peers.py table [--install]                every product and a baseline, one after the other

`bench`, `compare` and `table` print one JSON line; `table` also ends each peer with SIGKILL, without finish(), and
counts the rows that are lost. A peer is a class under @peer in bench/peers/; it can be measured if its
environment is installed. Each call is timed by itself inside the peer's process; processor time counts its helper
processes too. What was logged is read back with the peer's own reader, and every value is compared bit for bit.
"""
import argparse
import json
import statistics
import sys

from peers.all import PEERS
from peers.driver import PeerError, bench, rows_lost_by_a_kill
from peers.venvs import InstallError, install, python_of
from peers.worker import run_reader, run_worker

# Figure: whether the other peer's is divided by ours (how many times better we are).
COMPARED = ("p50_us", "p99_us", "import_s", "init_s", "finish_s", "cpu_us_per_call", "bytes_per_point")
TABLED = ("p50_us", "p99_us", "p999_us", "import_s", "init_s", "finish_s", "cpu_us_per_call", "bytes_per_point")
OURS = "wb"
TABLE_PEERS = (OURS, "wandb", "trackio", "goodseed", "neptune-scale", "tensorboardX", "sqlite-normal", "json-flush")
PACED_CALLS = 400
NOT_INSTALLED = 77


def rounded(value):
    """Four significant digits, for people."""
    if isinstance(value, dict):
        return {name: rounded(member) for name, member in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def losses(result):
    """Rows that are not there any more, whoever knows of it."""
    return max(result["drops"], result.get("read", {}).get("rows_missing", 0))


def run_bench(arguments):
    result = bench(arguments.peer, arguments.calls, arguments.rate, arguments.directory)
    result["drops"] = losses(result)
    print(json.dumps(rounded({"name": "peers_bench", **result})))


def median_of(results):
    return {figure: statistics.median(r[figure] for r in results) for figure in COMPARED}


def compare(ours, theirs, calls, rate, rounds, directory):
    """Both peers in turns; medians of the rounds, and theirs divided by ours."""
    results = {ours: [], theirs: []}
    for _ in range(rounds):
        for name in (ours, theirs):
            results[name].append(bench(name, calls, rate, directory))
    medians = {name: median_of(r) for name, r in results.items()}
    ratio = {figure: medians[theirs][figure] / max(medians[ours][figure], 1e-9) for figure in COMPARED}
    return {"name": "peers_compare", "ours": ours, "theirs": theirs, "rate": rate, "ratio": ratio, **medians,
            "p999_us_worst": {name: max(r["p999_us"] for r in results[name]) for name in results},
            "max_us_worst": {name: max(r["max_us"] for r in results[name]) for name in results},
            "points_different": {name: max(r["read"]["points_different"] or 0 for r in results[name])
                                 for name in results},
            "drops": sum(losses(r) for r in results[ours]), "drops_theirs": sum(losses(r) for r in results[theirs]),
            "load_average": max(r["load_average"] for r in results[ours] + results[theirs]),
            "parameters": {"calls": calls, "rounds": rounds, "rate": rate}}


def run_compare(arguments):
    calls = arguments.calls or (2000 if arguments.rate else 20000)
    print(json.dumps(rounded(compare(arguments.peer, arguments.other, calls, arguments.rate, arguments.rounds,
                                     arguments.directory))))


def table(names, calls, rate, directory):
    """What each peer takes for the same rows; those that are not installed are named."""
    peers, failed = {}, {}
    for name in names:
        try:
            measured = bench(name, calls or PEERS[name].calls, 0, directory)
            paced = bench(name, PACED_CALLS, rate, directory)
            peers[name] = {"calls": measured["calls"], **{figure: measured[figure] for figure in TABLED},
                           "paced_p50_us": paced["p50_us"], "paced_p99_us": paced["p99_us"], "drops": losses(measured),
                           "points_different": measured["read"].get("points_different"),
                           "rows_lost_by_a_kill": rows_lost_by_a_kill(name, PACED_CALLS, rate, directory)}
        except PeerError as error:
            failed[name] = str(error)
    return {"name": "peers_table", "peers": peers, "failed": failed,
            "drops": sum(peers[name]["drops"] for name in peers if name == OURS),
            "parameters": {"rate": rate, "paced_calls": PACED_CALLS}}


def run_table(arguments):
    if arguments.install:
        for name in arguments.names:
            install(PEERS[name].venv, PEERS[name].packages)
    print(json.dumps(rounded(table(arguments.names, arguments.calls, arguments.rate, arguments.directory))))


def run_list(_):
    for name, peer in PEERS.items():
        print(f"{name:16} {'ready' if python_of(peer) else 'not installed'}")


def run_install(arguments):
    for name in arguments.names:
        install(PEERS[name].venv, PEERS[name].packages)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(required=True, metavar="MODE")
    modes.add_parser("list").set_defaults(run=run_list)
    installing = modes.add_parser("install")
    installing.add_argument("names", nargs="+", choices=list(PEERS))
    installing.set_defaults(run=run_install)
    for name, run, rate in (("bench", run_bench, 0), ("compare", run_compare, 0), ("table", run_table, 200)):
        mode = modes.add_parser(name)
        mode.add_argument("--calls", type=int)
        mode.add_argument("--rate", type=float, default=rate, help="calls a second; 0: as fast as it goes")
        mode.add_argument("--directory", help="where the files go; default TMPDIR")
        if run is run_table:
            mode.add_argument("--peers", dest="names", nargs="+", choices=list(PEERS), default=TABLE_PEERS)
            mode.add_argument("--install", action="store_true", help="make the environments first")
        else:
            mode.add_argument("--peer", required=True, choices=list(PEERS))
        if run is run_compare:
            mode.add_argument("--with", dest="other", required=True, choices=list(PEERS))
            mode.add_argument("--rounds", type=int, default=3)
        mode.set_defaults(run=run)
    return parser.parse_args()


def main():
    if len(sys.argv) == 3 and sys.argv[1] in ("_worker", "_reader"):  # Started by peers/driver.py.
        return (run_worker if sys.argv[1] == "_worker" else run_reader)(json.loads(sys.argv[2]))
    arguments = parse()
    names = [n for n in (getattr(arguments, "peer", None), getattr(arguments, "other", None)) if n]
    missing = [n for n in names if python_of(PEERS[n]) is None]
    if missing:
        print(f"not installed: {' '.join(missing)}; bench/peers.py install {' '.join(missing)}", file=sys.stderr)
        return NOT_INSTALLED
    try:
        return arguments.run(arguments)
    except (InstallError, PeerError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
