"""Published experiment loggers, each in a virtual environment of its own."""
import glob
import json
import os
import sqlite3

from peers.registry import Peer, peer
from peers.workload import KEYS


@peer("wandb", venv="wandb", packages=("wandb==0.31.0",))
class Wandb(Peer):
    def environment(self, directory):
        return {"WANDB_MODE": "offline", "WANDB_DIR": directory, "WANDB_SILENT": "true",
                "WANDB_CACHE_DIR": directory + "/.cache", "WANDB_CONFIG_DIR": directory + "/.config",
                "WANDB_DATA_DIR": directory + "/.data"}

    def load(self):
        import wandb
        self.wandb = wandb

    def init(self, directory, rank=0):
        self.run = self.wandb.init(project=self.project, name=f"r{rank}", dir=directory)

    def log(self, step, row):
        self.run.log(row, step=step)

    def finish(self):
        self.run.finish()

    @staticmethod
    def records(path):
        """The records of a .wandb file: LevelDB's log framing, a head of 7 bytes, blocks of 32 KiB."""
        with open(path, "rb") as file:
            data = file.read()
        at, part = 7, b""
        while at + 7 <= len(data):
            left = 32768 - at % 32768
            if left < 7:
                at += left
                continue
            size, kind = data[at + 4] | data[at + 5] << 8, data[at + 6]
            if kind == 0 or at + 7 + size > len(data):
                return
            part = (part if kind in (3, 4) else b"") + data[at + 7:at + 7 + size]
            at += 7 + size
            if kind in (1, 4):
                yield part

    def read(self, directory):
        from wandb.proto import wandb_internal_pb2
        paths = {os.path.realpath(p) for p in glob.glob(f"{directory}/**/*.wandb", recursive=True)}
        series = {key: [] for key in KEYS}
        for raw in (raw for path in sorted(paths) for raw in self.records(path)):
            record = wandb_internal_pb2.Record.FromString(raw)
            if record.WhichOneof("record_type") != "history":
                continue
            row = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
            step = int(row["_step"]) if "_step" in row else record.history.step.num
            for key in KEYS:
                if key in row:
                    series[key].append((step, json.loads(row[key])))
        return series


@peer("goodseed", venv="goodseed", packages=("goodseed==0.4.0",))
class Goodseed(Peer):
    def load(self):
        import goodseed
        self.goodseed = goodseed

    def init(self, directory, rank=0):
        self.run = self.goodseed.Run(project=self.project, run_id=f"r{rank}", log_dir=directory, storage="local")

    def log(self, step, row):
        self.run.log_metrics(row, step)

    def finish(self):
        self.run.close()

    def read(self, directory):
        series = {key: [] for key in KEYS}
        query = "select path, step, y from metric_points join metric_series on id = series_id order by step"
        for path in glob.glob(f"{directory}/*.sqlite"):
            for key, step, value in sqlite3.connect(path).execute(query):
                if key in series:
                    series[key].append((int(step), value))
        return series


@peer("trackio", venv="trackio", packages=("trackio==0.43.0",))
class Trackio(Peer):
    def environment(self, directory):
        return {"TRACKIO_DIR": directory + "/trackio", "TRACKIO_STORAGE_MODE": "sqlite", "HF_HOME": directory + "/hf",
                "HF_HUB_OFFLINE": "1"}

    def load(self):
        import trackio
        self.trackio = trackio

    def init(self, directory, rank=0):
        self.trackio.init(project=self.project, name=f"r{rank}")

    def log(self, step, row):
        self.trackio.log(row, step=step)

    def finish(self):
        self.trackio.finish()

    def read(self, directory):
        from trackio.sqlite_storage import SQLiteStorage
        series = {key: [] for key in KEYS}
        for run in SQLiteStorage.get_runs(self.project):
            for row in SQLiteStorage.get_logs(self.project, run):
                for key in KEYS:
                    if key in row:
                        series[key].append((row["step"], row[key]))
        return series


@peer("neptune-scale", venv="neptune", packages=("neptune-scale==0.30.0",), calls=5000)
class NeptuneScale(Peer):
    def environment(self, directory):
        return {"NEPTUNE_PROJECT": "bench/bench", "NEPTUNE_MODE": "offline"}

    def load(self):
        import neptune_scale
        self.neptune = neptune_scale

    def init(self, directory, rank=0):
        self.run = self.neptune.Run(run_id=f"r{rank}", project="bench/bench", mode="offline",
                                    log_directory=directory + "/neptune")

    def log(self, step, row):
        self.run.log_metrics(row, step=step)

    def finish(self):
        self.run.close()

    def read(self, directory):
        from pathlib import Path
        from neptune_scale.sync.operations_repository import OperationsRepository
        series = {key: [] for key in KEYS}
        for path in glob.glob(f"{directory}/neptune/**/*.sqlite3", recursive=True):
            operations = OperationsRepository(db_path=Path(path))
            last = None
            while batch := operations.get_operations(up_to_bytes=1 << 24, from_exclusive=last):
                last = batch[-1].sequence_id
                for update in (operation.operation for operation in batch):
                    for key, value in (update.append.items() if hasattr(update, "append") else ()):
                        if key in series:
                            series[key].append((update.step.whole, value.float64))
            operations.close(cleanup_files=False)
        return series


@peer("tensorboardX", venv="tensorboard", packages=("tensorboardX==2.6.5", "tensorboard==2.21.0"), calls=5000)
class TensorboardX(Peer):
    """Keeps float32: most values read back differ."""

    def load(self):
        from tensorboardX import SummaryWriter
        self.writer_class = SummaryWriter

    def init(self, directory, rank=0):
        self.writer = self.writer_class(logdir=f"{directory}/tb")

    def log(self, step, row):
        add = self.writer.add_scalar
        for key, value in row.items():
            add(key, value, step)

    def finish(self):
        self.writer.close()

    def read(self, directory):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        events = EventAccumulator(f"{directory}/tb", size_guidance={"scalars": 0})
        events.Reload()
        known = events.Tags()["scalars"]
        return {key: [(e.step, e.value) for e in events.Scalars(key)] if key in known else [] for key in KEYS}
