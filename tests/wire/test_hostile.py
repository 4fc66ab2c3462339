#!/usr/bin/env python3
"""Servers that are no servers: replies that never end, are too large, are cut off or are nonsense."""
import threading

from harness import *

BUDGET = 2


class RawServer:
    """Answers each connection with what `answer(connection)` does, until the scope ends."""

    def __init__(self, answer):
        self.answer, self.connections, self.stopped = answer, 0, False
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection):
        with connection:
            try:
                connection.recv(65536)
                self.answer(self, connection)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.socket.close()

    def drip(self, connection, piece, pause=0.2):
        while not self.stopped:
            connection.sendall(piece)
            time.sleep(pause)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def flood(server, connection, head, piece):
    connection.sendall(head)
    while not server.stopped:
        connection.sendall(piece)


CASES = {
    "closes at once": lambda s, c: None,
    "speaks no HTTP": lambda s, c: c.sendall(b"220 smtp.example.org ESMTP\r\n"),
    "cuts the reply": lambda s, c: c.sendall(HEAD + b"Content-Length: 100\r\n\r\n{\"da"),
    "drips a body for ever": lambda s, c: (c.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n"), s.drip(c, b" ")),
    "drips headers for ever": lambda s, c: (c.sendall(HEAD), s.drip(c, b"X-A: b\r\n")),
    "sends 1xx for ever": lambda s, c: s.drip(c, b"HTTP/1.1 102 Processing\r\n\r\n", 0.01),
    "sends a body without end": lambda s, c: flood(s, c, HEAD + b"\r\n", b"x" * 65536),
    "announces 10 GB": lambda s, c: flood(s, c, HEAD + b"Content-Length: 10000000000\r\n\r\n", b"x" * 65536),
    "sends headers without end": lambda s, c: flood(s, c, HEAD, b"X-A: " + b"b" * 8000 + b"\r\n"),
    "answers with a page": lambda s, c: c.sendall(HEAD + b"Content-Length: 6\r\n\r\n<html>"),
    "nests JSON deeply": lambda s, c: c.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"[" * 1000000),
    "sends a packed body": lambda s, c: c.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"),
}


def test_each_hostile_server_costs_a_bounded_time_and_nothing_is_lost():
    count = 0
    for name, answer in CASES.items():
        with scratch() as home, RawServer(answer) as hostile, Server() as server:
            make_journal(home, "one", 10)
            done = sync(hostile, home, WB_RETRY_BUDGET_SECONDS=BUDGET)
            assert done.code == 5 and "nothing is lost" in done.err, (name, done)
            assert done.seconds < 10 * BUDGET * SLOW, (name, done)
            assert hostile.connections > 0, name
            done = sync(server, home)
            assert done.code == 0, (name, done)
            assert check_history(server.run("one"), 10) == 10
            count += 1
    assert count == len(CASES) == 12
    print(f"{count} hostile servers")


def test_the_key_does_not_follow_a_redirect():
    seen = []
    with scratch() as home, RawServer(lambda s, c: seen.append(1)) as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {other.url}/graphql\r\nContent-Length: 0\r\n\r\n".encode()
        with RawServer(lambda s, c: c.sendall(moved)) as server:
            make_journal(home, "one", 10)
            done = sync(server, home, WB_RETRY_BUDGET_SECONDS=BUDGET)
            assert done.code == 5 and "HTTP 307" in done.err, done
    assert seen == []


if __name__ == "__main__":
    main(globals())
