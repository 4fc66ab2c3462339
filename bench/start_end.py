#!/usr/bin/env python3
"""What starting and ending cost (promise P8): import, init, finish, leaving the interpreter; wb beside other loggers.

  bench/start_end.py [--rounds 10] [--rows 100000] [--peers wb wandb goodseed] [--smoke]

Each sample is a fresh interpreter that imports nothing else before; the loggers take turns. `finish_s` follows 100 rows,
`finish_many_s` follows --rows rows of ten metrics (wb only), `exit_s` is from the return of finish() to the end of
the process. Prints one JSON line with medians, and theirs divided by ours. Loggers that are not installed are left out.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from peers.all import PEERS
from peers.venvs import python_of

# The statements of each logger, as a program writes them. {directory} is where it may write.
STATEMENTS = {
    "wb": ("import wb", "run = wb.init(project='bench', dir={directory!r})", "run.log(row, step=i)", "run.finish()"),
    "wandb": ("import wandb", "run = wandb.init(project='bench', dir={directory!r})", "run.log(row, step=i)",
              "run.finish()"),
    "goodseed": ("import goodseed", "run = goodseed.Run(project='bench', log_dir={directory!r}, storage='local')",
                 "run.log_metrics(row, i)", "run.close()"),
}
PROGRAM = """
import sys, time
clock = time.perf_counter
row = dict((f"metric/{{n}}", n * 0.37) for n in range(10))
t0 = clock()
{load}
t1 = clock()
{init}
t2 = clock()
for i in range({rows}):
    {log}
t3 = clock()
dropped = {dropped}
t4 = clock()
{finish}
t5 = clock()
sys.stdout.write(f"{{t1 - t0}} {{t2 - t1}} {{t3 - t2}} {{t5 - t4}} {{t5}} {{dropped}}\\n")
"""
DROPPED = {"wb": "run._counts[1]"}
NOT_INSTALLED = 77


def sample(name, rows, parent):
    """One fresh process; its times in seconds and its drops."""
    directory = tempfile.mkdtemp(prefix="wb-start-", dir=parent)
    try:
        load, init, log, finish = (s.format(directory=directory) for s in STATEMENTS[name])
        program = PROGRAM.format(load=load, init=init, log=log, finish=finish, rows=rows,
                                 dropped=DROPPED.get(name, "0"))
        environment = {**os.environ, **PEERS[name]().environment(directory), "HOME": directory}
        # The child's clock is the machine's monotonic clock, as is this one.
        result = subprocess.run([python_of(PEERS[name]), "-c", program], cwd=directory, env=environment, text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        ended = time.perf_counter()
        if result.returncode != 0:
            raise RuntimeError(f"{name} ended with {result.returncode}: {result.stderr[-600:]}")
        load_s, init_s, log_s, finish_s, finished, dropped = result.stdout.split("\n")[-2].split()
        return {"import_s": float(load_s), "init_s": float(init_s), "log_s": float(log_s), "finish_s": float(finish_s),
                "exit_s": ended - float(finished), "dropped": int(dropped)}
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def medians(samples):
    return {name: float(f"{statistics.median(s[name] for s in samples):.4g}")
            for name in ("import_s", "init_s", "finish_s", "exit_s")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--peers", nargs="+", default=list(STATEMENTS), choices=list(STATEMENTS))
    parser.add_argument("--directory", help="where the files go; default TMPDIR")
    parser.add_argument("--smoke", action="store_true", help="one round, few rows, wb alone")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rounds, arguments.rows, arguments.peers = 1, 1000, ["wb"]
    names = [name for name in arguments.peers if python_of(PEERS[name])]
    if "wb" not in names:
        print("wb is not installed: bench/peers.py install wb", file=sys.stderr)
        return NOT_INSTALLED

    for name in names:  # The first start reads files from the disk.
        sample(name, 1, arguments.directory)
    samples = {name: [] for name in names}
    for _ in range(arguments.rounds):
        for name in names:
            samples[name].append(sample(name, 100, arguments.directory))
    many = [sample("wb", arguments.rows, arguments.directory) for _ in range(min(arguments.rounds, 5))]
    result = {name: medians(s) for name, s in samples.items()}
    ratio = {other: {figure: float(f"{result[other][figure] / max(result['wb'][figure], 1e-6):.4g}")
                     for figure in result["wb"]} for other in names if other != "wb"}
    print(json.dumps({"name": "start_end", "promise": "P8", "ratio": ratio, **result,
                      "finish_many_s": {"median": statistics.median(s["finish_s"] for s in many),
                                        "max": max(s["finish_s"] for s in many), "rows": arguments.rows},
                      "drops": sum(s["dropped"] for s in samples["wb"]), "drops_many": sum(s["dropped"] for s in many),
                      "load_average": os.getloadavg()[0],
                      "parameters": {"rounds": arguments.rounds, "rows": arguments.rows}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
