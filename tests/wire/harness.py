"""What the wire tests share: a recording server, journals with known rows, and runs of wbsync. Standard library only."""
import contextlib
import json
import math
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
WBSYNC = os.environ["WB_WBSYNC"]
MAKE_JOURNAL = os.environ["WB_MAKE_JOURNAL"]
KEY = "canary" + "5ecb1e" * 6  # 42 characters; must never be seen again.
START_US = 1_700_000_000_000_000
SLOW = 4  # Limits of time are this generous: machines are shared.


class Server:
    """wbserver.py on a free port of 127.0.0.1, ended with its scope."""

    def __init__(self, *arguments):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([sys.executable, HERE / "wbserver.py", "--port", str(self.port), *arguments])
        deadline = time.monotonic() + 60
        while True:
            try:
                self.call("/_ready")
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + path, data, 30) as reply:
            return json.loads(reply.read())

    def faults(self, *rules):
        self.call("/_faults", {"rules": list(rules)})

    def fired(self):
        return [rule.get("_fired", 0) for rule in self.call("/_faults")["rules"]]

    def reset(self):
        self.call("/_reset", {})

    def run(self, name, project="demo", entity="ent"):
        return self.call("/_state")["runs"].get(f"{entity}/{project}/{name}")

    def runs(self):
        return self.call("/_state")["runs"]

    def log(self, match=""):
        return [entry for entry in self.call("/_log") if match in entry["path"] + " " + entry["op"]]


@contextlib.contextmanager
def scratch(in_memory=False):
    """A directory that goes away, with nothing of the caller's home in reach of wbsync."""
    shm = "/dev/shm" if in_memory and os.access("/dev/shm", os.W_OK) else None  # Hundreds of commits, each synced.
    path = pathlib.Path(tempfile.mkdtemp(prefix="wb-wire-", dir=shm))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def make_journal(directory, run, rows, **options):
    command = [MAKE_JOURNAL, str(directory), "--run", run, "--rows", str(rows)]
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            command += ["--" + name.replace("_", "-"), str(one)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def expected_row(i, keys=3, stride=1, start_us=START_US, row_us=1_000_000):
    """The row that make_journal writes, as the server should have it."""
    row = {"_step": i * stride, "_timestamp": (start_us + i * row_us) / 1e6, "_runtime": i * row_us / 1e6}
    row.update({f"m{j}": (i + 1) / (j + 1) + j / 10 for j in range(keys)})
    row.update(i=i, flag=i % 2 == 0, text=f'row "{i}" ü')
    if i % 7 == 0:
        row["odd"] = {"$float": "NaN"}
    return row


def rows_equal(left, right):
    """Equal value for value; times within a microsecond, since they went through two roundings."""
    if left.keys() != right.keys():
        return False
    for key, value in left.items():
        other = right[key]
        if key in ("_timestamp", "_runtime"):
            if not math.isclose(value, other, rel_tol=0, abs_tol=2e-6):
                return False
        elif value != other or isinstance(value, bool) != isinstance(other, bool):
            return False
    return True


def check_history(run, count, repeats_allowed=False, **options):
    """All rows once, in order, equal; no line skipped or changed, nor sent again unless `repeats_allowed`."""
    history = run["history"]
    assert len(history) == count, f"{len(history)} rows, not {count}"
    for i, row in enumerate(history):
        want = expected_row(i, **options)
        assert rows_equal(row, want), f"row {i}: {row} is not {want}"
    for name, seen in run["anomalies"].items():
        assert repeats_allowed and seen["changed"] == seen["gap_lines"] == 0, (name, seen)
    return count


class Sync:
    """One finished call of wbsync."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self):
        return f"wbsync: {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


def environment(server, home, **more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "WB_", "NETRC")) and "proxy" not in k.lower()}
    clean.update(HOME=str(home), WANDB_BASE_URL=server if isinstance(server, str) else server.url, WANDB_API_KEY=KEY)
    clean.update({k: str(v) for k, v in more.items()})
    return {k: v for k, v in clean.items() if v != ""}


def start_sync(server, path, *arguments, **more):
    return subprocess.Popen([WBSYNC, "sync", str(path), *arguments], env=environment(server, path, **more),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def sync(server, path, *arguments, timeout=240, **more):
    begin = time.monotonic()
    process = start_sync(server, path, *arguments, **more)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert KEY not in out + err, "the key was printed"
    assert "Sanitizer" not in err, err
    return Sync(process.returncode, out, err, time.monotonic() - begin)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def main(tests):
    """Runs the functions whose names start with test_, or those named on the command line."""
    chosen = [tests[name] for name in sys.argv[1:]] or [f for n, f in tests.items() if n.startswith("test_")]
    assert chosen, "no tests"
    for test in chosen:
        begin = time.monotonic()
        test()
        print(f"{test.__name__}: ok, {time.monotonic() - begin:.1f} s", flush=True)
    print(f"{len(chosen)} tests passed")
