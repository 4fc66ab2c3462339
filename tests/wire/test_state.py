#!/usr/bin/env python3
"""Where wbsync keeps its state: no room, no right, somebody else's file; and the local store without a server."""
import resource
import sqlite3

from harness import *

ROWS = 1500  # In requests of 1 KiB: the ledger grows by about 40 KiB.


def test_a_ledger_that_cannot_grow_stops_the_upload_before_more_is_sent():
    stopped = midway = 0
    with Server() as server:
        for limit_kib in (0, 20, 44, 52, 60):
            server.reset()
            with scratch(in_memory=True) as home:
                make_journal(home, "one", ROWS)

                def limit():
                    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kib * 1024,) * 2)

                process = subprocess.run([WBSYNC, "sync", str(home)], preexec_fn=limit, restore_signals=False,
                                         env=environment(server, home, WB_REQUEST_BYTES=1024), capture_output=True,
                                         text=True, timeout=240)
                assert process.returncode in (0, 8), (limit_kib, process)
                if process.returncode == 8:
                    stopped += 1
                    assert "/.wbsync" in process.stderr, process.stderr
                    midway += 0 < len((server.run("one") or {}).get("history", [])) < ROWS
                done = sync(server, home)
                assert done.code == 0, done
                assert check_history(server.run("one"), ROWS, repeats_allowed=True) == ROWS
    print(f"{stopped} stops, {midway} of them midway")
    assert stopped >= 3 and midway >= 1, (stopped, midway)


def test_a_foreign_or_broken_ledger_is_refused_with_its_path():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 10)
        (home / ".wbsync").mkdir()
        (home / ".wbsync" / "ledger.db").write_bytes(b"no database" * 500)
        done = sync(server, home)
        assert done.code == 8 and str(home / ".wbsync" / "ledger.db") in done.err, done
        assert server.log() == []
        done = sync(server, home, "--state", str(home / "state"))
        assert done.code == 0, done


def test_without_a_server_the_store_is_filled_and_the_way_to_upload_is_said():
    with scratch() as home:
        make_journal(home, "one", 30)
        done = sync("", home)
        assert done.code == 0 and "--to wandb:" in done.out, done
        store = home / ".wbsync" / "store.db"
        with contextlib.closing(sqlite3.connect(store)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        again = sync("", home, "--json")
        assert again.code == 0 and again.lines()[0]["outcome"] == "unchanged", again
        assert again.lines()[-1]["summary"]["runs"] == 1


def test_a_dry_run_says_what_would_be_sent_and_writes_nothing():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 30)
        before = sorted(home.rglob("*"))
        done = sync(server, home, "--dry-run")
        assert done.code == 0 and "would send 30 of 30 rows" in done.out, done
        assert sorted(home.rglob("*")) == before and server.log() == []


def test_wrong_settings_are_usage_errors():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 10)
        cases = [dict(WB_RETRY_BUDGET_SECONDS="soon"), dict(WB_REQUEST_BYTES="1"), dict(WB_RETRY_BUDGET_SECONDS="-1")]
        for case in cases:
            done = sync(server, home, **case)
            assert done.code == 2 and next(iter(case)) in done.err, done
        for to in ("wandb:", "mlflow:x", "wandb:ftp://h"):
            done = sync(server, home, "--to", to)
            assert done.code == 2, (to, done)
        assert server.log() == []


def test_two_runs_of_one_id_are_not_brought_to_one_place():
    with scratch() as home, Server() as server:
        make_journal(home, "same", 10, project="p1")
        make_journal(home, "same", 20, project="p2", seed=2)
        done = sync(server, home, "--project", "both")
        assert done.code == 2 and "same" in done.err and server.log() == [], done
        assert sync(server, home).code == 0
        assert sorted(server.runs()) == ["ent/p1/same", "ent/p2/same"]


if __name__ == "__main__":
    main(globals())
