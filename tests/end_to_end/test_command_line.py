"""What a person sees who types wbsync wrongly: what is wrong, what to do, the documented exit code."""

import subprocess

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
