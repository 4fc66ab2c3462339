"""wb as one more peer: the package `wb` writes, `wbsync dump` reads back."""
import json
import os
import subprocess

from peers.registry import Peer, peer
from peers.venvs import ROOT, WB_VENV
from peers.workload import KEYS


def find_wbsync():
    """$WBSYNC, else the one that came with the package, else the Release build's."""
    import wb
    candidates = (os.environ.get("WBSYNC"), os.path.join(os.path.dirname(wb.__file__), "bin/wbsync"),
                  os.path.join(ROOT, "build/release/bin/wbsync"))
    found = next((path for path in candidates if path and os.path.exists(path)), None)
    if found is None:
        raise FileNotFoundError("wbsync is neither in $WBSYNC nor in the package nor in build/release/bin")
    return found


@peer("wb", venv=WB_VENV)
class Wb(Peer):
    def load(self):
        import wb
        self.wb = wb

    def init(self, directory, rank=0):
        self.run = self.wb.init(project=self.project, name=f"r{rank}", dir=directory)

    def log(self, step, row):
        self.run.log(row, step=step)

    def drops(self):
        return self.run._counts[1]

    def finish(self):
        self.run.finish()

    def read(self, directory):
        series = {key: [] for key in KEYS}
        with subprocess.Popen([find_wbsync(), "dump", directory], stdout=subprocess.PIPE, text=True) as dump:
            for line in dump.stdout:
                record = json.loads(line)
                if record["kind"] != "row":
                    continue
                for key, value in record["data"].items():
                    if key in series:
                        series[key].append((record["step"], value))
        if dump.returncode != 0:
            raise RuntimeError(f"wbsync dump ended with {dump.returncode}")
        return series
