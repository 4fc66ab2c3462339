"""A rank that is killed by SIGKILL in a real training: all that it logged is there, and the states tell it apart."""

import ast

import journals
from training import Server, check_run, end, logged_by_rank, rows_of, start, sync

KILLED = 2


def exit_codes(stderr):
    line = next(line for line in stderr.splitlines() if line.startswith("launch_ranks: exit codes "))
    return ast.literal_eval(line.removeprefix("launch_ranks: exit codes "))


def dumped(directory, run_id):
    """The values of every row record of a run, parts joined, as [(step, data)]."""
    return [(step, data) for step, data, _ in journals.rows(directory / "runs" / run_id)]


def check_dump(directory, logged):
    """Each log() that returned is in the dump. A killed process may have one more, whose return was not written down."""
    compared = 0
    for rank, (init, calls) in logged.items():
        found = [(record["step"], record["data"]) for record in journals.dump(directory / "runs" / init["id"])
                 if record["kind"] == "row"]
        assert found[: len(calls)] == calls
        assert len(found) - len(calls) <= (1 if rank == KILLED else 0)
        compared += len(calls)
    return compared


def test_a_rank_killed_in_the_middle_loses_nothing_and_each_rank_tells_its_own_end(tmp_path):
    # launch_ranks and not torchrun, which would end the other ranks by SIGTERM before they can end by themselves. They
    # lose their connection to the killed one in the next collective, raise, and exit with 1: they failed.
    with start(tmp_path, "--log", "group", "--group", "killed", "--die-at-step", "20", "--die-rank", str(KILLED),
               "--die-how", "kill", launcher="each rank") as training:
        code, stderr = end(training)
    assert code == 1 and exit_codes(stderr) == [1, 1, -9, 1], stderr
    logged = logged_by_rank(tmp_path)
    assert check_dump(tmp_path, logged) >= 4 * 21 - 3
    expected = {init["id"]: ["crashed" if rank == KILLED else "failed"] for rank, (init, _) in logged.items()}
    journals.wait_until(lambda: journals.states(tmp_path / "runs") == expected)
    with Server() as server:
        done = sync(tmp_path, server)
        assert done.returncode == 0, done.stderr
        for init, calls in logged.values():
            check_run(server, init, calls, "failed", 1)


def test_a_rank_killed_after_the_last_collective_is_crashed_and_the_others_are_finished(tmp_path):
    with start(tmp_path, "--log", "group", "--group", "killed", launcher="each rank",
               environment={"KILL_AT_FINISH": str(KILLED)}) as training:
        code, stderr = end(training)
    assert code == 1 and exit_codes(stderr) == [0, 0, -9, 0], stderr
    logged = logged_by_rank(tmp_path)
    assert check_dump(tmp_path, logged) == 4 * (36 + 3)
    for init, calls in logged.values():
        assert dumped(tmp_path, init["id"]) == rows_of(calls)
    expected = {init["id"]: ["crashed" if rank == KILLED else "finished"] for rank, (init, _) in logged.items()}
    journals.wait_until(lambda: journals.states(tmp_path / "runs") == expected)
    with Server() as server:
        done = sync(tmp_path, server)
        assert done.returncode == 0, done.stderr
        for rank, (init, calls) in logged.items():
            check_run(server, init, calls, *(("failed", 1) if rank == KILLED else ("finished", 0)))
