"""Bad input and bad surroundings: a clear message with the path, the documented exit code, and the rest still synced."""

import os
import socket
import subprocess
import sys
import time

import pytest

import journals
from training import KEY, Server

GOOD_ROWS = 200
WRITE = """
import sys, wb
for id in sys.argv[1:]:
    with wb.init(id=id, project='p', dir='runs', reinit='create_new') as run:
        for i in range(200): run.log({'i': i, 'x': i / 7})
"""


@pytest.fixture
def runs(tmp_path):
    """A directory with the sealed runs good1, good2 and bad."""
    done = journals.run_program(tmp_path, WRITE, "good1", "good2", "bad")
    assert done.returncode == 0, done.stderr
    journals.wait_until(lambda: all(path.suffix == ".wbj" for path in (tmp_path / "runs").glob("*/*")))
    return tmp_path / "runs"


def sync(*arguments, **environment):
    done = journals.wbsync(*arguments, **environment)
    assert KEY not in done.stdout + done.stderr
    return done


def check_good_runs(server, names=("good1", "good2")):
    for name in names:
        history = server.run(name, project="p")["history"]
        assert [row["i"] for row in history] == list(range(GOOD_ROWS)) and history[7]["x"] == 1.0


def segment_of(runs, name):
    (path,) = (runs / name).glob("*.wbj")
    return path


def test_a_directory_that_does_not_exist_is_named(tmp_path):
    done = sync(tmp_path / "nowhere")
    assert done.returncode == 3 and str(tmp_path / "nowhere") in done.stderr


def test_a_directory_without_journals_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no journal")
    done = sync(tmp_path / "empty")
    assert done.returncode == 3 and str(tmp_path / "empty") in done.stderr


def flip(path):
    """Changes one bit in the middle of every 4 KiB."""
    data = bytearray(path.read_bytes())
    for at in range(2048, len(data), 4096):
        data[at] ^= 4
    path.write_bytes(data)


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def newer_version(path):
    """The application's version number in SQLite's header: user_version, big-endian, at offset 60."""
    with open(path, "r+b") as file:
        file.seek(60)
        file.write((9999).to_bytes(4, "big"))


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(os.urandom(5000)), lambda path: path.write_bytes(b""),
                                    cut, flip, newer_version], ids=["random", "empty", "cut", "flipped", "newer version"])
def test_a_damaged_segment_is_named_and_the_other_runs_are_synced(runs, damage):
    path = segment_of(runs, "bad")
    damage(path)
    before = path.read_bytes()
    with Server() as server:
        done = sync(runs, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, NO_PROXY="*")
        assert done.returncode == 4 and path.name in done.stderr + done.stdout, done
        check_good_runs(server)
    verified = journals.wbsync("verify", runs)
    assert verified.returncode == 4 and path.name in verified.stdout + verified.stderr
    assert path.read_bytes() == before


STRAY_TAIL = "bad.r0.a0.01234567.000.tail"


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"wbtail0\n" + b"\xff" * 200, os.urandom(3000)],
                         ids=["empty", "zeros", "head only", "random"])
def test_a_file_named_like_a_tail_is_named_and_harms_no_other_run(runs, content):
    path = runs / "bad" / STRAY_TAIL
    path.write_bytes(content)
    os.utime(path, (time.time() - 86400,) * 2)
    with Server() as server:
        done = sync(runs, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, NO_PROXY="*")
        assert done.returncode == 4 and STRAY_TAIL in done.stderr, done
        check_good_runs(server, ("good1", "good2", "bad"))


@pytest.mark.parametrize("content", [b"", b"\0" * 64], ids=["empty", "zeros"])
def test_a_tail_that_was_made_just_now_is_no_damage(runs, content):
    # Every journal looks like this for the first 10 ms of its life.
    (runs / "bad" / STRAY_TAIL).write_bytes(content)
    with Server() as server:
        done = sync(runs, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, NO_PROXY="*")
        assert done.returncode == 0, done
        check_good_runs(server, ("good1", "good2", "bad"))


def test_a_path_that_is_no_journal_is_named(runs, tmp_path):
    (tmp_path / "image.png").write_bytes(os.urandom(500))
    done = sync(tmp_path / "image.png")
    assert done.returncode in (3, 4) and "image.png" in done.stderr


def test_a_run_that_may_not_be_read_is_named_and_the_others_are_synced(runs):
    os.chmod(segment_of(runs, "bad"), 0)
    for path in (runs, *runs.iterdir()):
        os.chmod(path, 0o755)
    state = runs.parent / "state"
    state.mkdir()
    os.chmod(state, 0o777)
    with Server() as server:
        command = [str(journals.WBSYNC), "sync", str(runs), "--state", str(state)]
        environment = journals.clean_environment(WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, NO_PROXY="*")
        options = {}
        if os.geteuid() == 0:  # Root may read everything: as nobody, whom pytest's directories must let through.
            options = dict(user=65534, group=65534, extra_groups=[])
            for path in list(runs.parents)[:-2]:
                os.chmod(path, path.stat().st_mode | 0o055)
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, timeout=60, **options)
        assert done.returncode in (3, 4) and segment_of(runs, "bad").name in done.stderr + done.stdout, done
        check_good_runs(server)


def test_no_server_is_said_with_its_address_and_nothing_is_lost(runs):
    with socket.socket() as closed:  # Bound and not listening: connections are refused.
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        process = subprocess.Popen([str(journals.WBSYNC), "sync", str(runs)], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=journals.clean_environment(
                                       WANDB_BASE_URL=f"http://{address}", WANDB_API_KEY=KEY, NO_PROXY="*"))
        try:
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == 5 and address in stderr, stderr
    with Server() as server:
        assert sync(runs, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, NO_PROXY="*").returncode == 0
        check_good_runs(server, ("good1", "good2", "bad"))


def test_a_wrong_key_is_said_and_nothing_is_lost(runs):
    with Server("--api-key", "the right key " + "x" * 26) as server:
        done = sync(runs, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, NO_PROXY="*")
        assert done.returncode == 6 and server.url in done.stderr + done.stdout, done
    with Server() as server:
        assert sync(runs, WANDB_BASE_URL=server.url, WANDB_API_KEY=KEY, NO_PROXY="*").returncode == 0
        check_good_runs(server, ("good1", "good2", "bad"))


def in_small_filesystem(directory, options, script):
    """Runs a shell script in DIRECTORY/disk, a tmpfs with these options, in namespaces of its own."""
    (directory / "disk").mkdir()
    mount = f"mount -t tmpfs -o {options} tmpfs disk && cd disk && {script}"
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--user", "--map-root-user"]
    if subprocess.run([*unshare, "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode != 0:
        pytest.skip("no right to mount a tmpfs")
    return subprocess.run([*unshare, "sh", "-c", mount], cwd=directory, text=True, capture_output=True, timeout=60,
                          env=journals.clean_environment(PYTHON=sys.executable), check=False)


@pytest.mark.parametrize("options, prepare, word", [
    ("size=64k", "head -c 100000 /dev/zero > full 2> /dev/null", "space"),
    ("size=1m,nr_inodes=2", "touch full", "space"),
    ("size=1m", "mkdir runs && mount -o remount,bind,ro .", "read-only"),
], ids=["no space", "no inodes", "read-only"])
def test_a_disk_that_takes_no_journal_is_an_error_of_init_with_the_path(tmp_path, options, prepare, word):
    program = "import wb; wb.init(id='r', dir='runs'); raise SystemExit('init went on')"
    done = in_small_filesystem(tmp_path, options, f'{prepare}; "$PYTHON" -c "{program}"')
    assert done.returncode == 1 and "JournalError" in done.stderr, done.stderr
    assert str(tmp_path / "disk" / "runs") in done.stderr and word in done.stderr.lower(), done.stderr


def test_runs_in_a_read_only_directory_are_synced_with_a_state_elsewhere(runs, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    with Server() as server:
        environment = f"WANDB_BASE_URL={server.url} WANDB_API_KEY={KEY} NO_PROXY='*'"
        done = in_small_filesystem(work, "size=8m", f"""cp -r {runs} runs && mount -o remount,bind,ro . &&
            {environment} {journals.WBSYNC} sync runs; echo first $?
            {environment} {journals.WBSYNC} sync runs --state {work}/state; echo second $?""")
        assert "first 8" in done.stdout and "runs/.wbsync" in done.stderr and "--state" in done.stderr, done
        assert "second 0" in done.stdout, done
        check_good_runs(server, ("good1", "good2", "bad"))


def test_a_sync_that_is_killed_half_way_completes_when_it_is_started_again(runs):
    names = [f"many{i}" for i in range(12)]
    done = journals.run_program(runs.parent, WRITE, *names)
    assert done.returncode == 0, done.stderr
    environment = journals.clean_environment(WANDB_API_KEY=KEY, NO_PROXY="*")
    with Server("--latency-ms", "100") as server:
        environment["WANDB_BASE_URL"] = server.url
        process = subprocess.Popen([str(journals.WBSYNC), "sync", str(runs), "--jobs", "1"], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journals.wait_until(lambda: len(server.log("file_stream")) >= 3)
        process.kill()
        process.wait()
        sent = len(server.log("file_stream"))
        assert sent < 12, "it was over before it was killed"
        for _ in range(3):
            done = subprocess.run([str(journals.WBSYNC), "sync", str(runs)], env=environment, text=True,
                                  capture_output=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
        check_good_runs(server, ("good1", "good2", "bad", *names))
        assert all(run["anomalies"] == {} or set(run["anomalies"]) == {"wandb-history.jsonl"}
                   and run["anomalies"]["wandb-history.jsonl"]["changed"] == 0
                   and run["anomalies"]["wandb-history.jsonl"]["gap_lines"] == 0 for run in server.runs().values())
