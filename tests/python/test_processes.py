"""Runs in several processes: fork, spawn, forkserver, pickling, pools."""

import os

import pytest

from journals import data_of, dump, states, wait_until


def values(path, key):
    return sorted(record["data"][key] for record in dump(path) if record["kind"] == "row" and key in record["data"])


def journal_count(path):
    return len({name.split(".")[3] for name in os.listdir(path)})


def test_a_forked_child_logs_into_a_journal_of_its_own(program, tmp_path):
    done = program("""
import os, sys, wb
run = wb.init(id='r', dir='runs')
run.log({'parent': 0})
for child in range(3):
    if os.fork() == 0:
        for i in range(100): run.log({'child': child * 100 + i})
        sys.exit(child)
for _ in range(3): os.wait()
for i in range(100): run.log({'parent': i})
""")
    assert done.returncode == 0, done.stderr
    assert values(tmp_path / "runs", "child") == list(range(300))
    assert values(tmp_path / "runs", "parent") == sorted([0, *range(100)])
    assert journal_count(tmp_path / "runs" / "r") == 4
    assert sorted(record["exit_code"] for record in data_of(tmp_path / "runs", "finish")) == [0, 0, 1, 2]
    parents = {record.get("parent_journal") for record in data_of(tmp_path / "runs", "run")}
    assert len(parents) == 2 and None in parents


def test_a_forked_child_that_never_logs_has_no_journal_and_waits_for_nothing(program, tmp_path):
    done = program("""
import os, sys, wb
run = wb.init(id='r', dir='runs')
run.log({'a': 1})
for end in (lambda: sys.exit(0), lambda: os._exit(0), lambda: wb.finish(), lambda: 1 / 0):
    child = os.fork()
    if child == 0:
        sys.stderr = open(os.devnull, 'w')
        end(); sys.exit(0)
    os.waitpid(child, 0)
run.log({'a': 2})
""")
    assert done.returncode == 0, done.stderr
    assert values(tmp_path / "runs", "a") == [1, 2]
    assert journal_count(tmp_path / "runs" / "r") == 1
    assert states(tmp_path / "runs") == {"r": ["finished"]}


def test_init_in_a_forked_child_opens_a_run_of_its_own(program, tmp_path):
    done = program("""
import os, sys, wb
run = wb.init(id='parent', dir='runs', group='g')
run.log({'parent': 1})
if os.fork() == 0:
    child = wb.init(id='child', dir='runs', group='g')
    assert child is not run and wb.run is child
    child.log({'child': 1})
    sys.exit(0)
os.wait()
run.log({'parent': 2})
""")
    assert done.returncode == 0, done.stderr
    assert values(tmp_path / "runs" / "child", "child") == [1]
    assert values(tmp_path / "runs" / "parent", "parent") == [1, 2]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_run_passed_to_processes_is_logged_to_by_all_of_them(program, tmp_path, method):
    done = program("""
import multiprocessing, sys, wb
def work(run, n):
    assert run.config.lr == 0.1 and run.id == 'r' and run.project == 'p'
    for i in range(50): run.log({'worker': n * 50 + i})
    if n == 2: sys.exit(4)
    if n == 1: raise ValueError('on purpose')
if __name__ == '__main__':
    context = multiprocessing.get_context(sys.argv[1])
    run = wb.init(id='r', project='p', dir='runs', config={'lr': 0.1})
    run.log({'parent': 1})
    processes = [context.Process(target=work, args=(run, n)) for n in range(3)]
    for p in processes: p.start()
    for p in processes: p.join()
    run.log({'parent': 2})
    print([p.exitcode for p in processes])
""", method, timeout=120)
    assert done.returncode == 0 and done.stdout == "[0, 1, 4]\n", done.stdout + done.stderr
    assert values(tmp_path / "runs", "worker") == list(range(150))
    assert values(tmp_path / "runs", "parent") == [1, 2]
    assert journal_count(tmp_path / "runs" / "r") == 4
    assert sorted(record["exit_code"] for record in data_of(tmp_path / "runs", "finish")) == [0, 0, 1, 4]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_may_init_runs_of_one_group_after_setup_in_the_parent(program, tmp_path, method):
    done = program("""
import multiprocessing, sys, wb
def work(n):
    with wb.init(name=f'worker {n}', job_type='train', dir='runs') as run: run.log({'n': n})
if __name__ == '__main__':
    wb.setup()
    context = multiprocessing.get_context(sys.argv[1])
    processes = [context.Process(target=work, args=(n,)) for n in range(3)]
    for p in processes: p.start()
    for p in processes: p.join()
    assert [p.exitcode for p in processes] == [0, 0, 0]
""", method, environment=dict(WANDB_RUN_GROUP="g", WANDB_PROJECT="p"), timeout=120)
    assert done.returncode == 0, done.stderr
    runs = data_of(tmp_path / "runs", "run")
    assert sorted(run["name"] for run in runs) == ["worker 0", "worker 1", "worker 2"]
    assert {run["group"] for run in runs} == {"g"} and len({run["run_id"] for run in runs}) == 3


def test_a_pool_of_forked_workers_logs_without_a_hang(program, tmp_path):
    done = program("""
import multiprocessing, wb
def work(n):
    run.log({'n': n})
    return n
if __name__ == '__main__':
    run = wb.init(id='r', dir='runs')
    with multiprocessing.get_context('fork').Pool(4) as pool:
        assert pool.map(work, range(200), chunksize=5) == list(range(200))
        pool.close(); pool.join()
""", timeout=120)
    assert done.returncode == 0, done.stderr
    assert values(tmp_path / "runs", "n") == list(range(200))


def test_a_terminated_pool_loses_nothing(program, tmp_path):
    done = program("""
import multiprocessing, wb
def work(n): run.log({'n': n})
if __name__ == '__main__':
    run = wb.init(id='r', dir='runs')
    pool = multiprocessing.get_context('fork').Pool(2)
    pool.map(work, range(100))
    pool.terminate()
""", timeout=120)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: values(tmp_path / "runs", "n") == list(range(100)))


def test_pickling_in_the_same_process_gives_the_same_run(program):
    done = program("""
import copy, pickle, wb
run = wb.init(dir='runs')
assert pickle.loads(pickle.dumps(run)) is run and copy.deepcopy({'r': run})['r'] is run and copy.copy(run) is run
""")
    assert done.returncode == 0, done.stderr


def test_an_unpickled_run_that_never_logs_makes_no_journal(program, tmp_path):
    done = program("""
import pickle, subprocess, sys, wb
run = wb.init(id='r', dir='runs', name='n', tags=['t'])
run.log({'a': 1})
child = '''
import pickle, sys
run = pickle.load(sys.stdin.buffer)
assert (run.id, run.name, run.tags, run.step) == ("r", "n", ("t",), 0)
'''
subprocess.run([sys.executable, '-c', child], input=pickle.dumps(run), check=True)
""")
    assert done.returncode == 0, done.stderr
    assert journal_count(tmp_path / "runs" / "r") == 1


def test_a_child_whose_journal_cannot_be_opened_goes_on_and_says_so(program, tmp_path):
    done = program("""
import os, pickle, shutil, subprocess, sys, wb
run = wb.init(id='r', dir='runs')
data = pickle.dumps(run)
run.finish()
shutil.rmtree('runs'); open('runs', 'w').close()
child = "import pickle, sys; run = pickle.load(sys.stdin.buffer); run.log({'a': 1}); run.log({'a': 2}); print('went on')"
print(subprocess.run([sys.executable, '-c', child], input=data, capture_output=True, check=True))
""")
    assert done.returncode == 0, done.stderr
    assert "went on" in done.stdout and "nothing is logged" in done.stdout
