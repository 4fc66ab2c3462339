"""What the end-to-end tests share: starting real DDP trainings, and comparing what arrived with what was logged."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import journals

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = "digits-ddp"

# The recording server of the wire tests. Its module wants to know these programs; only WBSYNC is used here.
os.environ.setdefault("WB_WBSYNC", str(journals.WBSYNC))
os.environ.setdefault("WB_MAKE_JOURNAL", "")
sys.path.insert(0, str(HERE.parent / "wire"))
from harness import KEY, Server  # noqa: E402, F401


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def start(directory, *arguments, launcher="torchrun", wrap=None, environment=None):
    """A four-rank training that logs into DIRECTORY/runs and records its calls in DIRECTORY/logged.

    As a context, so that a test that fails leaves no process behind.
    """
    logged = directory / "logged"
    logged.mkdir()
    if launcher == "torchrun":
        command = [HERE / "torch113_fix.py", "--nproc_per_node=4", f"--master_port={free_port()}"]
    else:
        command = [HERE / "launch_ranks.py", "--ranks", "4", *(["--wrap", *wrap] if wrap else [])]
    command += [HERE / "train_ddp_digits.py", "--logger", "recording_logger", "--dir", directory / "runs", *arguments]
    process = subprocess.Popen(
        [sys.executable, *map(str, command)], cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
        env=journals.clean_environment(RECORD_DIR=logged, PYTHONPATH=HERE, OMP_NUM_THREADS=1, **(environment or {})))
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def end(process, timeout=150):
    """Waits for it. Returns (exit code, stderr)."""
    _, stderr = process.communicate(timeout=timeout)
    return process.returncode, stderr


def logged_by_rank(directory):
    """{rank: (what init() was given and the run's id, [(step, data) of each log() that returned])}."""
    found = {}
    for path in sorted((directory / "logged").iterdir()):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        if lines:
            found[int(path.stem[4:])] = (lines[0], [tuple(call) for call in lines[1:]])
    return found


def rows_of(calls):
    """The rows that log(data, step=...) calls with steps that never fall make: [(step, data)]."""
    rows = []
    for step, data in calls:
        if rows and rows[-1][0] == step:
            rows[-1] = (step, {**rows[-1][1], **data})
        else:
            rows.append((step, data))
    return rows


def sync(directory, server, *arguments, timeout=60):
    """wbsync DIRECTORY/runs to the server. Returns the CompletedProcess."""
    return journals.wbsync("sync", directory / "runs", *arguments, timeout=timeout, WANDB_BASE_URL=server.url,
                           WANDB_API_KEY=KEY, NO_PROXY="*")


def history_on(server, run_id):
    """The rows of a run on the server as [(step, data)], without time columns. None: it is not there."""
    run = server.run(run_id, project=PROJECT)
    if run is None:
        return None
    assert run["anomalies"] == {}, run["anomalies"]
    rows = []
    for row in run["history"]:
        assert row.pop("_timestamp") > 1.6e9 and row.pop("_runtime") >= 0
        rows.append((row.pop("_step"), row))
    return rows


def check_run(server, init, calls, state="finished", exit_code=0):
    """What the server has of a run is what the rank logged, value for value. Returns how many values were compared."""
    expected = rows_of(calls)
    history = history_on(server, init["id"])
    assert history == expected
    for (_, row), (_, wanted) in zip(history, expected):
        assert {name: type(value) for name, value in row.items() if value != int(value)} == {
            name: float for name, value in wanted.items() if value != int(value)}
    run = server.run(init["id"], project=PROJECT)
    config = {name: entry["value"] for name, entry in run["config"].items() if name != "_wandb"}
    assert config == init["config"]
    assert (run["state"], run["exitcode"]) == (state, exit_code)
    assert run["fields"].get("groupName", "") == init.get("group", "")
    assert run["fields"].get("jobType", "") == init.get("job_type", "")
    assert run["fields"].get("displayName") == init.get("name")
    last = {name: value for _, row in expected for name, value in row.items()}
    assert {name: run["summary"][name] for name in last} == last
    return sum(len(row) for _, row in expected)


def comparable(server):
    """The server's state without what counts requests and deliveries."""
    state = json.loads(json.dumps(server.runs()))
    for run in state.values():
        run.pop("counts")
    return state
