"""Drives the client of the package signalr-client, which works with gevent."""

# Replaces sockets by those of gevent, so it comes before whoever uses one.
import signalr  # noqa: F401, I001

import collections
import contextlib
import sys
import threading

import gevent

import legacy
import runner
from connection import LibraryConnection

TRANSPORTS = ("webSockets", "serverSentEvents")
FEATURES = {
    "any-transport", "bearer", "contract", "cookies", "error-data", "headers", "progress", "query", "relay", "restart", "several-hubs", "unlisted", "user",
}
# Its event streams come back by themselves, as the same connection.
FEATURES_OF = {"webSockets": set(), "serverSentEvents": {"reconnect", "stop-told"}}


class Loop:
    """A thread in which greenlets run: those of a client may hold up each other, but nobody else."""

    def __init__(self):
        self._work = collections.deque()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def begin(self, work):
        self._work.append(work)
        self._wake.send()

    def run(self, work):
        done = threading.Event()
        outcome = {}

        def noted():
            try:
                outcome["result"] = work()
            except Exception as error:
                outcome["error"] = error
            done.set()

        self.begin(noted)
        done.wait()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["result"]

    def _run(self, ready):
        self._wake = gevent.get_hub().loop.async_()
        self._wake.start(self._spawn)
        ready.set()
        while True:
            gevent.sleep(3600)

    def _spawn(self):
        while self._work:
            gevent.spawn(self._work.popleft())


class Client(LibraryConnection):
    # Greenlets give way to each other only where they wait.
    counting = contextlib.nullcontext()

    def __init__(self, *arguments):
        self._loop = Loop()
        super().__init__(*arguments)

    # It keeps no id.
    id = None

    def run(self, work):
        return self._loop.run(work)

    def start(self, work):
        self._loop.begin(work)


if __name__ == "__main__":
    runner.leave(legacy.main(sys.modules[__name__]))
