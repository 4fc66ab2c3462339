#!/usr/bin/env python3
"""wbsync killed by SIGKILL anywhere and started again: every row on the server once."""
from harness import *

KILLS_WANTED = 30
RUNS, ROWS = 3, 120


def make_runs(home):
    for number in range(RUNS):
        make_journal(home, f"run{number}", ROWS, seed=number + 1, keys=2)


def check_all(server):
    """True if all is there; whatever is there must be right in any case."""
    complete = 0
    for number in range(RUNS):
        run = server.run(f"run{number}")
        if run is None:
            continue
        # A request whose answer was lost with the process is sent again: the same bytes to the same place.
        check_history(run, len(run["history"]), repeats_allowed=True, keys=2)
        complete += len(run["history"]) == ROWS and run["state"] == "finished"
    return complete == RUNS


def test_killed_at_any_moment_and_started_again_every_row_arrives_once():
    small = dict(WB_REQUEST_BYTES=2048)
    with Server() as server:
        server.faults({"match": "file_stream|graphql", "kind": "latency", "ms": 15})
        with scratch() as home:
            make_runs(home)
            whole = sync(server, home, "--jobs", "2", **small)
            assert whole.code == 0 and check_all(server), whole
            requests = len(server.log())
            assert requests > RUNS * 5, f"only {requests} requests: nothing to interrupt"
        killed = partial = tries = 0
        while killed < KILLS_WANTED:
            tries += 1
            assert tries <= 5 * KILLS_WANTED, f"only {killed} of {tries} kills hit a running wbsync"
            server.reset()
            with scratch() as home:
                make_runs(home)
                process = start_sync(server, home, "--jobs", "2", **small)
                # Spread over the requests: a kill after the n-th one has reached the server.
                after = (tries * 7) % requests
                deadline = time.monotonic() + 60
                while process.poll() is None and len(server.log()) <= after and time.monotonic() < deadline:
                    time.sleep(0.002)
                was_running = process.poll() is None
                kill(process)
                killed += was_running
                partial += was_running and not check_all(server)
                again = sync(server, home, "--jobs", "2", **small)
                assert again.code == 0, again
                assert check_all(server), f"after request {after}: not complete"
                before = len(server.log())
                assert sync(server, home, **small).code == 0
                assert len(server.log()) == before, "a third sync had something to send"
        assert partial >= KILLS_WANTED // 2, f"only {partial} kills left something to do"
        print(f"{killed} kills of {tries} tries, {partial} of them with work left")


if __name__ == "__main__":
    main(globals())
