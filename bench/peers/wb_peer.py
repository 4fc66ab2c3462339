"""wb as one more peer: the package `wb` writes, `wbsync dump` reads back."""
import json
import os
import subprocess

from peers.registry import Peer, peer
from peers.venvs import ROOT
from peers.workload import KEYS

WBSYNC = os.environ.get("WBSYNC", os.path.join(ROOT, "build/release/bin/wbsync"))


@peer("wb", venv="wb", packages=(ROOT,))
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
        with subprocess.Popen([WBSYNC, "dump", directory], stdout=subprocess.PIPE, text=True) as dump:
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
