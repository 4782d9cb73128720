"""The process that does the work of the studio: tasks come as lines of JSON on its input, answers go out as such lines.

It reads what strangers uploaded and can be ended at any time: by its parent, which ends its whole group, or by itself when
the parent is gone and its input with it.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import resource
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from interdance import config
from interdance.errors import InputError

MOST_SENTENCE = 1000
"""Characters of a refusal: what is in a file may be in it, and a page shows it."""


def main(memory_mb: str) -> None:
    """Do tasks until the input ends. ``memory_mb`` bounds what they may take beyond the start; 0 for no bound."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(tasks,), daemon=True).start()
    from interdance.studio.tasks import TASKS  # seconds, in which the parent may go

    _bound(float(memory_mb))

    def send(number: int, **answer: Any) -> None:
        answers.write(json.dumps({"number": number, **answer}) + "\n")

    def tell(number: int, what: str, share: float) -> None:
        send(number, what=what, share=share)

    while True:
        task = tasks.get()
        number, act, names = task.pop("number"), TASKS[task.pop("task")], task.pop("names")
        try:
            params = config.from_dict(task.pop("params"), "params.yaml")
            send(number, done=act(partial(tell, number), params=params, **task))
        except InputError as error:
            send(number, refused=_in_names(str(error), names)[:MOST_SENTENCE])
        except MemoryError:
            send(number, refused="this needs more memory than a file is given here; cut it, or write it anew")
        except Exception as error:  # whatever it is, the studio goes on; the log has more
            logging.exception("%s", task)
            send(number, failed=f"the program failed ({type(error).__name__}); its log has more")


def _in_names(sentence: str, names: dict[str, str]) -> str:
    """A sentence that names files as their owner does, not where they are kept."""
    for path, name in names.items():
        sentence = sentence.replace(path, name)
    return sentence


def _hear(tasks: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Take in tasks; when the input ends, the parent is gone, and so is this process with all that it has started."""
    for line in sys.stdin:
        tasks.put(json.loads(line))
    if os.getsid(0) == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _bound(memory_mb: float) -> None:
    """Let allocations fail beyond so much more than there is now, instead of taking the whole machine's memory."""
    places = Path("/proc/self/statm")
    if memory_mb and places.exists():  # elsewhere time is the only bound
        now = int(places.read_text().split()[5]) * resource.getpagesize()
        bound = now + int(memory_mb * 1e6)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))


if __name__ == "__main__":
    main(*sys.argv[1:])
