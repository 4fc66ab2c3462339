"""Config and summary: how they read, change and travel into the journal."""

import json

from journals import data_of

INIT = "import wb; run = wb.init(id='r', dir='runs', mode='offline', config={config}, settings=dict(silent=True))\n"


def config_in(path):
    """The config as the journal has it: the newest value of each top-level key."""
    merged = {}
    for record in data_of(path, "config"):
        merged.update(record)
    return merged


def succeed(program, source, config="None", **options):
    done = program(INIT.format(config=config) + source, **options)
    assert done.returncode == 0, done.stderr
    return done


def test_config_given_to_init_and_set_later_is_in_the_journal(program, tmp_path):
    succeed(program, """
assert run.config.lr == 0.1 and run.config['opt'] == 'sgd' and 'lr' in run.config and wb.config is run.config
run.config.batch = 32
run.config['layers'] = (1, 2)
run.config.update({'deep': {'a': 1, 'b': 2}})
run.config.setdefaults({'lr': 5, 'seed': 1})
assert run.config.as_dict() == dict(lr=0.1, opt='sgd', batch=32, layers=[1, 2], deep={'a': 1, 'b': 2}, seed=1)
assert run.config.get('none') is None and run.config.get('none', 3) == 3 and len(run.config) == 6
""", config="dict(lr=0.1, opt='sgd')")
    assert config_in(tmp_path / "runs") == {"lr": 0.1, "opt": "sgd", "batch": 32, "layers": [1, 2],
                                            "deep": {"a": 1, "b": 2}, "seed": 1}


def test_a_config_value_changes_only_when_allowed(program, tmp_path):
    succeed(program, r"""
for change in (lambda: run.config.update({'lr': 0.2}), lambda: run.config.__setitem__('lr', 0.2),
               lambda: setattr(run.config, 'lr', 0.2)):
    try: change()
    except wb.errors.ConfigError as error:
        assert str(error) == ('Attempted to change value of key "lr" from 0.1 to 0.2\nIf you really want to do this,'
                              ' pass allow_val_change=True to config.update()'), error
    else: raise SystemExit('no error')
run.config.update({'lr': 0.1})
run.config.update({'lr': 0.3}, allow_val_change=True)
assert run.config.lr == 0.3
""", config="dict(lr=0.1)")
    assert config_in(tmp_path / "runs") == {"lr": 0.3}


def test_allow_val_change_given_to_init_holds_for_the_run(program):
    done = program("import wb; run = wb.init(dir='runs', config={'a': 1}, allow_val_change=True); run.config.a = 2")
    assert done.returncode == 0, done.stderr


def test_a_dict_over_a_dict_merges_key_by_key(program, tmp_path):
    succeed(program, "run.config.update({'nest': {'a': 9}}, allow_val_change=True)",
            config="dict(nest={'a': 1, 'b': 2})")
    assert config_in(tmp_path / "runs") == {"nest": {"a": 9, "b": 2}}


def test_config_takes_namespaces_dataclasses_and_files(program, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"from_json": 1}))
    (tmp_path / "c.yaml").write_text("from_yaml: {x: 2}\n")
    succeed(program, """
import argparse, dataclasses
@dataclasses.dataclass
class D: field: int = 4; inner: tuple = (1,)
run.config.update(D()); run.config.update('c.json'); run.config.update('c.yaml')
""", config="__import__('argparse').Namespace(ns=1)")
    assert config_in(tmp_path / "runs") == {"ns": 1, "field": 4, "inner": [1], "from_json": 1, "from_yaml": {"x": 2}}


def test_config_values_become_plain(program, tmp_path):
    succeed(program, """
import numpy, pathlib
class Thing:
    def __str__(self): return 'a thing'
run.config.update({'np': numpy.float32(0.5), 'path': pathlib.Path('/x/y'), 'thing': Thing(), 'nan': float('nan'),
                   'keys': {1: 'one'}, '--dashed': 1})
""")
    found = config_in(tmp_path / "runs")
    assert found.pop("nan") != found.get("np") and found == {
        "np": 0.5, "path": "/x/y", "thing": "a thing", "keys": {"1": "one"}, "dashed": 1}


def test_an_api_key_in_the_config_is_not_written(program, tmp_path):
    key = "canary" * 7
    succeed(program, "run.log({'a': 1})", config="dict(vars(__import__('os'))['environ'])",
            environment=dict(WANDB_API_KEY=key))
    written = b"".join(path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert written and key.encode() not in written


def test_summary_reads_what_was_logged_last(program):
    succeed(program, """
run.log({'loss': 1.0, 'acc': 0.1, 'd': {'x': 1}}); run.log({'loss': 0.5, 'n': None})
assert run.summary['loss'] == 0.5 and run.summary['acc'] == 0.1 and run.summary['d']['x'] == 1
assert 'n' not in run.summary and run.summary.get('n', 7) == 7 and wb.summary is run.summary
assert dict(run.summary)['loss'] == 0.5 and sorted(run.summary.keys()) == ['acc', 'd', 'loss']
try: run.summary['missing']
except KeyError: pass
else: raise SystemExit('no error')
assert not hasattr(run.summary, 'missing')
""")


def test_summary_values_set_by_the_program_are_in_the_journal(program, tmp_path):
    succeed(program, """
run.log({'loss': 1.0})
run.summary['loss'] = 0.25
assert run.summary['loss'] == 0.25
run.log({'loss': 2.0})
assert run.summary['loss'] == 2.0
run.summary.best = 3
run.summary.update({'nested': {'a': 1}, 'gone': 1})
run.summary['nested']['b'] = 2
del run.summary['gone']
assert 'gone' not in run.summary and dict(run.summary['nested']) == {'a': 1, 'b': 2}
""")
    merged = {}
    for record in data_of(tmp_path / "runs", "summary"):
        merged.update(record)
    assert merged["loss"] == 0.25 and merged["best"] == 3 and merged["nested"] == {"a": 1, "b": 2}
