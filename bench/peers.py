#!/usr/bin/env python3
"""Measures experiment loggers on one workload: log() of ten floats with a step, offline, in one process.

  bench/peers.py list
  bench/peers.py install wb wandb goodseed        virtual environments below build/venvs
  bench/peers.py bench --peer wb [--calls 20000] [--rate 200]
  bench/peers.py compare --peer wb --with wandb   in turns, in one run; ratios of the medians

`bench` and `compare` print one JSON line. A peer is a class under @peer in bench/peers/; it can be measured if its
environment is installed. Each call is timed by itself inside the peer's process; processor time counts its helper
processes too. What was logged is read back with the peer's own reader, and every value is compared bit for bit.
"""
import argparse
import json
import statistics
import sys

from peers.all import PEERS
from peers.driver import PeerError, bench
from peers.venvs import install, python_of
from peers.worker import run_reader, run_worker

# Figure: whether the other peer's is divided by ours (how many times better we are).
COMPARED = ("p50_us", "p99_us", "import_s", "init_s", "finish_s", "cpu_us_per_call", "bytes_per_point")
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


def run_list(_):
    for name, peer in PEERS.items():
        print(f"{name:16} {'ready' if python_of(peer) else 'not installed'}")


def run_install(arguments):
    for name in arguments.names:
        install(PEERS[name])


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(required=True, metavar="MODE")
    modes.add_parser("list").set_defaults(run=run_list)
    installing = modes.add_parser("install")
    installing.add_argument("names", nargs="+", choices=list(PEERS))
    installing.set_defaults(run=run_install)
    for name, run in (("bench", run_bench), ("compare", run_compare)):
        mode = modes.add_parser(name)
        mode.add_argument("--peer", required=True, choices=list(PEERS))
        mode.add_argument("--calls", type=int)
        mode.add_argument("--rate", type=float, default=0, help="calls a second; 0: as fast as it goes")
        mode.add_argument("--directory", help="where the files go; default TMPDIR")
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
    except PeerError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
