"""Fixtures of the Python tests."""

import pytest

import journals


@pytest.fixture
def program(tmp_path):
    """program(source, *arguments, environment={}): runs it in a fresh directory; must not print a traceback."""

    def run(source, *arguments, **options):
        done = journals.run_program(tmp_path, source, *arguments, **options)
        assert "Fatal Python error" not in done.stderr, done.stderr
        return done

    return run
