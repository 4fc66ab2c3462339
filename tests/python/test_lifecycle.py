"""Opening, finishing and ending: states and exit codes as they stand in the journal."""

import os
import signal
import subprocess
import sys

import pytest

from journals import clean_environment, data_of, dump, states, wait_until

INIT = "import os, sys; import wb; run = wb.init(id='r', dir='runs', settings=wb.Settings(silent=True)); run.log({'a': 1})\n"


def finish_codes(path):
    return [record["exit_code"] for record in data_of(path, "finish")]


@pytest.mark.parametrize("ending, code, python_code", [
    ("pass", 0, 0),
    ("run.finish()", 0, 0),
    ("wb.finish()", 0, 0),
    ("wb.finish(exit_code=7)", 7, 0),
    ("raise ValueError('boom')", 1, 1),
    ("sys.exit(3)", 3, 3),
    ("raise SystemExit(4)", 4, 4),
    ("sys.exit()", 0, 0),
    ("sys.exit('a text')", 1, 1),
    ("sys.exit(256 + 5)", 5, 5),
    ("exit(6)", 6, 6),
    ("try: sys.exit(9)\nexcept SystemExit: pass", 0, 0),
    ("try: raise ValueError\nexcept ValueError: pass", 0, 0),
    ("import atexit; atexit.register(lambda: run.log({'late': 1}))", 0, 0),
    ("import threading; threading.Thread(target=lambda: 1 / 0).start()", 0, 0),
])
def test_the_run_ends_with_the_exit_code_of_the_process(program, tmp_path, ending, code, python_code):
    done = program(INIT + ending)
    assert done.returncode == python_code, done.stderr
    assert finish_codes(tmp_path / "runs") == [code]
    assert states(tmp_path / "runs") == {"r": ["finished" if code == 0 else "failed"]}


def test_an_unhandled_keyboard_interrupt_ends_the_run_with_130(program, tmp_path):
    done = program(INIT + "raise KeyboardInterrupt")
    assert done.returncode == -signal.SIGINT
    assert finish_codes(tmp_path / "runs") == [130]


@pytest.mark.parametrize("ending", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.abort()", "os.kill(os.getpid(), 15)"])
def test_a_process_that_ends_without_python_leaves_a_crashed_run_with_all_rows(program, tmp_path, ending):
    done = program(INIT + "for i in range(1000): run.log({'i': i})\n" + ending)
    assert done.returncode != 0
    wait_until(lambda: states(tmp_path / "runs") == {"r": ["crashed"]})
    assert finish_codes(tmp_path / "runs") == []
    found = [record["data"] for record in dump(tmp_path / "runs") if record["kind"] == "row"]
    assert found == [{"a": 1}] + [{"i": i} for i in range(1000)]


def test_a_context_manager_finishes_the_run(program, tmp_path):
    done = program("""
import wb
with wb.init(id='good', dir='runs') as run: run.log({'a': 1})
assert wb.run is None
try:
    with wb.init(id='bad', dir='runs'): raise ValueError
except ValueError: pass
try:
    with wb.init(id='exit', dir='runs'): raise SystemExit(5)
except SystemExit: pass
""")
    assert done.returncode == 0, done.stderr
    assert [finish_codes(tmp_path / "runs" / run) for run in ("good", "bad", "exit")] == [[0], [1], [5]]


def test_log_after_finish_raises_usage_error(program):
    done = program(INIT + """
run.finish(); run.finish()
for name, call in [('log', lambda: run.log({'a': 1})), ('define_metric', lambda: run.define_metric('a')),
                   ('config.update', lambda: run.config.update({'x': 1})),
                   ('summary.update', lambda: run.summary.update({'x': 1}))]:
    try: call()
    except wb.UsageError as error:
        assert str(error) == (f'Run (r) is finished. The call to `{name}` will be ignored.'
                              ' Please make sure that you are using an active run.'), error
    else: raise SystemExit('no error from ' + name)
assert run.summary['a'] == 1 and run.id == 'r' and run.step == 1
""")
    assert done.returncode == 0, done.stderr


def test_before_init_the_module_has_no_run_and_raises_wandbs_texts(program):
    done = program("""
import wb
assert wb.run is None and hasattr(wb, 'run')
wb.finish()
for call, text in [(lambda: wb.log({'a': 1}), 'wandb.log()'), (lambda: wb.config.lr, 'wandb.config.lr'),
                   (lambda: wb.config['lr'], "wandb.config['lr']"), (lambda: setattr(wb.config, 'lr', 1), 'wandb.config.lr'),
                   (lambda: wb.summary['a'], "wandb.summary['a']"), (lambda: wb.define_metric('a'), 'wandb.define_metric()')]:
    try: call()
    except wb.Error as error: assert str(error) == 'You must call wandb.init() before ' + text, error
    else: raise SystemExit('no error for ' + text)
run = wb.init(dir='runs')
assert wb.run is run
wb.log({'a': 1}); wb.config.lr = 1; wb.define_metric('a')
wb.finish()
assert wb.run is None
try: wb.log({'a': 1})
except wb.Error: pass
else: raise SystemExit('no error')
""")
    assert done.returncode == 0, done.stderr


def test_a_second_init_returns_the_previous_run_unless_told_otherwise(program, tmp_path):
    done = program("""
import wb
first = wb.init(id='first', dir='runs')
assert wb.init(id='other', dir='runs') is first
assert wb.init(reinit=False) is first and wb.init(reinit='return_previous') is first
second = wb.init(id='second', dir='runs', reinit=True)
assert second is not first and wb.run is second and second.id == 'second'
third = wb.init(id='third', dir='runs', reinit='finish_previous')
fourth = wb.init(id='fourth', dir='runs', reinit='create_new')
assert wb.run is third
third.log({'a': 3}); fourth.log({'a': 4})
try: wb.init(reinit='nonsense')
except wb.UsageError: pass
else: raise SystemExit('no error')
raise SystemExit(2)
""")
    assert done.returncode == 2, done.stderr
    assert sorted(os.listdir(tmp_path / "runs")) == ["first", "fourth", "second", "third"]
    codes = {run: finish_codes(tmp_path / "runs" / run) for run in os.listdir(tmp_path / "runs")}
    assert codes == {"first": [0], "second": [0], "third": [2], "fourth": [2]}


def test_two_inits_of_one_id_are_two_journals_of_one_run(program, tmp_path):
    for value in (1, 2):
        done = program(f"import wb; wb.init(id='again', dir='runs').log({{'a': {value}}})")
        assert done.returncode == 0, done.stderr
    assert len({name.split(".")[3] for name in os.listdir(tmp_path / "runs" / "again")}) == 2
    assert finish_codes(tmp_path / "runs") == [0, 0]


def test_a_finished_run_is_one_sealed_file_and_leaves_nothing_else(program, tmp_path):
    before = set(os.listdir("/dev/shm"))
    done = program(INIT + "for i in range(100): run.log({'i': i})")
    assert done.returncode == 0, done.stderr
    names = wait_until(lambda: [n for n in os.listdir(tmp_path / "runs" / "r") if n.endswith(".wbj")])
    wait_until(lambda: os.listdir(tmp_path / "runs" / "r") == names)
    assert len(names) == 1
    wait_until(lambda: not [n for n in set(os.listdir("/dev/shm")) - before if n.startswith(f"wb-{os.getuid()}-")])
    assert sorted(os.listdir(tmp_path)) == ["program.py", "runs"]


def test_flush_returns_when_all_is_durable_and_readable(tmp_path):
    source = INIT + "for i in range(500): run.log({'i': i})\nprint(run.flush(), flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", source], cwd=tmp_path, env=clean_environment(), text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "True\n"
        assert sum(record["kind"] == "row" for record in dump(tmp_path / "runs")) == 501
        assert states(tmp_path / "runs") == {"r": ["running"]}
        process.stdin.close()
        assert process.wait(30) == 0
    assert states(tmp_path / "runs") == {"r": ["finished"]}


def test_the_run_knows_its_names_and_can_change_some(program, tmp_path):
    done = program("""
import wb
run = wb.init(id='r', project='p', entity='e', group='g', job_type='j', name='n', notes='o', tags=['x', 'y'],
              dir='runs')
assert (run.id, run.project, run.entity, run.group, run.job_type, run.name, run.notes, run.tags) == (
    'r', 'p', 'e', 'g', 'j', 'n', 'o', ('x', 'y'))
assert run.url is None and not run.disabled and run.step == 0 and run.start_time > 1e9 and run.project_name() == 'p'
run.name = 'new name'; run.notes = 'new notes'; run.tags = run.tags + ('z',)
assert run.name == 'new name' and run.tags == ('x', 'y', 'z')
import os
assert run.sync_dir == os.path.abspath('runs/r') and os.listdir(run.dir) == [] and run.dir.startswith(run.sync_dir)
""")
    assert done.returncode == 0, done.stderr
    fields = {}
    for record in data_of(tmp_path / "runs", "run"):
        fields.update(record)
    assert (fields["name"], fields["notes"], fields["tags"]) == ("new name", "new notes", ["x", "y", "z"])
    assert (fields["project"], fields["entity"], fields["group"], fields["job_type"]) == ("p", "e", "g", "j")
    assert fields["python"].startswith("cpython 3.") and fields["program"].endswith("program.py")


def test_init_says_where_the_journal_is_on_one_line(program):
    done = program("import wb; run = wb.init(id='r', name='n', dir='runs'); run.log({'a': 1})")
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and "runs/r" in lines[0] and "wbsync" in lines[0], done.stderr
    assert done.stdout == ""


def test_unknown_keywords_are_accepted_and_said_once(program):
    done = program("""
import wb
for i in range(3):
    wb.init(dir='runs', anonymous='allow', resume='allow', force=True, some_new_thing=1, magic=True, reinit=True)
""")
    assert done.returncode == 0
    assert done.stderr.count("some_new_thing") == 1 and "anonymous" not in done.stderr


def test_settings_take_any_keyword_and_name_the_run(program):
    done = program("""
import wb
settings = wb.Settings(run_id='s', project='sp', run_group='sg', x_label='rank_0', _service_wait=300,
                       https_proxy='http://x', init_timeout=1, console='off', start_method='fork', root_dir='runs')
run = wb.init(settings=settings)
assert (run.id, run.project, run.group, run.settings.x_label) == ('s', 'sp', 'sg', 'rank_0')
wb.init(settings={'run_id': 't'}, dir='runs', reinit=True, id='argument wins')
assert wb.run.id == 'argument wins'
wb.require('service'); wb.require(['core']); wb.setup()
""")
    assert done.returncode == 0, done.stderr
