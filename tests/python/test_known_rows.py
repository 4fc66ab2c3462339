"""Rows whose names came before take a short way through log(): it must not show in the journal, nor in the summary."""

import json
import os
import random

import pytest

from journals import data_of, rows

HERE = os.path.dirname(os.path.abspath(__file__))
INIT = "import wb; run = wb.init(id='r', dir='runs', settings=wb.Settings(silent=True))\n"
ROWS = 4_000


@pytest.fixture
def succeeded(program):
    def run(source, **options):
        done = program(INIT + source, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


# Few names in few orders, so that shapes come again, evict each other and share keys; all kinds of values.
RANDOM_ROWS = """
import json, random
import numpy
chance = random.Random(SEED)
names = [f'name{i}' for i in range(12)]
orders = [chance.sample(names, chance.randint(1, 12)) for _ in range(25)]
class Holds:
    def __init__(self, value): self.value = value
    def item(self): return self.value
class Text(str): pass
kinds = [lambda: chance.random(), lambda: chance.randint(-2**63, 2**63 - 1), lambda: chance.random() < 0.5]
rare = [lambda: None, lambda: 'text', lambda: numpy.float32(0.1), lambda: numpy.float64(chance.random()),
        lambda: Holds(7), lambda: 2**70, lambda: Text('sub'), lambda: [1, {'x': 2}]]
def plain(value):
    value = value.value if type(value) is Holds else value
    value = value.item() if isinstance(value, numpy.generic) else value
    return float(value) if type(value) is int and value == 2**70 else value
expected, summary = [], {}
for _ in range(ROWS):
    row = {}
    for name in chance.choice(orders):
        if chance.random() < 0.1: name = ''.join(list(name))  # An equal string, another object.
        row[name] = (chance.choice(rare) if chance.random() < 0.04 else chance.choice(kinds))()
    run.log(row)
    expected.append({name: plain(value) for name, value in row.items()})
    summary.update({name: value for name, value in expected[-1].items() if value is not None})
    if chance.random() < 0.01:
        name = chance.choice(names)
        if chance.random() < 0.5:
            run.summary[name] = summary[name] = chance.random()
        elif name in run.summary:
            del run.summary[name]; del summary[name]
    if chance.random() < 0.05:
        assert dict(run.summary) == summary, (dict(run.summary), summary)
json.dump(expected, open('expected.json', 'w'))
"""


def test_random_rows_are_in_the_journal_and_in_the_summary_as_they_were_logged(succeeded, tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    succeeded(f"SEED, ROWS = {seed}, {ROWS}\n" + RANDOM_ROWS)
    expected = json.loads((tmp_path / "expected.json").read_text())
    found = [data for _, data, _ in rows(tmp_path / "runs")]
    assert len(found) == len(expected) == ROWS
    for i, (row, other) in enumerate(zip(found, expected)):
        assert row == other and [type(v) for v in row.values()] == [type(v) for v in other.values()], (seed, i)


def test_a_row_that_raises_in_the_middle_leaves_the_summary_as_it_was(succeeded, tmp_path):
    succeeded("""
class Raises:
    def item(self): raise KeyboardInterrupt
for i in range(3): run.log({'a': i, 'b': i})
try: run.log({'a': 7, 'b': Raises()})
except KeyboardInterrupt: pass
else: raise SystemExit('no error')
assert dict(run.summary) == {'a': 2, 'b': 2}, dict(run.summary)
""")
    assert len(rows(tmp_path / "runs")) == 3


def test_a_row_that_is_dropped_leaves_the_summary_as_it_was(succeeded):
    succeeded(f"""
import sys; sys.path.insert(0, {HERE!r})
from keepers import stopped_keepers
with stopped_keepers():
    i = 0
    while run._counts[1] == 0:
        run.log({{'i': i}}); i += 1
    assert run.summary['i'] == run._counts[0] - 1 == i - 2, (dict(run.summary), run._counts, i)
assert i > 10_000
""", environment=dict(WB_RING_BYTES=1 << 20))


# What runs while log() reads a value or lets go of one: it logs the same names, new names, and asks for the summary.
MEDDLES = """
deep = 0
def meddle():
    global deep
    if deep > 2: return
    deep += 1
    run.log({'a': -1.0, 'text': 'inner'}); run.log({'a': -1.0, 'b': -1.0})
    for i in range(200): run.log({f'fresh{deep}.{i}': 1.0})
    run.summary['set'] = 1; dict(run.summary); del run.summary['set']
    deep -= 1
"""


def test_a_value_that_logs_while_it_is_let_go_does_no_harm(succeeded, tmp_path):
    succeeded(MEDDLES + """
class Text(str):
    def __del__(self): meddle()
for i in range(3):
    run.log({'a': 1.0, 'text': Text('x')})          # Lets go of the one before.
run.summary['text'] = 'set'                          # Lets go of the last one, whose end logs a text again.
assert run.summary['text'] == 'inner' and run.summary['fresh1.199'] == 1.0, dict(run.summary)
run.log({'a': 5.0, 'b': 6.0})
assert (run.summary['a'], run.summary['b']) == (5.0, 6.0)
""")
    found = [data for _, data, _ in rows(tmp_path / "runs")]
    assert len(found) > 3 * 202 and sum(data == {"a": 1.0, "text": "x"} for data in found) == 3
    assert found[-1] == {"a": 5.0, "b": 6.0}


@pytest.mark.parametrize("method", ["item(self)", "__float__(self)", "__index__(self)"])
def test_a_value_that_logs_while_it_is_read_does_no_harm(succeeded, tmp_path, method):
    succeeded(MEDDLES + f"""
class Number:
    def {method}: meddle(); return 3
for i in range(3): run.log({{'a': 1.0, 'b': Number()}})
assert (run.summary['a'], run.summary['b']) == (1.0, 3)
""")
    found = [data for _, data, _ in rows(tmp_path / "runs")]
    assert [data for data in found if data.get("b", -1) != -1] == [{"a": 1.0, "b": 3}] * 3


def test_a_name_that_is_a_str_of_another_class_is_a_name(succeeded, tmp_path):
    succeeded("""
class Name(str): pass
for i in range(3): run.log({Name('a'): i, 'b': i})
assert run.summary['a'] == 2 and run.summary['b'] == 2
""")
    assert [data for _, data, _ in rows(tmp_path / "runs")] == [{"a": i, "b": i} for i in range(3)]
    assert len(data_of(tmp_path / "runs", "key")) == 2


def test_names_that_die_are_never_taken_for_others_at_their_address(succeeded, tmp_path):
    succeeded("""
for i in range(20000):
    run.log({f'a{i % 7}': i, ''.join(['b', str(i % 11)]): -i})
""")
    found = [data for _, data, _ in rows(tmp_path / "runs")]
    assert found == [{f"a{i % 7}": i, f"b{i % 11}": -i} for i in range(20000)]


def test_arguments_of_log_are_checked_as_python_checks_them(succeeded):
    succeeded("""
import inspect
assert str(inspect.signature(wb.Run.log)) == '(self, /, data, step=None, commit=None)'
wrong = {'run.log()': "log() missing 1 required positional argument: 'data'",
         'run.log(step=1)': "log() missing 1 required positional argument: 'data'",
         'run.log({}, 1, True, 4)': 'log() takes at most 3 arguments (4 given)',
         'run.log({}, data={})': "log() got multiple values for argument 'data'",
         'run.log({}, 1, step=2)': "log() got multiple values for argument 'step'",
         'run.log({}, sync=True)': "log() got an unexpected keyword argument 'sync'",
         'wb.Run.__new__(wb.Run).log({})': 'log() of a run whose __init__() was not called'}
for call, message in wrong.items():
    try: eval(call)
    except TypeError as error: assert str(error) == message, (call, error)
    else: raise SystemExit(f'no error: {call}')
try: run.log({'a': 1}, step=2**63)
except OverflowError: pass
else: raise SystemExit('no error')
for name in ('step', 'commit'): run.log({'a': 1}, **{''.join(list(name)): None})
run.log(step=None, commit=None, data={'a': 1})
assert run.step == 3
""")
