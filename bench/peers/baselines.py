"""Writers that a person could have written in ten lines: what a logger is compared with from below."""
import json
import struct
import time

from peers.registry import Peer, peer
from peers.workload import KEYS


@peer("dictcopy")
class DictCopy(Peer):
    """A copy of the dict in a list: no bytes leave the process."""

    def init(self, directory, rank=0):
        self.rows = []

    def log(self, step, row):
        self.rows.append((step, dict(row)))


@peer("struct-file")
class StructFile(Peer):
    """Step and ten doubles packed into a buffered file: the practical floor of a writer in Python, without names."""

    def init(self, directory, rank=0):
        self.file = open(f"{directory}/rows.bin", "wb", buffering=1 << 16)
        self.pack = struct.Struct("<q10d").pack

    def log(self, step, row):
        self.file.write(self.pack(step, *row.values()))

    def finish(self):
        self.file.close()

    def read(self, directory):
        series = {key: [] for key in KEYS}
        with open(f"{directory}/rows.bin", "rb") as file:
            for step, *values in struct.iter_unpack("<q10d", file.read()):
                for key, value in zip(KEYS, values):
                    series[key].append((step, value))
        return series


class JsonLines(Peer):
    flush = False

    def init(self, directory, rank=0):
        self.file = open(f"{directory}/rows.jsonl", "w")

    def log(self, step, row):
        self.file.write(json.dumps({"_step": step, "_time": time.time(), **row}) + "\n")
        if self.flush:
            self.file.flush()

    def finish(self):
        self.file.close()

    def read(self, directory):
        series = {key: [] for key in KEYS}
        with open(f"{directory}/rows.jsonl") as file:
            for line in file:
                row = json.loads(line)
                for key in KEYS:
                    series[key].append((row["_step"], row[key]))
        return series


peer("json-buffered")(JsonLines)
peer("json-flush", flush=True)(JsonLines)


@peer("sqlite-normal")
class Sqlite(Peer):
    """One transaction a row into SQLite in WAL mode, synchronous=NORMAL."""

    def load(self):
        import sqlite3
        self.sqlite3 = sqlite3

    def init(self, directory, rank=0):
        self.database = self.sqlite3.connect(f"{directory}/rows.db", isolation_level=None)
        self.database.execute("pragma journal_mode=wal")
        self.database.execute("pragma synchronous=normal")
        self.database.execute("create table point(step integer, time real, key integer, value real)")

    def log(self, step, row):
        now = time.time()
        self.database.execute("begin immediate")
        self.database.executemany("insert into point values(?,?,?,?)",
                                  [(step, now, index, value) for index, value in enumerate(row.values())])
        self.database.execute("commit")

    def finish(self):
        self.database.close()

    def read(self, directory):
        import sqlite3
        series = {key: [] for key in KEYS}
        for step, index, value in sqlite3.connect(f"{directory}/rows.db").execute("select step,key,value from point"):
            series[KEYS[index]].append((step, value))
        return series
