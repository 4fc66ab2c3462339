"""Follows the helper processes of a measured process: what they cost, and when they are gone."""
import os
import threading

TAG = "WB_BENCH_TAG"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_RING_TRAINER_PID_OFFSET = 80  # In the ring's header: schema/FORMAT.md, "Ring".


def _read(path, count=-1):
    with open(path, "rb", buffering=0) as file:
        return file.read(count)


class Sampler(threading.Thread):
    """Finds processes that carry the tag in their environment, wherever they are in the process tree. A wbkeep has an
    environment of its own: it belongs to the process whose pid stands in the ring that it holds as descriptor 3."""

    def __init__(self, tag, pid, every_s=0.05):
        super().__init__(daemon=True)
        self.tag, self.pid, self.every_s = f"{TAG}={tag}".encode(), pid, every_s
        self.stopped = threading.Event()
        self.helpers = {}  # (pid, start time): what is known of it
        self.strangers = set()
        self.max_helpers_rss_kb = 0

    def _is_ours(self, pid):
        if self.tag in _read(f"/proc/{pid}/environ"):
            return True
        if _read(f"/proc/{pid}/comm").strip() != b"wbkeep":
            return False
        with open(f"/proc/{pid}/fd/3", "rb", buffering=0) as ring:
            ring.seek(_RING_TRAINER_PID_OFFSET)
            return int.from_bytes(ring.read(4), "little") == self.pid

    def scan(self):
        rss_kb = 0
        for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
            if pid == self.pid:
                continue
            try:
                comm, _, rest = _read(f"/proc/{pid}/stat").rpartition(b")")
                fields = rest.split()
                identity = (pid, fields[19])
                if identity in self.strangers:
                    continue
                if identity not in self.helpers:
                    # A process that was only just forked may still carry another name and environment.
                    young = float(_read("/proc/uptime").split()[0]) - int(fields[19]) / _TICKS < 1
                    if not self._is_ours(pid):
                        if not young:
                            self.strangers.add(identity)
                        continue
                    self.helpers[identity] = {"rss_kb": 0}
                helper = self.helpers[identity]
                helper["name"] = comm.partition(b"(")[2].decode()
                helper["cpu_s"] = (int(fields[11]) + int(fields[12])) / _TICKS
                size_kb = int(fields[21]) * _PAGE_BYTES // 1024
                helper["rss_kb"] = max(helper["rss_kb"], size_kb)
                rss_kb += size_kb
            except (OSError, ValueError, IndexError):
                continue  # It ended while it was looked at, or it is another user's.
        self.max_helpers_rss_kb = max(self.max_helpers_rss_kb, rss_kb)

    def run(self):
        while not self.stopped.wait(self.every_s):
            self.scan()

    def alive(self):
        """The helpers that have not ended."""
        pids = []
        for pid, start in self.helpers:
            try:
                fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[19] == start and fields[0] != b"Z":
                pids.append(pid)
        return pids
