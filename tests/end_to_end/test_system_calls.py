"""What the training process asks of the kernel, seen by strace: no network, no key, no journal file, nothing in log()."""

import collections
import os
import re
import shutil
import subprocess
import sys

import pytest

import journals
from training import HERE, end, logged_by_rank, start

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

Call = collections.namedtuple("Call", "tid name text")
_LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
_NEW_TASK = re.compile(r"= (\d+)$")
KEY_FILE = re.compile(r"netrc|api_?key|credentials|\.config/wandb|wandb/settings", re.IGNORECASE)
NETWORK = {"socket", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg", "socketpair"}


def read_trace(path):
    """(calls of the trainer's threads, calls of all other processes), each in order."""
    calls, others, threads = [], [], set()
    unfinished = {}
    for line in path.read_text(errors="replace").splitlines():
        match, resumed = _LINE.match(line), _RESUMED.match(line)
        if match:
            tid, name, text = int(match[1]), match[2], match[3]
            if not threads:
                threads.add(tid)  # The first call is the execve of the trainer's main thread.
            (calls if tid in threads else others).append(Call(tid, name, text))
            unfinished[tid] = text
        elif resumed:
            tid, name, text = int(resumed[1]), resumed[2], unfinished.get(int(resumed[1]), "") + resumed[3]
        else:
            continue
        made = _NEW_TASK.search(text)
        if name in ("clone", "clone3") and made and "CLONE_THREAD" in text and tid in threads:
            threads.add(int(made[1]))
    return calls, others


def trace(directory, source, *arguments, which="%network,%file,%process"):
    """Runs a Python program under strace. Returns what read_trace() gives."""
    program = directory / "program.py"
    program.write_text(source)
    done = subprocess.run(["strace", "-f", "-qq", "-s", "300", "-e", f"trace={which}", "-e", "signal=none", "-o",
                           str(directory / "trace"), sys.executable, str(program), *arguments], cwd=directory,
                          env=journals.clean_environment(PYTHONPATH=HERE, WANDB_API_KEY="x" * 40), text=True, timeout=200,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return read_trace(directory / "trace")


def check_no_files_of_ours(calls, runs):
    touched = [call for call in calls if str(runs) in call.text and call.name not in ("execve", "clone", "clone3")]
    assert touched == []
    assert [call for call in calls if KEY_FILE.search(call.text)] == []


def test_a_training_process_opens_no_socket_no_key_and_no_journal_file(tmp_path):
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password " + "x" * 40)
    calls, others = trace(tmp_path, """
import os, wb
os.environ['HOME'] = os.getcwd()
run = wb.init(id='r', project='p', dir='journals', config={'lr': 0.1}, group='g', tags=['t'])
run.define_metric('loss', summary='min')
for i in range(2000): run.log({'loss': 1 / (i + 1), 'i': i}, step=i)
run.summary['best'] = 1
run.config.update({'more': 1})
assert run.flush()
run.finish()
""")
    assert len(calls) > 100 and len(others) > 10
    assert [call for call in calls + others if call.name in NETWORK] == []
    check_no_files_of_ours(calls, tmp_path / "journals")
    assert any(str(tmp_path / "journals") in call.text for call in others), "the keeper's files were not seen"
    assert [call for call in others if KEY_FILE.search(call.text)] == []


def test_log_makes_no_system_call_in_steady_state(tmp_path):
    calls, _ = trace(tmp_path, """
import gc, os, wb
run = wb.init(id='r', dir='journals')
rows = [{f'metric/{k}': k / 7 + i for k in range(10)} for i in range(5000)]
gc.collect(); gc.disable()
def log_all(start):
    step = start
    for row in rows:
        run.log(row, step=step)
        step += 1
log_all(0); assert run.flush()
os.path.exists('/marker-begin')
log_all(5000)
os.path.exists('/marker-end')
assert run._counts == (10000, 0), run._counts
""", which="all")
    main = calls[0].tid
    texts = [call for call in calls if call.tid == main]
    (begin,) = [i for i, call in enumerate(texts) if "/marker-begin" in call.text]
    (finish,) = [i for i, call in enumerate(texts) if "/marker-end" in call.text]
    # The interpreter may ask for memory for its own objects; nothing else is allowed.
    between = [call for call in texts[begin + 1 : finish] if call.name not in ("brk", "mmap", "munmap")]
    assert between == [] and finish - begin < 20
    assert len(journals.rows(tmp_path / "journals")) == 10000


SINGLE = """
import runpy, sys
sys.argv = ['train_ddp_digits.py', *sys.argv[1:]]
runpy.run_path({program!r}, run_name='__main__')
"""


def test_training_with_wb_opens_no_more_sockets_than_training_without(tmp_path):
    found = {}
    for logger in ("none", "wb"):
        directory = tmp_path / logger
        directory.mkdir()
        calls, others = trace(directory, SINGLE.format(program=str(HERE / "train_ddp_digits.py")), "--logger", logger,
                              "--epochs", "1", "--dir", str(directory / "journals"))
        found[logger] = collections.Counter(call.name for call in calls + others if call.name in NETWORK)
        check_no_files_of_ours(calls, directory / "journals")
    assert found["wb"] == found["none"]
    assert journals.states(tmp_path / "wb" / "journals")


def test_a_rank_of_a_four_rank_training_opens_no_socket_after_init(tmp_path):
    wrap = ["0", f"strace -f -qq -s 300 -e trace=%network,%file,%process -e signal=none -o {tmp_path / 'trace'}"]
    with start(tmp_path, "--log", "group", "--group", "g", "--epochs", "1", launcher="each rank", wrap=wrap) as training:
        code, stderr = end(training, timeout=250)
    assert code == 0, stderr
    calls, others = read_trace(tmp_path / "trace")
    assert any(call.name == "socket" for call in calls), "gloo's own sockets were not seen"
    (begin,) = [i for i, call in enumerate(calls) if "/marker-init" in call.text]
    (finish,) = [i for i, call in enumerate(calls) if "/marker-finished" in call.text]
    # Gloo talks over the sockets that it opened before; none is opened or connected from init() to finish().
    opened = [call for call in calls[begin:finish] if call.name in ("socket", "connect", "bind", "listen", "accept4")]
    assert opened == [] and finish > begin
    assert [call for call in others if call.name in NETWORK] == []
    check_no_files_of_ours(calls, tmp_path / "runs")
    assert len(logged_by_rank(tmp_path)) == 4 and os.path.isdir(tmp_path / "runs")
