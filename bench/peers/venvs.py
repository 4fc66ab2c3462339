"""Virtual environments: of the peers by name below build/venvs, of wb the one that tools/setup makes."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENVS = os.environ.get("BENCH_VENVS", os.path.join(ROOT, "build/venvs"))
WB_VENV = "wb"
ATTEMPTS = 2  # A registry or a full machine may fail once.


class InstallError(Exception):
    """An environment could not be made; the message ends with what pip or the build said."""


def directory_of(venv):
    return os.path.join(ROOT, ".venv") if venv == WB_VENV else os.path.join(VENVS, venv)


def python_in(venv):
    """The interpreter of an environment, this one's for ""; None if it is not installed."""
    if not venv:
        return sys.executable
    path = os.path.join(directory_of(venv), "bin/python")
    return path if os.path.exists(path) else None


def python_of(peer):
    """The interpreter that a peer is measured with; None if it is not installed."""
    return python_in(peer.venv)


def _commands(venv, packages):
    if venv == WB_VENV:
        return [[os.path.join(ROOT, "tools/setup")]]
    directory = directory_of(venv)
    return [[sys.executable, "-m", "venv", directory],
            [os.path.join(directory, "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             *packages]]


def install(venv, packages):
    """Makes an environment and installs packages there. What fails twice leaves no environment and is an InstallError."""
    if not venv:
        return
    for attempt in range(ATTEMPTS):
        for command in _commands(venv, packages):
            result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    stdin=subprocess.DEVNULL)
            if result.returncode != 0:
                break
        else:
            return
        print(f"{venv}: attempt {attempt + 1} of {ATTEMPTS} failed", file=sys.stderr)
        if venv != WB_VENV:  # Half an environment would be taken for a whole one.
            shutil.rmtree(directory_of(venv), ignore_errors=True)
    raise InstallError(f"{venv}: {' '.join(command)} ended with {result.returncode}:\n{result.stdout[-2000:]}")
