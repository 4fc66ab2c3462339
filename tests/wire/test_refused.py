#!/usr/bin/env python3
"""A row that the server refuses for good: it alone is quarantined, and the exit code says so."""
from harness import *


def test_one_refused_row_is_quarantined_and_all_others_arrive():
    for status in (400, 413, 422):
        for poison in (0, 37, 98):
            with scratch() as home, Server() as server:
                make_journal(home, "one", 100, poison=poison)
                make_journal(home, "two", 30, seed=2)
                server.faults({"match": "file_stream", "body": "refuse me", "status": status})
                done = sync(server, home)
                assert done.code == 7 and "1 row" in done.err, done
                run = server.run("one")
                assert run["anomalies"] == {} and len(run["history"]) == 100
                for i, row in enumerate(run["history"]):
                    want = {"_step": i, "wb/quarantined": True} if i == poison else expected_row(i)
                    if i == poison + 1:
                        want["poison"] = "harmless"
                    assert rows_equal(row, want), (i, row)
                assert run["state"] == "finished"
                assert check_history(server.run("two"), 30) == 30
                server.faults()
                requests = len(server.log())
                again = sync(server, home)
                assert again.code == 7 and len(server.log()) == requests, again


def test_a_server_with_a_small_limit_of_bytes_gets_smaller_requests():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 300)
        server.faults({"match": "file_stream", "status": 413, "min_bytes": 4000})
        done = sync(server, home)
        assert done.code == 0, done
        assert check_history(server.run("one"), 300) == 300


def test_a_server_that_refuses_everything_quarantines_nothing():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 40)
        server.faults({"match": "file_stream", "status": 400})
        done = sync(server, home)
        assert done.code == 5 and "HTTP 400" in done.err, done
        server.faults()
        done = sync(server, home)
        assert done.code == 0, done
        assert check_history(server.run("one"), 40) == 40


def test_a_refused_summary_does_not_keep_the_rows_and_the_end_away():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 40)
        server.faults({"match": "file_stream", "status": 400, "body": "wandb-summary"})
        done = sync(server, home)
        assert done.code == 7 and "refuses the summary" in done.err, done
        assert check_history(server.run("one"), 40) == 40
        assert server.run("one")["state"] == "finished"


if __name__ == "__main__":
    main(globals())
