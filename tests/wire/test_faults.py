#!/usr/bin/env python3
"""A server that fails: what wbsync says, how it ends, how long it takes, and that a later sync completes."""
from harness import *

ROWS = 60


def check_later_sync(server, home, *names):
    server.faults()
    done = sync(server, home)
    assert done.code == 0, done
    for name in names:
        assert check_history(server.run(name), ROWS) == ROWS
        assert (server.run(name)["state"], server.run(name)["exitcode"]) == ("finished", 0)


def test_lost_acknowledgements_change_nothing():
    with scratch() as home, Server() as server:
        make_journal(home, "one", ROWS)
        server.faults({"match": "graphql|file_stream", "kind": "reset", "when": "after", "every": 2, "times": 8})
        done = sync(server, home, WB_REQUEST_BYTES=1024, WB_RETRY_BUDGET_SECONDS=6)
        assert done.code == 0, done
        assert server.fired()[0] >= 3, server.fired()
        run = server.run("one")
        assert run["anomalies"]["wandb-history.jsonl"]["same"] > 0, run["anomalies"]
        assert check_history(run, ROWS, repeats_allowed=True) == ROWS


def test_each_failing_server_gets_a_message_an_exit_code_and_a_bounded_time():
    reset = {"kind": "reset"}
    cases = [
        ("wrong key", [{"kind": "auth"}], 6, "HTTP 401", 20),
        ("forbidden", [{"kind": "status", "status": 403, "match": "file_stream"}], 6, "HTTP 403", 20),
        ("always 500", [{"kind": "status", "status": 500}], 5, "HTTP 500", 20),
        ("500 on rows", [{"kind": "status", "status": 500, "match": "file_stream"}], 5, "HTTP 500", 20),
        ("hangs", [{"kind": "hang"}], 5, "", 40),
        ("hangs on rows", [{"kind": "hang", "match": "file_stream"}], 5, "", 40),
        ("resets", [reset], 5, "", 20),
        ("GraphQL error", [{"kind": "gql", "message": "no such entity", "match": "graphql"}], 5, "no such entity", 20),
        ("wrong address", [{"kind": "status", "status": 404}], 5, "HTTP 404", 20),
        ("asks to wait for ever", [{"kind": "status", "status": 429, "headers": {"Retry-After": "99999"}}], 5, "HTTP 429", 20),
        ("moves away", [{"kind": "status", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}], 5, "HTTP 302", 20),
    ]
    for name, rules, code, text, seconds in cases:
        with scratch() as home, Server() as server:
            make_journal(home, "one", ROWS)
            make_journal(home, "two", ROWS, seed=2)
            server.faults(*rules)
            done = sync(server, home, WB_RETRY_BUDGET_SECONDS=2)
            assert done.code == code, (name, done)
            assert text in done.err and "nothing is lost" in done.err, (name, done)
            assert done.seconds < seconds * SLOW, (name, done)
            check_later_sync(server, home, "one", "two")
    print(f"{len(cases)} kinds of failure")
    assert len(cases) == 11


def test_a_server_that_asks_for_a_short_wait_gets_it():
    with scratch() as home, Server() as server:
        make_journal(home, "one", ROWS)
        server.faults({"kind": "status", "status": 429, "headers": {"Retry-After": "0.3"}, "times": 3, "match": "file_stream"})
        done = sync(server, home)
        assert done.code == 0 and done.seconds >= 0.9, done
        assert check_history(server.run("one"), ROWS) == ROWS


def test_no_server_is_said_and_nothing_is_lost():
    with scratch() as home, Server() as server:
        make_journal(home, "one", ROWS)
        done = sync("http://127.0.0.1:1", home, WB_RETRY_BUDGET_SECONDS=1)
        assert done.code == 5 and "127.0.0.1" in done.err and "run wbsync again" in done.err, done
        assert sync(server, home).code == 0
        assert check_history(server.run("one"), ROWS) == ROWS


def test_one_run_that_fails_does_not_stop_the_others():
    with scratch() as home, Server() as server:
        for number, name in enumerate(("one", "two", "three")):
            make_journal(home, name, ROWS, seed=number + 1)
        server.faults({"match": "/two/", "kind": "status", "status": 404})
        done = sync(server, home, "--jobs", "1")
        assert done.code == 5 and "run two" in done.err, done
        assert check_history(server.run("one"), ROWS) + check_history(server.run("three"), ROWS) == 2 * ROWS
        check_later_sync(server, home, "one", "two", "three")


def test_an_interrupt_ends_it_cleanly_and_the_next_call_goes_on():
    with scratch() as home, Server() as server:
        make_journal(home, "one", ROWS)
        server.faults({"match": "file_stream", "kind": "hang"})
        process = start_sync(server, home)
        deadline = time.monotonic() + 60
        while not server.log("file_stream") and time.monotonic() < deadline:
            time.sleep(0.02)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130 and "run wbsync again" in err, (process.returncode, out, err)
        assert time.monotonic() - begin < 3 * SLOW
        check_later_sync(server, home, "one")


if __name__ == "__main__":
    main(globals())
