"""What a peer is, and the list of them."""
PEERS = {}


def peer(name, venv="", packages=(), calls=20000, **fields):
    """Registers a class under a name: its virtual environment, what is installed there, calls by default."""
    def register(cls):
        PEERS[name] = type(f"{cls.__name__}_{name}", (cls,),
                           dict(fields, name=name, venv=venv, packages=packages, calls=calls))
        return cls
    return register


class Peer:
    """One logger. A measured process calls load(), init(), log() many times and finish(); another one calls read()."""
    name = venv = ""
    packages = ()
    calls = 20000
    project = "bench"

    def environment(self, directory):
        """Variables that the measured process is started with."""
        return {}

    def load(self):
        """The imports that a user writes."""

    def init(self, directory, rank=0):
        raise NotImplementedError

    def log(self, step, row):
        raise NotImplementedError

    def finish(self):
        pass

    def drops(self):
        """Rows that the logger itself says it did not take; asked before finish()."""
        return 0

    def read(self, directory):
        """What the peer's own reader gives back: {key: [(step, value), ...]}, or None if it has no reader."""
        return None
