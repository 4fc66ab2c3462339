#!/usr/bin/env python3
"""Eight ranks under a real Slurm, with proctrack/linuxproc and proctrack/cgroup: scancel, SIGKILL at once, time limit,
preemption, requeue, node failure. What every rank's log() had accepted stands in a file that outlives it; what is in the journals is
held against that, and `wbsync show` must name the limit that applied. Ends with "N passed, N failed".

campaign.py BINARY_DIRECTORY WORK_DIRECTORY [CASE...]    as root; installs slurm-wlm and munge if they are missing
"""
import glob
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import traceback

from cluster import CPUS, NODES, Cluster, wait_until

RANKS = NODES * CPUS
BOARD_HEAD = struct.Struct("<QQQQQIIIi")  # As in ../rank.h: seed, first_row, begun, ..., phase, ..., pid.
PHASE_LOGGING = 1
LOST_MS_MAX = 100  # What a busy machine may add to the 10 ms; the figures are printed.


class Case:
    """One job, its boards and its journals."""

    def __init__(self, name, cluster, binaries, work):
        self.name, self.cluster = name, cluster
        self.wbsync, self.kills = f"{binaries}/wbsync", f"{binaries}/wb_kills"
        self.work = pathlib.Path(work) / f"{cluster.proctrack}-{name}"
        self.work.mkdir(parents=True)
        self.job = None
        self.shown_before = {}
        self.notes = []

    def submit(self, *options, lingers=False):
        rank = (f"exec {self.kills} rank --directory {self.work}/runs "
                f"--board {self.work}/board.$SLURM_PROCID.${{SLURM_RESTART_COUNT:-0}} "
                "--seed $((1000 * ${SLURM_RESTART_COUNT:-0} + SLURM_PROCID)) "
                "--term $([ $((SLURM_PROCID % 2)) = 0 ] && echo finish || echo die)")
        script = self.work / "job.sh"
        # A job that ends at SIGTERM, within the grace time, counts as ended and is not requeued.
        trap, rest = ('trap "" TERM\n', "\nsleep 60") if lingers else ("", "")
        script.write_text(f"#!/bin/bash\n{trap}export WB_RUN_ID={self.name}\nsrun bash -c '{rank}'{rest}\n")
        done = self.cluster.call("sbatch", "--parsable", f"--nodes={NODES}", f"--ntasks={RANKS}", "--requeue",
                                 f"--output={self.work}/job.out", "--open-mode=append", *options, str(script))
        assert done.returncode == 0, done.stderr
        self.job = done.stdout.strip()
        self.await_logging(0)

    def await_logging(self, attempt, seconds=120):
        wait_until(lambda: self.logging_count(attempt) == RANKS, seconds, f"attempt {attempt} of {self.name}")

    def boards(self, attempt):
        """(rows begun, phase, pid) of each rank of an attempt."""
        for path in glob.glob(f"{self.work}/board.*.{attempt}"):
            with open(path, "rb") as file:
                head = file.read(BOARD_HEAD.size)
            if len(head) == BOARD_HEAD.size:
                _, first, begun, _, _, phase, _, _, pid = BOARD_HEAD.unpack(head)
                yield begun - first, phase, pid

    def logging_count(self, attempt):
        return sum(phase >= PHASE_LOGGING and rows > 200 for rows, phase, _ in self.boards(attempt))

    def kill_tasks(self):
        pids = [pid for _, _, pid in self.boards(0)]
        assert len(pids) == RANKS, pids
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def cancel(self):
        self.cluster.call("scancel", self.job)
        self.await_end()

    def await_end(self, seconds=120):
        wait_until(lambda: self.cluster.job_state(self.job) == "", seconds, f"the end of {self.name}")

    def show(self):
        done = subprocess.run([self.wbsync, "show", f"{self.work}/runs/{self.name}", "--json"], capture_output=True,
                              text=True)
        return {j["journal"][:8]: j for j in json.loads(done.stdout)["journals"]}

    def settle(self, wiped):
        """Keepers that live end their work; then what a user has: a rescue, or a node whose /dev/shm is gone."""
        wait_until(lambda: not any(has_keeper(ring) for ring in rings()), 60, "the keepers' end")
        self.shown_before = self.show()
        left = rings()
        waiting = sum(j["waiting_in_ring"] for j in self.shown_before.values())
        self.notes.append(f"{len(left)} rings left with {waiting} records")
        for journal in self.shown_before.values():
            if any(journal["journal"] in ring for ring in left):
                assert journal["limit_applied"] in ("trainer_killed", "none"), journal["limit_reason"]
        if wiped:
            for ring in left:
                os.unlink(ring)
        else:
            done = subprocess.run([self.wbsync, "rescue"], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        assert not rings(), rings()

    def check(self, attempts, may_lose):
        shown = self.show()
        boards = sorted(glob.glob(f"{self.work}/board.*"))
        assert len(boards) == RANKS * attempts, boards
        accepted = lost = 0
        lost_ms, limits = 0.0, {}
        for board in boards:
            done = subprocess.run([self.kills, "check", "--board", board], capture_output=True, text=True)
            found = json.loads(done.stdout)
            assert not found["errors"], (board, found)
            journal = shown[found["journal"].rsplit(".", 1)[1]]
            rank, attempt = (int(part) for part in board.rsplit(".", 2)[1:])
            assert (journal["rank"], journal["attempt"]) == (rank, attempt), (board, journal)
            right = "none" if found["finishes"] else "trainer_killed" if found["deaths"] else "step_killed"
            assert journal["limit_applied"] == right, (board, found, journal)
            assert found["lost"] == 0 or (may_lose and right == "step_killed"), (board, found)
            assert found["lost_ms"] <= LOST_MS_MAX, (board, found)
            assert found["accepted"] > 100, (board, found)
            accepted, lost = accepted + found["accepted"], lost + found["lost"]
            lost_ms = max(lost_ms, found["lost_ms"])
            limits[right] = limits.get(right, 0) + 1
        self.check_list(attempts)
        self.notes.append(f"{accepted} rows accepted, {lost} lost (the oldest {lost_ms:.1f} ms before its end); "
                          + ", ".join(f"{count} x {limit}" for limit, count in sorted(limits.items())))

    def check_list(self, attempts):
        """Each rank of each attempt is one journal in `wbsync ls`."""
        done = subprocess.run([self.wbsync, "ls", f"{self.work}/runs", "--json"], capture_output=True, text=True)
        listed = sorted((j["attempt"], j["rank"]) for j in map(json.loads, done.stdout.splitlines()))
        assert listed == [(a, r) for a in range(attempts) for r in range(RANKS)], listed


def rings():
    return glob.glob("/dev/shm/wb-*.ring")


def has_keeper(ring):
    """True while a process that is no trainer has it open."""
    for link in glob.glob("/proc/[0-9]*/fd/3"):
        try:
            if os.readlink(link).startswith(ring):
                return True
        except OSError:
            pass
    return False


def scancel(case):
    """SIGTERM, and SIGKILL 3 s later."""
    case.submit()
    case.cancel()
    case.settle(wiped=False)
    case.check(attempts=1, may_lose=False)


def killed_at_once(case):
    """SIGKILL of all tasks: the step ends, and proctrack/cgroup kills the keepers with it."""
    case.submit()
    case.kill_tasks()
    case.await_end()
    case.settle(wiped=False)
    case.check(attempts=1, may_lose=False)


def killed_at_once_wiped(case):
    """As where each job has a /dev/shm of its own that goes with it."""
    case.submit()
    case.kill_tasks()
    case.await_end()
    case.settle(wiped=True)
    case.check(attempts=1, may_lose=True)


def time_limit(case):
    case.submit("--time=1")
    case.await_end(200)
    case.settle(wiped=False)
    case.check(attempts=1, may_lose=False)


def preemption(case):
    case.submit("--partition=low", lingers=True)
    other = case.cluster.call("sbatch", "--parsable", "--partition=high", f"--nodes={NODES}", f"--ntasks={RANKS}",
                              f"--output={case.work}/high.out", "--wrap", "sleep 3")
    assert other.returncode == 0, other.stderr
    case.await_logging(1)
    case.cancel()
    case.settle(wiped=False)
    case.check(attempts=2, may_lose=False)


def requeue(case):
    case.submit()
    case.cluster.call("scontrol", "requeue", case.job)
    case.await_logging(1)
    case.cancel()
    case.settle(wiped=False)
    case.check(attempts=2, may_lose=False)


def node_failure(case):
    """Node n2 is lost with all that its memory held, comes back, and the job starts anew."""
    case.submit()
    before = set(rings())
    on_node = {ring for ring in before for pid in case.cluster.processes_of("n2") if holds(pid, ring)}
    assert len(on_node) == CPUS, on_node
    case.cluster.kill_node("n2")
    for ring in on_node & set(rings()):
        os.unlink(ring)
    wait_until(lambda: case.cluster.job_state(case.job) != "RUNNING", 90, "the loss of n2 to be noticed")
    case.cluster.start_node("n2")
    case.await_logging(1, 180)
    case.cancel()
    case.settle(wiped=False)
    case.check(attempts=2, may_lose=True)


def holds(pid, path):
    for link in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            if os.readlink(link).startswith(path):
                return True
        except OSError:
            pass
    return False


CASES = (scancel, killed_at_once, killed_at_once_wiped, requeue, preemption, node_failure, time_limit)


def install():
    missing = [name for name in ("slurmctld", "slurmd", "munged") if shutil.which(name) is None]
    if missing:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "slurm-wlm", "munge"], check=True,
                       env=environment, stdout=subprocess.DEVNULL)


def run(binaries, work, names):
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "wbtest", "/dev/shm"], check=True)
    passed = failed = 0
    for proctrack in ("linuxproc", "cgroup"):
        directory = work / f"cluster-{proctrack}"
        with Cluster(directory, proctrack) as cluster:
            for function in CASES:
                if names and function.__name__ not in names:
                    continue
                case = Case(function.__name__, cluster, binaries, work)
                try:
                    wait_until(cluster.is_idle, 120, "an idle cluster")
                    function(case)
                    passed += 1
                    print(f"passed: {proctrack} {case.name}: {'; '.join(case.notes)}", flush=True)
                except Exception:  # One case that fails must not hide the others.
                    failed += 1
                    print(f"FAILED: {proctrack} {case.name}: {'; '.join(case.notes)}\n{traceback.format_exc()}", flush=True)
                    if case.job:
                        cluster.call("scancel", case.job)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


def main():
    binaries, work = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    if os.geteuid() != 0:
        sys.exit("the Slurm campaign needs root: nodes are made with namespaces, and Slurm is installed")
    if os.environ.get("WB_SLURM_INSIDE") != "1":
        install()
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        os.environ["WB_SLURM_INSIDE"] = "1"
        # A mount namespace of its own: its /dev/shm is nobody else's.
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])
    sys.exit(run(binaries, work, sys.argv[3:]))


if __name__ == "__main__":
    main()
