"""A supervisor with stand-ins for children, in a process of its own: supervised.py HOME STAGES.

STAGES is JSON: a list of stages, each {name: what the child does}. A child notes its process
id in HOME/<name>.pid, its start and its orderly end in HOME/events.
"""

import json
import sys
from pathlib import Path

from wiki.supervisor import KeepsDying, Supervisor
from wiki.supervisor.child_process import Guard, Service
from wiki.supervisor.instance import AlreadyRunning, Instance

CHILD = """
import os, signal, subprocess, sys, time
home, name, behaviour = sys.argv[1:]

def note(file, line, mode="a"):
    with open(f"{home}/{file}", mode) as notes:
        notes.write(line + "\\n")

def end(number, frame):
    note("events", f"{name} ends")
    sys.exit()

signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "ignores_sigterm" else end)
note("events", f"{name} starts")
if behaviour == "dies":
    sys.exit("I cannot go on")
if behaviour == "parent":
    ignoring = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    note("grandchild.pid", str(subprocess.Popen([sys.executable, "-c", ignoring]).pid), "w")
note(f"{name}.pid", str(os.getpid()), "w")
while True:
    time.sleep(600)
"""


def service(home: Path, name: str, behaviour: str) -> Service:
    def ready(group: int) -> bool:
        noted = home / f"{name}.pid"
        return noted.exists() and noted.read_text().strip() == str(group)

    argv = [sys.executable, "-I", "-S", "-c", CHILD, str(home), name, behaviour]
    needed = behaviour == "dies"
    return Service(name, lambda: argv, ready, grace_s=600.0, needed=needed)


def main(home: Path, stages: list[dict[str, str]]) -> None:
    instance = Instance(home / "run", "http://127.0.0.1:1")
    guard = Guard(instance.descriptor)
    supervisor = Supervisor(guard, home / "log", lambda line: print(line, flush=True))
    with supervisor.listening():
        try:
            for stage in stages:
                supervisor.start([service(home, *pair) for pair in stage.items()])
                for name in stage:
                    supervisor.wait_for(name)
            print("all serve", flush=True)
            supervisor.run()
        finally:
            supervisor.stop()
            guard.close()
            instance.release()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), json.loads(sys.argv[2]))
    except (AlreadyRunning, KeepsDying) as error:
        print(error)
