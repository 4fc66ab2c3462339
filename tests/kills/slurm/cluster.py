"""A whole Slurm cluster on this machine: a munged, a slurmctld and a slurmd per node, each node with a host name of its
own. Nothing of it is under /etc, and stop() ends every process that ran on its nodes. Needs root and the Debian packages
slurm-wlm and munge.
"""
import os
import pathlib
import signal
import socket
import subprocess
import time

NODES = 4
CPUS = 2


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds} s")
        time.sleep(0.1)


def uts_namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/uts")
    except OSError:
        return None


class Cluster:
    """`proctrack` is linuxproc (what a step leaves behind lives on) or cgroup (it is killed)."""

    def __init__(self, directory, proctrack):
        self.directory = pathlib.Path(directory)
        self.proctrack = proctrack
        self.host = socket.gethostname().split(".")[0]
        self.port = 20_000 + os.getpid() % 10_000
        self.controller = None
        self.nodes = {}  # Name to Popen of its slurmd.
        self.environment = {**os.environ, "SLURM_CONF": str(self.directory / "slurm.conf")}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for name in ("state", "spool", "log", "munge", "run"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        for name in (self.directory, self.directory / "run"):
            name.chmod(0o755)
        self.start_munge()
        (self.directory / "slurm.conf").write_text(self.configuration())
        if self.proctrack == "cgroup":
            version = "cgroup/v1" if os.path.isdir("/sys/fs/cgroup/freezer") else "cgroup/v2"
            (self.directory / "cgroup.conf").write_text(
                f"CgroupPlugin={version}\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n")
        self.controller = self.spawn("slurmctld", ["slurmctld", "-D", "-f", self.environment["SLURM_CONF"]])
        for number in range(1, NODES + 1):
            self.start_node(f"n{number}")
        wait_until(self.is_idle, 60, "the cluster")

    def start_munge(self):
        folder = self.directory / "munge"
        folder.chmod(0o700)
        key = folder / "key"
        if not key.exists():
            key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        subprocess.run(["munged", "--force", f"--key-file={key}", f"--socket={self.directory}/run/munge.sock",
                        f"--pid-file={self.directory}/run/munged.pid", f"--log-file={folder}/log",
                        f"--seed-file={folder}/seed"], check=True)

    def configuration(self):
        d = self.directory
        lines = f"""ClusterName=onebox
SlurmctldHost={self.host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={d}/run/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPort={self.port}
SlurmctldPidFile={d}/run/slurmctld.pid
SlurmdPidFile={d}/run/slurmd-%n.pid
SlurmctldLogFile={d}/log/slurmctld.log
SlurmdLogFile={d}/log/slurmd-%n.log
StateSaveLocation={d}/state
SlurmdSpoolDir={d}/spool/%n
ProctrackType=proctrack/{self.proctrack}
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=3
MinJobAge=300
ReturnToService=2
SlurmdTimeout=10
InactiveLimit=0
MpiDefault=none
SlurmdParameters=config_overrides
""".splitlines()
        for number in range(1, NODES + 1):
            lines.append(f"NodeName=n{number} NodeHostname={self.host} NodeAddr=127.0.0.1 Port={self.port + 10 + number} "
                         f"CPUs={CPUS} RealMemory=1000 State=UNKNOWN")
        lines.append("PartitionName=low Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=2 "
                     "MaxTime=INFINITE State=UP")
        lines.append("PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP")
        return "\n".join(lines) + "\n"

    def spawn(self, name, command):
        with open(self.directory / "log" / f"{name}.out", "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)

    def start_node(self, name):
        script = f'hostname {name}; exec slurmd -D -N {name} -f "$SLURM_CONF"'
        self.nodes[name] = self.spawn(f"slurmd-{name}", ["unshare", "--uts", "sh", "-c", script])

    def call(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def is_idle(self):
        states = self.call("sinfo", "-h", "-N", "-p", "low", "-o", "%t").stdout.split()
        return states == ["idle"] * NODES

    def job_state(self, job):
        """"" once the controller no longer knows of a step or process of it."""
        return self.call("squeue", "-h", "-j", job, "-o", "%T").stdout.strip()

    def processes_of(self, name):
        namespace = uts_namespace(self.nodes[name].pid)
        if namespace is None or namespace == uts_namespace("self"):
            return []
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and uts_namespace(pid) == namespace]

    def kill_node(self, name):
        """All its processes at once, as a node that is lost."""
        while pids := [pid for pid in self.processes_of(name) if pid != self.nodes[name].pid]:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.nodes[name].kill()
        self.nodes[name].wait()

    def stop(self):
        for name in self.nodes:
            if self.nodes[name].poll() is None:
                self.kill_node(name)
        if self.controller is not None:
            self.controller.terminate()
            try:
                self.controller.wait(10)
            except subprocess.TimeoutExpired:
                self.controller.kill()
                self.controller.wait()
        pid_file = self.directory / "run" / "munged.pid"
        if pid_file.exists():
            try:
                os.kill(int(pid_file.read_text()), signal.SIGTERM)
            except ProcessLookupError:
                pass
