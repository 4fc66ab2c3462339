"""What a person sees who types wbsync wrongly: what is wrong, what to do, the documented exit code."""

import fcntl
import os
import struct
import subprocess
import termios

import pytest

import journals

LOG = "import wb; run = wb.init(id='r', dir='runs'); [run.log({'i': i}) for i in range(20000)]; run.finish()"


@pytest.mark.parametrize("arguments, code, message", [
    (["lst"], 3, "wbsync: lst: neither a path nor a command; wbsync --help lists the commands\n"),
    (["./lst"], 3, "wbsync: ./lst: does not exist; check the path\n"),
    (["show"], 2, "wbsync: RUN is required; wbsync --help says more\n"),
    (["ls", "--foo"], 2, "wbsync: The following argument was not expected: --foo; wbsync --help says more\n"),
])
def test_wrong_usage_is_one_line_that_says_what_to_do(arguments, code, message):
    done = journals.wbsync(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", message)


def test_an_address_that_is_no_url_is_named_by_where_it_comes_from(tmp_path):
    assert "wbsync: --to: " in journals.wbsync(tmp_path, "--to", "wandb:foo").stderr
    assert "wbsync: WANDB_BASE_URL: " in journals.wbsync(tmp_path, WANDB_BASE_URL="foo").stderr


def test_help_of_a_reading_command_says_nothing_about_uploading():
    assert "WANDB_BASE_URL" in journals.wbsync("sync", "--help").stdout
    assert "WANDB_BASE_URL" not in journals.wbsync("show", "--help").stdout
    assert "  130  interrupted" in journals.wbsync("--help").stdout


def test_verify_does_not_call_nothing_undamaged(tmp_path):
    done = journals.wbsync("verify", tmp_path)
    assert done.returncode == 3 and "no damage" not in done.stdout


def test_dump_is_silent_when_its_reader_has_enough(tmp_path):
    assert journals.run_program(tmp_path, LOG).returncode == 0
    with subprocess.Popen([str(journals.WBSYNC), "dump", str(tmp_path / "runs")], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, restore_signals=False, env=journals.clean_environment()) as dump:
        dump.stdout.readline()
        dump.stdout.close()
        assert dump.stderr.read() == b""


def list_on_terminal(path, columns):
    """The lines of `wbsync ls` on a terminal of that many columns."""
    ours, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    done = subprocess.run([str(journals.WBSYNC), "ls", str(path)], stdout=terminal, timeout=60, check=False,
                          env=journals.clean_environment())
    os.close(terminal)
    text = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.returncode == 0
    return text.splitlines()


def test_ls_leaves_out_columns_that_a_narrow_terminal_has_no_room_for(tmp_path):
    program = "import wb; wb.init(id='r', name='a name of thirty characters...', group='a group', dir='runs').log({'i': 1})"
    assert journals.run_program(tmp_path, program).returncode == 0
    wide, narrow = (list_on_terminal(tmp_path / "runs", columns) for columns in (200, 80))
    assert wide[0].split() == ["RUN", "NAME", "GROUP", "RANK", "HOST", "STATE", "STEPS", "ROWS", "AGE", "ACCEPTED",
                               "DURABLE", "UPLOADED"]
    assert len(wide) == 2
    assert all(len(line) <= 80 for line in narrow) and "| cat" in narrow[2]
    assert {"RUN", "GROUP", "STATE", "STEPS", "UPLOADED"} < set(narrow[0].split()) and "HOST" not in narrow[0]


def test_a_row_that_was_too_large_is_not_blamed_on_a_full_ring_alone(tmp_path):
    program = "import wb; run = wb.init(id='r', dir='runs'); run.log({'text': 'x' * 100_000}); run.log({'i': 1})"
    done = journals.run_program(tmp_path, program)
    assert done.returncode == 0 and "or a value is over 64 KiB" in done.stderr
    assert "dropped  1 rows: no room in the ring, or a value over 64 KiB" in journals.wbsync("show", tmp_path / "runs").stdout
    assert journals.wbsync(tmp_path / "runs").stdout.startswith("1 run in ")
