"""Reads journals for the tests through `wbsync dump`, and runs small Python programs that write them."""

import json
import os
import pathlib
import subprocess
import sys
import textwrap
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WB_TEST_BIN", ROOT / "build" / "release" / "bin"))
WBSYNC = BIN / "wbsync"
_IDENTITY_PREFIXES = ("WB_", "WANDB_", "SLURM_", "TORCHELASTIC_", "OMPI_", "PMI", "MV2_")
_IDENTITY_NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "GROUP_RANK")


def clean_environment(**changes):
    """This environment without what gives a run its identity; `changes` added (None removes)."""
    kept = {name: value for name, value in os.environ.items()
            if name not in _IDENTITY_NAMES and not name.startswith(_IDENTITY_PREFIXES)}
    kept.update({name: str(value) for name, value in changes.items() if value is not None})
    return kept


def run_program(directory, source, *arguments, timeout=60, environment=None, **options):
    """Runs Python `source` in `directory` to its end. Returns the CompletedProcess with its texts."""
    program = pathlib.Path(directory) / "program.py"
    program.write_text(textwrap.dedent(source))
    return subprocess.run([sys.executable, str(program), *map(str, arguments)], cwd=directory, timeout=timeout,
                          env=clean_environment(**(environment or {})), text=True, capture_output=True, check=False,
                          **options)


def wbsync(*arguments, timeout=60, **environment):
    """Runs wbsync to its end. Returns the CompletedProcess with its texts."""
    return subprocess.run([str(WBSYNC), *map(str, arguments)], timeout=timeout, env=clean_environment(**environment),
                          text=True, capture_output=True, check=False)


def dump(path, *options):
    """Every record below `path` as wbsync gives it: dicts with run, rank, seq, step, kind, flags, data, ..."""
    done = wbsync("dump", path, *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(path):
    """The rows of one journal as [(step, data, flags of the last part)], parts of a row joined as FORMAT.md says."""
    joined = []
    is_open = False
    for record in dump(path):
        if record["kind"] != "row":
            continue
        flags, step = record["flags"], record["step"]
        if is_open and joined[-1][0] == step and not flags & OUT_OF_ORDER:
            joined[-1] = (step, {**joined[-1][1], **record["data"]}, flags)
        else:
            joined.append((step, record["data"], flags))
        is_open = not flags & COMMIT
    return joined


COMMIT, OUT_OF_ORDER, EXPLICIT_STEP = 1, 2, 4


def data_of(path, kind):
    """The data of all records of one kind, in their order."""
    return [record["data"] for record in dump(path, "--kind", kind)]


def states(path):
    """{run id: [state of each of its journals]} as `wbsync ls --json` says."""
    done = wbsync("ls", path, "--json")
    assert done.returncode == 0, done.stderr
    found = {}
    for line in map(json.loads, done.stdout.splitlines()):
        found.setdefault(line["run"], []).append(line["state"])
    return found


def wait_until(condition, timeout_s=20, poll_s=0.02):
    """Waits until condition() gives something true and returns it. Fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(poll_s)
