"""Variables, modes and bad surroundings; what importing wb brings along."""

import os
import subprocess
import sys

import pytest

from journals import clean_environment, data_of


def fields_of(path):
    (fields,) = data_of(path, "run")
    return fields


def test_wandbs_variables_name_the_run(program, tmp_path):
    done = program("import wb; run = wb.init(); run.log({'a': 1}); assert run.tags == ('one', 'two'), run.tags",
                   environment=dict(WANDB_PROJECT="p", WANDB_ENTITY="e", WANDB_NAME="n", WANDB_RUN_GROUP="g",
                                    WANDB_JOB_TYPE="j", WANDB_RUN_ID="i", WANDB_DIR="elsewhere", WANDB_TAGS="one,two",
                                    WANDB_NOTES="some notes", WANDB_MODE="online"))
    assert done.returncode == 0, done.stderr
    fields = fields_of(tmp_path / "elsewhere" / "i")
    named = {name: fields[name] for name in ("project", "entity", "name", "group", "job_type", "run_id", "notes", "tags")}
    assert named == dict(project="p", entity="e", name="n", group="g", job_type="j", run_id="i", notes="some notes",
                         tags=["one", "two"])


def test_an_argument_wins_over_a_variable_and_wb_over_wandb(program, tmp_path):
    done = program("import wb; wb.init(project='argument', dir='runs').log({'a': 1})",
                   environment=dict(WANDB_PROJECT="p", WANDB_RUN_GROUP="wandb", WB_RUN_GROUP="wb", WANDB_RUN_ID="i"))
    assert done.returncode == 0, done.stderr
    fields = fields_of(tmp_path / "runs")
    assert (fields["project"], fields["group"]) == ("argument", "wb")


def test_torchrun_gives_rank_and_world_size(program, tmp_path):
    done = program("import wb; wb.init(dir='runs', id='r').log({'a': 1})",
                   environment=dict(RANK=3, WORLD_SIZE=8, LOCAL_RANK=1, TORCHELASTIC_RUN_ID="job",
                                    TORCHELASTIC_RESTART_COUNT=2))
    assert done.returncode == 0, done.stderr
    fields = fields_of(tmp_path / "runs")
    assert (fields["rank"], fields["world_size"], fields["local_rank"], fields["attempt"]) == (3, 8, 1, 2)
    assert {tuple(name.split(".")[1:3]) for name in os.listdir(tmp_path / "runs" / "r")} == {("r3", "a2")}


@pytest.mark.parametrize("mode", ["online", "offline", "dryrun", "run", "shared"])
def test_every_mode_but_disabled_journals(program, tmp_path, mode):
    done = program("import wb; wb.init(dir='runs').log({'a': 1})", environment=dict(WANDB_MODE=mode))
    assert done.returncode == 0, done.stderr
    assert data_of(tmp_path / "runs", "row") == [{"a": 1}]


@pytest.mark.parametrize("environment, argument", [(dict(WANDB_MODE="disabled"), ""), (dict(WANDB_DISABLED="true"), ""),
                                                   (dict(WANDB_MODE="online"), "mode='disabled'"),
                                                   ({}, "settings=wb.Settings(mode='disabled')")])
def test_a_disabled_run_does_nothing_and_answers_everything(program, tmp_path, environment, argument):
    done = program(f"""
import pickle, wb
run = wb.init({argument})
assert run.disabled and wb.run is run and len(run.id) == 8 and run.project == 'uncategorized'
for i in range(3): run.log({{'a': i}}, step=i)
wb.log({{'a': object()}}); run.config.lr = 1; run.summary['x'] = 2; run.define_metric('a'); run.name = 'n'
assert run.config.lr == 1 and run.summary['x'] == 2 and run.name == 'n' and run.step == 0 and run.flush()
assert run.dir == '' and pickle.loads(pickle.dumps(run)).disabled
run.finish()
""", environment=environment)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["program.py"] and done.stderr == ""


def test_an_unknown_mode_is_a_usage_error(program):
    done = program("import wb; wb.init(dir='runs')", environment=dict(WANDB_MODE="onlin"))
    assert done.returncode == 1 and "UsageError: unknown mode 'onlin'" in done.stderr


@pytest.mark.parametrize("environment", [dict(WANDB_SILENT="true"), dict(WANDB_QUIET="1")])
def test_nothing_is_said_when_asked_to_be_silent(program, environment):
    done = program("import wb; wb.init(dir='runs').log({'a': 1})", environment=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_directory_that_cannot_be_made_is_an_error_at_init_with_the_path(program, tmp_path):
    (tmp_path / "runs").write_text("a file, no directory")
    done = program("""
import wb
try: wb.init(dir='runs')
except wb.errors.JournalError as error: print(error.code, error)
else: raise SystemExit('no error')
assert wb.run is None
""")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "runs") in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_the_right_to_write_is_an_error_at_init(program, tmp_path):
    (tmp_path / "runs").mkdir(mode=0o555)
    done = program("import wb; wb.init(dir='runs')")
    assert done.returncode == 1 and "JournalError" in done.stderr and "permission" in done.stderr


def test_an_id_of_any_text_stays_in_its_directory(program, tmp_path):
    done = program("import wb; run = wb.init(dir='runs', id='../../evil/\\u6771'); run.log({'a': 1}); print(run.id)")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["program.py", "runs"]
    assert data_of(tmp_path / "runs", "run")[0]["run_id"] == "../../evil/\u6771"


def test_importing_wb_imports_no_heavy_package(program):
    done = program("""
import sys
import wb
with wb.init(dir='runs') as run: run.log({'a': 1.0, 'b': {'c': 1}})
heavy = {'numpy', 'torch', 'yaml', 'requests', 'asyncio', 'logging', 'multiprocessing', 'typing', 'dataclasses',
         'subprocess', 'socket', 'ssl', 'sqlite3'}
print(sorted(heavy & set(sys.modules)))
""", )
    assert done.returncode == 0 and done.stdout == "[]\n", done.stdout + done.stderr


def test_importing_wb_is_quick(tmp_path):
    # Against importing json, which wb needs, in the same interpreter: a ratio, since machines differ.
    source = """
import time
def timed(name):
    start = time.perf_counter(); __import__(name); return time.perf_counter() - start
import sys; print(timed('email.message'), timed('wb'))
"""
    best = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, cwd=tmp_path,
                              env=clean_environment())
        email_s, wb_s = map(float, done.stdout.split())
        best.append((wb_s, email_s))
    assert min(wb_s for wb_s, _ in best) < 2 * min(email_s for _, email_s in best), best


def test_a_closed_stderr_harms_nobody(tmp_path):
    done = subprocess.run([sys.executable, "-c", "import wb; wb.init(dir='runs').log({'a': 1})"], cwd=tmp_path,
                          env=clean_environment(), check=False, stderr=None, preexec_fn=lambda: os.close(2))
    assert done.returncode == 0
    assert data_of(tmp_path / "runs", "row") == [{"a": 1}]


def test_children_of_the_trainer_get_no_descriptor_of_ours(program):
    done = program("""
import os, subprocess, sys, wb
run = wb.init(dir='runs'); run.log({'a': 1})
out = subprocess.run([sys.executable, '-c', "import os; print(*[os.readlink('/proc/self/fd/' + f) for f in"
                      " os.listdir('/proc/self/fd') if int(f) > 2 and os.path.exists('/proc/self/fd/' + f)])"],
                     close_fds=False, capture_output=True, text=True).stdout
assert 'wb-' not in out and 'runs' not in out, out
""")
    assert done.returncode == 0, done.stderr
