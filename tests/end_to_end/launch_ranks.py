#!/usr/bin/env python3
"""Starts a program once for each rank, as torchrun does, and lets every rank end by itself.

torchrun ends the other ranks by a signal when one dies. Here they live on until their own end, so that what each of
them records is its own doing: launch_ranks.py [--ranks N] [--wrap RANK COMMAND] PROGRAM ARGUMENTS...
Prints `launch_ranks: exit codes [...]` on stderr, negative ones for signals; exits with 1 if one is not 0.
"""
import argparse
import os
import shlex
import socket
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--wrap", nargs=2, metavar=("RANK", "COMMAND"), help="run this rank under COMMAND")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = []
    for rank in range(asked.ranks):
        environment = dict(os.environ, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(asked.ranks),
                           MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), OMP_NUM_THREADS="1")
        command = [sys.executable, asked.program, *asked.arguments]
        if asked.wrap and int(asked.wrap[0]) == rank:
            command = shlex.split(asked.wrap[1]) + command
        processes.append(subprocess.Popen(command, env=environment))
    codes = [process.wait() for process in processes]
    print(f"launch_ranks: exit codes {codes}", file=sys.stderr)
    return 0 if not any(codes) else 1


if __name__ == "__main__":
    sys.exit(main())
