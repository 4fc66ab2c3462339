"""Threads: nobody waits with the interpreter held, and no row of any thread is lost, mixed up or counted wrong."""

import os
import sysconfig

import pytest

from journals import data_of, rows, states

HERE = os.path.dirname(os.path.abspath(__file__))
INIT = f"""
import os, sys, threading, time
sys.path.insert(0, {HERE!r})
import wb
from keepers import stopped_keepers
run = wb.init(id='r', dir='runs', settings=wb.Settings(silent=True))
run.log({{'a': 1.0}})
"""
# A thread that counts its turns, each a millisecond of sleep: with the interpreter held it has none.
COUNTER = """
turns = 0
def count():
    global turns
    while True:
        time.sleep(0.001)
        turns += 1
threading.Thread(target=count, daemon=True).start()
def others_went_on_during(wait, at_least_s):
    before, start = turns, time.monotonic()
    wait()
    seconds, others = time.monotonic() - start, turns - before
    print(f'{seconds:.3f} s, {others} turns')
    assert seconds >= at_least_s, f'nothing was waited for: {seconds} s'
    assert others >= 10, f'another thread had {others} turns in {seconds} s'
def fill_the_ring():
    for size in (10000, 1):  # Records of the summary may take what is kept back from rows.
        while run._update_summary({'s': 'x' * size})[0] == 'ok': pass
"""


@pytest.mark.parametrize("before, wait, at_least_s", [
    ("pass", "run.flush(0.5)", 0.45),
    ("pass", "run.finish()", 0.1),
    ("pass", "wb._wb.finish_all(0)", 0.1),
    ("fill_the_ring()", "run.summary.update({'best': 1})", 0.15),
    ("fill_the_ring()", "run.config.update({'lr': 1})", 0.15),
    ("fill_the_ring()", "run.define_metric('x', summary='min')", 0.15),
    ("fill_the_ring()", "setattr(run, 'name', 'another')", 0.15),
])
def test_other_threads_go_on_while_one_waits_for_a_keeper_that_does_nothing(program, before, wait, at_least_s):
    done = program(INIT + COUNTER + f"""
with stopped_keepers():
    {before}
    others_went_on_during(lambda: {wait}, {at_least_s})
""", environment=dict(WB_RING_BYTES=1 << 20))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("row", ["{'a': 1.0}", "{'a': 1.0, 'text': 'x'}"])
def test_other_threads_go_on_while_log_waits_for_room(program, tmp_path, row):
    done = program(INIT + COUNTER + f"""
def fill():
    global is_full
    while run._counts[0] < 100_000:
        start = time.monotonic()
        run.log({row})
        if time.monotonic() - start > 0.2: return
    raise SystemExit('the ring is never full')
with stopped_keepers():
    others_went_on_during(fill, 0.2)
""", environment=dict(WB_RING_BYTES=1 << 20, WB_WHEN_FULL="block:300"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_other_threads_go_on_while_a_run_opens_with_a_keeper_that_does_not_answer(program, tmp_path):
    keeper = tmp_path / "keeper"
    keeper.write_text("#!/bin/sh\nexec sleep 2\n")
    keeper.chmod(0o755)
    done = program("import threading, time, wb\n" + COUNTER + """
others_went_on_during(lambda: wb.init(dir='runs', settings=wb.Settings(silent=True)), 0.2)
""", environment=dict(WB_KEEPER_PATH=str(keeper)))
    assert done.returncode == 0, done.stdout + done.stderr


# Rows of one thread: known names, new names, names as fresh objects, texts, conversions, one dict of all threads.
EIGHT_THREADS = """
THREADS, ROWS = 8, 4000
shared = {'shared/a': 1.0, 'shared/b': 2}
class Number:
    def __init__(self, number): self.number = number
    def item(self): return self.number
def work(n):
    start.wait()
    for i in range(ROWS):
        row = {'thread': n, 'i': i, f't{n}/x': i / 7}
        if i % 50 == 7: row[f't{n}/new{i}'] = True
        if i % 20 == 3: row[''.join(['fre', 'sh'])] = f'{n} {i}'
        if i % 30 == 5: row['item'] = Number(i)
        run.log(row)
        if i % 10 == 0: run.log(shared)
        if i % 100 == 0: run.summary[f't{n}/set'] = i; dict(run.summary)
start = threading.Barrier(THREADS)
threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for n in range(THREADS): assert run.summary[f't{n}/x'] == (ROWS - 1) / 7, dict(run.summary)
assert run.summary['i'] == ROWS - 1
print(run._counts, 'GIL' if getattr(sys, '_is_gil_enabled', lambda: True)() else 'no GIL')
"""


def test_eight_threads_log_every_row_once_and_each_in_its_order(program, tmp_path):
    done = program(INIT + EIGHT_THREADS, environment=dict(WB_RING_BYTES=64 << 20))
    assert done.returncode == 0, done.stderr
    expects_gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
    assert done.stdout == f"({8 * 4400 + 1}, 0) {'GIL' if expects_gil else 'no GIL'}\n"
    found = [data for _, data, _ in rows(tmp_path / "runs")][1:]
    assert len(found) == 8 * 4400 and sum(data == {"shared/a": 1.0, "shared/b": 2} for data in found) == 8 * 400
    for n in range(8):
        expected = []
        for i in range(4000):
            row = {"thread": n, "i": i, f"t{n}/x": i / 7}
            row.update({f"t{n}/new{i}": True} if i % 50 == 7 else {})
            row.update({"fresh": f"{n} {i}"} if i % 20 == 3 else {})
            row.update({"item": i} if i % 30 == 5 else {})
            expected.append(row)
        assert [data for data in found if data.get("thread") == n] == expected
    assert states(tmp_path / "runs") == {"r": ["finished"]}


def test_threads_that_open_one_pickled_run_together_open_one_journal(program, tmp_path):
    done = program("""
import multiprocessing, threading, wb
def work(run):
    start = threading.Barrier(4)
    def log(n):
        start.wait()
        for i in range(100): run.log({'n': n, 'i': i})
    threads = [threading.Thread(target=log, args=(n,)) for n in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    run.finish()
if __name__ == '__main__':
    run = wb.init(id='r', dir='runs', settings=wb.Settings(silent=True))
    child = multiprocessing.get_context('spawn').Process(target=work, args=(run,))
    child.start(); child.join()
    raise SystemExit(child.exitcode)
""")
    assert done.returncode == 0, done.stderr
    assert len(states(tmp_path / "runs")["r"]) == 2
    assert len(data_of(tmp_path / "runs", "row")) == 400
