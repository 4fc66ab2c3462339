"""wb: logs training metrics into crash-safe journals, without a network. `wbsync ./runs` uploads them.

    import wb

    with wb.init(project="digits", config={"lr": 0.1}) as run:
        for step in range(100):
            run.log({"loss": 1 / (step + 1)}, step=step)
"""

from __future__ import annotations

__version__ = "0.1.0"

from . import errors
from ._config import Config
from ._globals import install as _install
from ._init import finish, init, require, setup
from ._run import Run
from ._settings import Settings
from ._summary import Summary
from .errors import Error, UsageError

_install(None)  # run, log, config, summary, define_metric

__all__ = ("__version__", "init", "log", "finish", "config", "summary", "define_metric", "setup", "require", "run",
           "Run", "Config", "Summary", "Settings", "Error", "UsageError", "errors")
