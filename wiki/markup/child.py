"""The rendering child: `python -m wiki.markup.child`, spoken to by wiki.markup.bounded.

Reads {"body", "fences"} per line, writes a JSON Rendered per line, ends when its input ends.
"""

import json
import resource
import signal
import sys

from wiki.markup import render
from wiki.markup.bounded import MOST_CPU_S, MOST_MEMORY


def main() -> None:
    """Render until the other side closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    sys.setrecursionlimit(10_000)
    render("warm up")
    for line in sys.stdin.buffer:
        request = json.loads(line)
        # The default action of this signal ends the process, also inside compiled code.
        signal.setitimer(signal.ITIMER_PROF, MOST_CPU_S)
        answer = render(request["body"], request["fences"]).as_json()
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
