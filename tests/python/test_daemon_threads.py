"""Daemon threads that still log while the interpreter goes away."""

import pytest

from journals import data_of

INIT = "import sys; import wb; run = wb.init(id='r', dir='runs', settings=wb.Settings(silent=True)); run.log({'a': 1})\n"


# What a daemon thread is doing when the interpreter goes away: Python code below log(), or waiting without the GIL.
@pytest.mark.parametrize("work", ["run.log({'x': Slow()})", "run.log({'x': 1.0}); run.flush(1)"])
def test_daemon_threads_that_log_do_not_change_the_end_of_the_process(program, tmp_path, work):
    done = program(INIT + f"""
import threading, time
class Slow:
    def item(self):
        return float(sum(range(2000)))
def log_for_ever():
    while True:
        {work}
for _ in range(3):
    threading.Thread(target=log_for_ever, daemon=True).start()
time.sleep(0.3)
sys.exit(3)
""")
    assert done.returncode == 3, done.stderr
    assert [record["exit_code"] for record in data_of(tmp_path / "runs", "finish")] == [3]
