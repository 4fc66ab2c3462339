"""A --logger for the training program: logs with wb, and writes down each call after it returned.

RECORD_DIR/rank<R>.jsonl gets one line for init and one for each log(), by one write() each: it is what must be in the
journal, whatever becomes of the process. KILL_AT_FINISH=R kills rank R by SIGKILL when it would finish: after the
last collective of the training, so that the other ranks do not notice. The markers are system calls that can be found
in a trace.
"""
import json
import os
import signal

import wb

RANK = os.environ.get("RANK", "0")


class RecordedRun:
    def __init__(self, run, file):
        self.run = run
        self.file = file

    def write(self, entry):
        os.write(self.file, (json.dumps(entry) + "\n").encode())

    def log(self, data, step):
        self.run.log(data, step=step)
        self.write([step, data])

    def finish(self):
        if os.environ.get("KILL_AT_FINISH") == RANK:
            os.kill(os.getpid(), signal.SIGKILL)
        self.run.finish()
        os.path.exists("/marker-finished")


def init(**arguments):
    os.path.exists("/marker-init")
    file = os.open(os.path.join(os.environ["RECORD_DIR"], f"rank{RANK}.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    recorded = RecordedRun(wb.init(**arguments), file)
    recorded.write({"id": recorded.run.id, **{name: value for name, value in arguments.items() if name != "dir"}})
    return recorded
