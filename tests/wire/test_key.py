#!/usr/bin/env python3
"""The key: where it comes from, and that it is in no file and in no output."""
import base64

from harness import *

ENCODED = base64.b64encode(b"api:" + KEY.encode()).decode()


def files_with_key(directory):
    found = seen = 0
    for path in directory.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += KEY.encode() in data or ENCODED.encode() in data
            seen += 1
    assert seen > 0
    return found


def test_the_key_is_in_no_file_and_in_no_output():
    echo = {"kind": "gql", "match": "graphql", "message": f"bad key {KEY} in Basic {ENCODED}"}
    cases = [[], [{"kind": "auth"}], [echo], [{"kind": "reset"}],
             [{"match": "file_stream", "body": "refuse me", "status": 400}]]
    for rules in cases:
        with scratch() as home, Server() as server:
            make_journal(home, "one", 20, poison=3)
            server.faults(*rules)
            for arguments in ([], ["--json"]):
                done = sync(server, home, *arguments, WB_RETRY_BUDGET_SECONDS=1)
                assert ENCODED not in done.out + done.err
            assert files_with_key(home) == 0
    assert len(cases) == 5


def test_the_key_reaches_the_server_and_is_not_on_the_command_line():
    with scratch() as home, Server("--api-key", KEY) as server:
        make_journal(home, "one", 20)
        server.faults({"match": "file_stream", "kind": "latency", "ms": 1500})
        process = start_sync(server, home)
        deadline = time.monotonic() + 60
        while not server.log("file_stream") and time.monotonic() < deadline:
            time.sleep(0.02)
        assert KEY.encode() not in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert check_history(server.run("one"), 20) == 20


def test_the_key_does_not_pass_a_proxy_on_its_way_to_this_machine():
    with scratch() as home, Server() as server, socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        make_journal(home, "one", 20)
        done = sync(server, home, WB_RETRY_BUDGET_SECONDS=1, http_proxy=address, HTTP_PROXY=address, ALL_PROXY=address)
        try:
            proxy.accept()
            raise AssertionError("the proxy was asked")
        except BlockingIOError:
            pass
        assert done.code == 0, done
        assert check_history(server.run("one"), 20) == 20


def test_a_netrc_file_gives_the_key_and_a_readable_one_a_warning():
    with scratch() as home, Server("--api-key", KEY) as server:
        make_journal(home, "one", 20)
        netrc = home / ".netrc"
        netrc.write_text(f"machine example.org login a password wrong\nmachine 127.0.0.1\n  login user\n  password {KEY}\n")
        netrc.chmod(0o644)
        done = sync(server, home, WANDB_API_KEY="")
        assert done.code == 0 and "chmod 600" in done.err, done
        netrc.chmod(0o600)
        done = sync(server, home, WANDB_API_KEY="")
        assert done.code == 0 and "chmod" not in done.err, done


def test_a_missing_or_broken_key_is_said_with_what_to_do():
    with scratch() as home, Server() as server:
        make_journal(home, "one", 20)
        done = sync(server, home, WANDB_API_KEY="")
        assert done.code == 6 and "set WANDB_API_KEY" in done.err, done
        done = sync(server, home, WANDB_API_KEY="two words")
        assert done.code == 6 and "WANDB_API_KEY" in done.err and "two words" not in done.err, done
        assert server.log() == []


def test_a_plain_http_server_elsewhere_is_refused():
    with scratch() as home:
        make_journal(home, "one", 20)
        done = sync("http://example.org", home)
        assert done.code == 2 and "WB_ALLOW_HTTP" in done.err, done


if __name__ == "__main__":
    main(globals())
