"""Virtual environments of the peers, by name below build/venvs."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENVS = os.environ.get("BENCH_VENVS", os.path.join(ROOT, "build/venvs"))


def python_of(peer):
    """The interpreter that a peer is measured with; None if it is not installed."""
    if not peer.venv:
        return sys.executable
    candidates = [os.path.join(VENVS, peer.venv, "bin/python")]
    if peer.venv == "wb":
        candidates.append(os.path.join(ROOT, ".venv/bin/python"))  # The one that tools/run makes.
    return next((path for path in candidates if os.path.exists(path)), None)


def install(peer):
    """Makes the peer's environment and installs its packages there."""
    if not peer.venv:
        return
    directory = os.path.join(VENVS, peer.venv)
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    subprocess.run([os.path.join(directory, "bin/pip"), "install", "--quiet", "--upgrade", *peer.packages], check=True)
