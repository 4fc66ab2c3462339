#!/usr/bin/env python3
"""Syncing again sends nothing twice; a run that went on gets its rest and its end."""
from harness import *


def test_three_syncs_in_a_row_make_requests_in_the_first_only():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 200)
        make_journal(home, "two", 50, seed=2, end="killed")
        first = sync(server, home)
        assert first.code == 0, first
        requests = len(server.log())
        assert requests == 4, server.log()
        before = server.runs()
        for _ in range(2):
            again = sync(server, home, "--json")
            assert again.code == 0, again
            assert [line["changed"] for line in again.lines()[:-1]] == [False, False], again
            assert len(server.log()) == requests, "a request was made though nothing changed"
        assert server.runs() == before
        assert check_history(server.run("one"), 200) + check_history(server.run("two"), 50) == 250
        assert (server.run("two")["state"], server.run("two")["exitcode"]) == ("failed", 1)


def test_a_running_run_that_ends_later_reaches_the_state_of_one_that_was_synced_at_its_end():
    now_us = int(time.time() * 1e6) - 60_000_000
    options = dict(start_us=now_us, row_us=1000)
    with scratch() as home, scratch() as other, Server() as server, Server() as whole:
        sent = 0
        for rows in (10, 10, 25, 40):
            make_journal(home, "live", rows, end="running", **options)
            done = sync(server, home)
            assert done.code == 0, done
            run = server.run("live")
            # An open row may still change; all others are there.
            assert len(run["history"]) in (rows - 1, rows), len(run["history"])
            assert check_history(run, len(run["history"]), **options) >= sent
            assert (run["state"], run["exitcode"]) == ("running", None)
            sent = len(run["history"])
        make_journal(home, "live", 60, exit_code=0, **options)
        assert sync(server, home).code == 0
        make_journal(other, "live", 60, exit_code=0, **options)
        assert sync(whole, other).code == 0
        run, reference = server.run("live"), whole.run("live")
        assert check_history(run, 60, **options) == 60
        for field in ("history", "summary", "config", "fields", "state", "exitcode", "anomalies"):
            assert run[field] == reference[field], field
        assert (run["state"], run["exitcode"], run["counts"]["completes"]) == ("finished", 0, 1)


def test_a_config_that_changes_later_is_sent_without_a_row_being_sent_again():
    now_us = int(time.time() * 1e6) - 60_000_000
    with scratch() as home, Server() as server:
        make_journal(home, "one", 20, end="running", config="lr=0.1", start_us=now_us, row_us=1000)
        assert sync(server, home).code == 0
        make_journal(home, "one", 20, config="lr=0.1", late_config="lr=0.5", start_us=now_us, row_us=1000)
        assert sync(server, home).code == 0
        run = server.run("one")
        assert run["config"]["lr"] == {"value": 0.5}
        assert check_history(run, 20, start_us=now_us, row_us=1000) == 20
        offsets = [e["body"]["files"]["wandb-history.jsonl"]["offset"] for e in server.log("file_stream")
                   if "wandb-history.jsonl" in e["body"].get("files", {})]
        assert len(offsets) == len(set(offsets)), offsets


def test_two_syncs_at_once_are_one_sync_and_a_clear_message():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 2000)
        server.faults({"match": "file_stream", "kind": "latency", "ms": 3000})
        first = start_sync(server, home)
        deadline = time.monotonic() + 30
        while not server.log("UpsertBucket") and time.monotonic() < deadline:
            time.sleep(0.02)
        second = sync(server, home)
        out, err = first.communicate(timeout=60)
        assert first.returncode == 0, out + err
        assert second.code == 5 and "in use by wbsync, process" in second.err, second
        assert check_history(server.run("one"), 2000) == 2000


def test_a_run_that_another_client_wrote_is_left_alone():
    with scratch() as home, scratch() as state, Server() as server:
        make_journal(home, "one", 20)
        make_journal(home, "two", 20, seed=2)
        assert sync(server, home).code == 0
        make_journal(home, "three", 20, seed=3)
        done = sync(server, home, "--state", str(state / "other"))
        assert done.code == 5 and "somebody else uploaded it" in done.err, done
        for name in ("one", "two", "three"):
            assert check_history(server.run(name), 20) == 20


if __name__ == "__main__":
    main(globals())
