"""What log() does with steps, commits and values: wandb's semantics, one test a line of its contract."""

import json
import math

import pytest

from journals import COMMIT, EXPLICIT_STEP, OUT_OF_ORDER, data_of, rows

INIT = "import wb; run = wb.init(id='r', dir='runs', mode='offline', settings=wb.Settings(silent=True))\n"


@pytest.fixture
def logged(program, tmp_path):
    """logged(statements): runs them after init() as `run` and gives the rows of the journal as (step, data)."""

    def run(statements, stderr=""):
        done = program(INIT + statements)
        assert done.returncode == 0, done.stderr
        assert stderr in done.stderr
        return [(step, data) for step, data, _ in rows(tmp_path / "runs")]

    return run


def test_log_without_a_step_completes_a_row_and_counts_the_step(logged):
    assert logged("run.log({'a': 1.5}); run.log({'a': 2.5}); assert run.step == 2") == [(0, {"a": 1.5}), (1, {"a": 2.5})]


def test_log_without_commit_accumulates_into_the_row(logged):
    assert logged("run.log({'a': 1}, commit=False); run.log({'b': 2}, commit=False); run.log({'c': 3}); run.log({'d': 4})"
                  ) == [(0, {"a": 1, "b": 2, "c": 3}), (1, {"d": 4})]


def test_log_with_a_step_accumulates_until_the_step_grows(logged):
    assert logged("run.log({'a': 1}, step=3); run.log({'b': 2}, step=3); run.log({'a': 9}, step=4)"
                  ) == [(3, {"a": 1, "b": 2}), (4, {"a": 9})]


def test_log_with_a_step_and_commit_completes_the_row_at_once(logged, tmp_path):
    assert logged("run.log({'a': 1}, step=3, commit=True); assert run.step == 4; run.log({'b': 2})"
                  ) == [(3, {"a": 1}), (4, {"b": 2})]
    assert [flags & COMMIT for _, _, flags in rows(tmp_path / "runs")] == [COMMIT, COMMIT]


def test_log_without_a_step_after_one_with_a_step_joins_its_row_and_completes_it(logged, tmp_path):
    assert logged("run.log({'a': 1}, step=5); run.log({'c': 1}); run.log({'d': 1})"
                  ) == [(5, {"a": 1, "c": 1}), (6, {"d": 1})]


def test_a_later_value_of_a_key_in_the_same_row_wins(logged):
    assert logged("run.log({'a': 1, 'b': 1}, step=2); run.log({'a': 2}, step=2)") == [(2, {"a": 2, "b": 1})]


def test_a_step_below_the_present_one_is_kept_and_marked_and_said_once(logged, tmp_path):
    assert logged("run.log({'a': 1}, step=7); run.log({'a': 2}, step=3); run.log({'a': 3}, step=3);"
                  "run.log({'a': 4}, step=8)".replace("silent=True", "")
                  ) == [(7, {"a": 1}), (3, {"a": 2}), (3, {"a": 3}), (8, {"a": 4})]
    assert [bool(flags & OUT_OF_ORDER) for _, _, flags in rows(tmp_path / "runs")] == [False, True, True, False]
    assert all(flags & EXPLICIT_STEP for _, _, flags in rows(tmp_path / "runs"))


def test_a_step_below_the_present_one_is_said_on_stderr(program):
    done = program("import wb; run = wb.init(dir='runs'); run.log({'a': 1}, step=7)\n"
                   "for i in range(5): run.log({'a': i}, step=3)")
    assert done.stderr.count("step 3, below the present step 7") == 1


@pytest.mark.parametrize("call", ["run.log({'a': 1}, 4)", "run.log(data={'a': 1}, step=4)",
                                  "wb.log({'a': 1}, step=4)", "run.log({'a': 1}, step=4.0)",
                                  "import numpy; run.log({'a': 1}, step=numpy.int64(4))"])
def test_the_step_may_be_given_as_callers_of_wandb_give_it(logged, call):
    assert logged(call) == [(4, {"a": 1})]


def test_an_empty_dict_makes_a_row_and_an_empty_key_is_left_out(logged):
    assert logged("run.log({}); run.log({'': 1, 'a': 2})") == [(0, {}), (1, {"a": 2})]


def test_other_mappings_are_dicts_too(logged):
    assert logged("""
import collections, types
run.log(collections.OrderedDict(a=1)); run.log(types.MappingProxyType({'a': 2})); run.log(collections.UserDict(a=3))
""") == [(0, {"a": 1}), (1, {"a": 2}), (2, {"a": 3})]


@pytest.mark.parametrize("data", ["{1: 2}", "{'a': 1, None: 2}", "{b'a': 1}"])
def test_a_key_that_is_no_string_raises_wandbs_type_error_and_logs_nothing(logged, data):
    assert logged(f"""
try: run.log({data})
except TypeError as error: assert str(error) == "Key values passed to `wandb.log` must be strings.", error
else: raise SystemExit("no error")
run.log({{'z': 1}})
""") == [(0, {"z": 1})]


@pytest.mark.parametrize("data", ["5", "'text'", "None", "[('a', 1)]"])
def test_what_is_no_dict_raises_type_error(logged, data):
    assert logged(f"""
try: run.log({data})
except TypeError as error: assert str(error) == "wandb.log must be passed a dictionary", error
else: raise SystemExit("no error")
""") == []


def test_a_name_that_is_too_long_is_left_out_and_said(logged):
    assert logged("run.log({'x' * 5000: 1, 'a': 2})", stderr="left out") == [(0, {"a": 2})]


def test_ints_are_exact_to_int64_and_floats_beyond(logged):
    assert logged("""
run.log({'max': 2**63 - 1, 'min': -2**63, 'above': 2**63, 'far': 2**64 + 5, 'below': -2**63 - 1})
""") == [(0, {"max": 2**63 - 1, "min": -(2**63), "above": float(2**63), "far": 1.8446744073709552e19,
              "below": -float(2**63)})]


def test_an_int_beyond_any_float_keeps_its_digits(logged):
    (_, data), = logged("run.log({'huge': 10**400})")
    assert data["huge"] == 10**400


def test_floats_keep_every_bit(logged):
    values = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3]
    (_, data), = logged(f"run.log({{str(i): v for i, v in enumerate({values!r})}})")
    assert [data[str(i)].hex() for i in range(5)] == [value.hex() for value in values]


def test_nan_infinities_and_none_are_kept(logged):
    (_, data), = logged("run.log({'nan': float('nan'), 'inf': float('inf'), '-inf': -float('inf'), 'none': None})")
    assert math.isnan(data["nan"]) and data["inf"] == math.inf and data["-inf"] == -math.inf and data["none"] is None


def test_bools_and_texts_keep_their_type(logged):
    (_, data), = logged("run.log({'t': True, 'f': False, 's': 'text', 'u': 'Grüße 東京 🚀', 'zero': 'a\\0b', 'empty': ''})")
    assert data == {"t": True, "f": False, "s": "text", "u": "Grüße 東京 🚀", "zero": "a\0b", "empty": ""}
    assert data["t"] is True


def test_nested_dicts_and_lists_stay_nested(logged):
    (_, data), = logged("run.log({'a': {'b': {'c': 1.5}, 'd': [1, 2, {'e': None}]}, 'l': (1, 2)})")
    assert data == {"a": {"b": {"c": 1.5}, "d": [1, 2, {"e": None}]}, "l": [1, 2]}


def test_numpy_scalars_and_arrays_are_what_they_hold(logged):
    (_, data), = logged("""
import numpy as np
run.log({'f64': np.float64(0.1), 'f32': np.float32(0.1), 'i': np.int64(7), 'u': np.uint8(200), 'b': np.bool_(True),
         'zero_d': np.array(2.5), 'one': np.array([3.5]), 'array': np.arange(3), 'nested': {'x': np.float32(0.5)}})
""")
    import numpy as np
    assert data == {"f64": 0.1, "f32": float(np.float32(0.1)), "i": 7, "u": 200, "b": True, "zero_d": 2.5, "one": 3.5,
                    "array": [0, 1, 2], "nested": {"x": 0.5}}
    assert data["b"] is True and isinstance(data["i"], int)


def test_torch_tensors_are_what_they_hold(logged):
    (_, data), = logged("""
import torch
run.log({'loss': torch.tensor(0.5, requires_grad=True), 'one': torch.tensor([2]), 'list': torch.tensor([1.0, 2.0])})
""")
    assert data == {"loss": 0.5, "one": 2, "list": [1.0, 2.0]}


def test_other_numbers_are_numbers(logged):
    (_, data), = logged("""
import decimal, fractions, enum
class Level(enum.IntEnum): HIGH = 3
run.log({'d': decimal.Decimal('0.5'), 'f': fractions.Fraction(1, 4), 'e': Level.HIGH})
""")
    assert data == {"d": 0.5, "f": 0.25, "e": 3}


def test_what_is_not_json_becomes_its_repr(logged):
    (_, data), = logged("""
class Thing:
    def __repr__(self): return '<thing>'
run.log({'t': Thing(), 'l': [Thing()], 'c': 1j})
""")
    assert data == {"t": "<thing>", "l": ["<thing>"], "c": "1j"}


def test_strict_settings_refuse_what_is_not_json(program, tmp_path):
    done = program("""
import wb
run = wb.init(id='r', dir='runs', settings=wb.Settings(strict=True))
try: run.log({'a': 1, 't': object()})
except TypeError: pass
else: raise SystemExit("no error")
run.log({'a': 2})
""")
    assert done.returncode == 0, done.stderr
    assert [data for _, data, _ in rows(tmp_path / "runs")] == [{"a": 2}]


def test_a_value_that_changes_the_dict_or_logs_while_it_is_read_does_no_harm(logged):
    assert logged("""
class Odd:
    def item(self):
        data.clear(); data['new'] = 1
        run.log({'inner': 1})
        return 0.5
data = {'a': 1.5, 'odd': Odd(), 'z': 'text'}
run.log(data)
""") == [(0, {"inner": 1}), (1, {"a": 1.5, "odd": 0.5, "z": "text"})]


def test_a_row_may_have_many_keys_and_long_texts(logged):
    (_, data), = logged("run.log({**{f'k{i}': float(i) for i in range(3000)}, 'text': 'x' * 30000})")
    assert len(data) == 3001 and data["k2999"] == 2999.0 and len(data["text"]) == 30000


def test_a_row_of_more_than_64_kib_is_one_row(logged):
    (_, data), = logged("run.log({f'k{i}': 'x' * 1000 for i in range(200)})")
    assert len(data) == 200 and all(len(text) == 1000 for text in data.values())


def test_equal_keys_of_different_string_objects_are_one_key(logged, tmp_path):
    assert logged("for i in range(3): run.log({''.join(['lo', 'ss']): i})") == [(i, {"loss": i}) for i in range(3)]
    assert len(data_of(tmp_path / "runs", "key")) == 1


def test_changing_keys_do_not_confuse_the_key_cache(logged):
    found = logged("for i in range(5000): run.log({f'key{i % 1500}': i})")
    assert len(found) == 5000
    assert all(data == {f"key{i % 1500}": i} for i, (_, data) in enumerate(found))


def test_threads_may_log_to_one_run(logged):
    found = logged("""
import threading
def work(n):
    for i in range(500): run.log({f't{n}': i})
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
""")
    assert [step for step, _ in found] == list(range(2000))
    for n in range(4):
        assert [data[f"t{n}"] for _, data in found if f"t{n}" in data] == list(range(500))


def test_define_metric_is_recorded_and_checked_as_wandb_does(program, tmp_path):
    done = program("""
import wb
run = wb.init(id='r', dir='runs')
epoch = wb.define_metric('epoch')
run.define_metric('val/*', step_metric=epoch, summary='min,Max', goal='minimize', hidden=True)
for arguments, text in [(dict(name=''), 'define_metric() requires non-empty name argument'),
                        (dict(name='a*b'), 'Unhandled define_metric() arg: name (glob suffixes only): a*b'),
                        (dict(name='a', summary='median'), 'Unhandled define_metric() arg: summary op: median'),
                        (dict(name=5), 'Unhandled define_metric() arg: name type: int'),
                        (dict(name='a', hidden='yes'), 'Unhandled define_metric() arg: hidden type: str')]:
    try: run.define_metric(**arguments)
    except wb.Error as error: assert str(error) == text, error
    else: raise SystemExit(f'no error for {arguments}')
""")
    assert done.returncode == 0, done.stderr
    definitions = data_of(tmp_path / "runs", "metric")
    assert [d["name"] for d in definitions] == ["epoch", "val/*"]
    assert definitions[1]["step_metric"] == "epoch" and definitions[1]["summary"] == "min,max"
    assert definitions[1]["hidden"] is True and definitions[1]["goal"] == "minimize"


def test_every_row_is_in_the_journal_in_order(logged):
    found = logged("for i in range(20000): run.log({'i': i, 'x': i / 3})")
    assert [(step, data["i"]) for step, data in found] == [(i, i) for i in range(20000)]
    assert json.dumps([data["x"] for _, data in found]) == json.dumps([i / 3 for i in range(20000)])
