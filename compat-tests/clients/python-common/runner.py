"""Runs scenarios and reports each as it ends."""

import os
import queue
import sys
import threading
import time
from typing import Any, Callable, NamedTuple

from checks import Failed, Skipped


class Job(NamedTuple):
    """A scenario with its limit in seconds. `lacks` says why this client cannot do it by nature; `open` gives a run of it, with `run` and
    `close`, which ends what that began."""

    name: str
    limit: float
    lacks: str | None
    open: Callable[[], Any]


class Report:
    def __init__(self):
        # Not sys.stdout: some libraries print, so drivers may have put something else there.
        self._out = sys.__stdout__
        self._counts = {"ok": 0, "FAIL": 0, "skip": 0}
        self._lock = threading.Lock()

    def run(self, jobs, at_a_time=1):
        """Runs some of them at a time, in their order."""
        waiting = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        workers = [threading.Thread(target=self._work, args=(waiting,), daemon=True) for _ in range(at_a_time)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def end(self):
        """Prints the last line, and gives the exit code of the program."""
        print(f"{self._counts['ok']} passed, {self._counts['FAIL']} failed, {self._counts['skip']} skipped", file=self._out, flush=True)
        return 1 if self._counts["FAIL"] else 0

    def _work(self, waiting):
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            self._play(job)

    def _play(self, job):
        started = time.monotonic()
        kind, why = ("skip", job.lacks) if job.lacks is not None else outcome_of(job)
        milliseconds = int((time.monotonic() - started) * 1000)
        # One line each, whatever an error text holds.
        why = (why or "").replace("\n", " ").replace("\r", " ")
        with self._lock:
            self._counts[kind] += 1
            print(f"ok {job.name} [{milliseconds} ms]" if kind == "ok" else f"{kind} {job.name}: {why}", file=self._out, flush=True)


def outcome_of(job):
    run = job.open()
    outcome = []

    def body():
        try:
            run.run()
            outcome.append(("ok", None))
        except Skipped as reason:
            outcome.append(("skip", str(reason)))
        except Exception as error:
            outcome.append(("FAIL", str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"))

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(job.limit)
    run.close()
    return outcome[0] if outcome else ("FAIL", f"not finished within {job.limit:g} s")


def leave(code):
    """Ends the program though threads of a client may still be busy stopping."""
    sys.__stdout__.flush()
    os._exit(code)
