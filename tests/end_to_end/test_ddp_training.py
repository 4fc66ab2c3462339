"""Real four-rank DDP training through the whole path: what is on the server is what the ranks logged."""

import pytest

import journals
from training import Server, check_run, comparable, end, history_on, logged_by_rank, rows_of, start, sync

STEPS = ["--epochs", "4", "--sleep", "0.08"]  # 48 steps that take about 4 s, so that they can be watched.


def watch(directory, server):
    """Syncs once. What is then there of a run is a beginning of what its rank has logged by now. Counts the runs."""
    if not logged_by_rank(directory):
        return 0
    done = sync(directory, server)
    assert done.returncode in (0, 3), done.stderr  # 3: there is no journal yet.
    watched = 0
    for init, calls in logged_by_rank(directory).values():
        history = history_on(server, init["id"])
        if history:
            assert history == rows_of(calls)[: len(history)]
            watched += 1
    return watched


@pytest.mark.parametrize("method, ranks", [("rank0", [0]), ("group", [0, 1, 2, 3])])
def test_the_server_has_what_the_ranks_logged_synced_while_it_runs_and_after(tmp_path, method, ranks):
    group = ["--group", "the group"] if method == "group" else []
    with Server() as server, Server() as fresh, start(tmp_path, "--log", method, *group, *STEPS) as training:
        watched = 0
        while training.poll() is None:
            watched += watch(tmp_path, server)
        code, stderr = end(training)
        assert code == 0, stderr
        assert watched > 2, "the training was over before it could be watched"

        logged = logged_by_rank(tmp_path)
        assert sorted(logged) == ranks
        for target in (server, fresh):
            done = sync(tmp_path, target, *([] if target is server else ["--state", tmp_path / "fresh-state"]))
            assert done.returncode == 0, done.stderr
            values = sum(check_run(target, init, calls) for init, calls in logged.values())
            assert values == len(ranks) * (48 * 5 + 4 * 3 - 3 * 1)  # epoch, in train and val rows, is joined 3 times.
        # Synced in pieces while it ran, or once after it ended: the same state.
        assert comparable(server) == comparable(fresh)

        requests = len(server.log("file_stream"))
        for _ in range(3):
            assert sync(tmp_path, server).returncode == 0
        assert len(server.log("file_stream")) == requests, "something was sent twice"
        assert comparable(server) == comparable(fresh)

    states = journals.states(tmp_path / "runs")
    assert states == {init["id"]: ["finished"] for init, _ in logged.values()}
