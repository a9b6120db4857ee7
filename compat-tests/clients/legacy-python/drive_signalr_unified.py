"""Drives the client of the package signalr-unified-client, which works with threads."""

import sys
import threading

import legacy
import runner
from connection import LibraryConnection

TRANSPORTS = ("webSockets", "serverSentEvents")
FEATURES = {
    "any-transport", "bearer", "connection-id", "contract", "cookies", "error-data", "headers", "progress", "query", "relay", "restart", "several-hubs", "unlisted", "user",
}
FEATURES_OF = {"webSockets": set(), "serverSentEvents": {"stop-told"}}


class Client(LibraryConnection):
    def __init__(self, *arguments):
        self.counting = threading.Lock()
        super().__init__(*arguments)
        self.library.exception += self._lost

    @property
    def id(self):
        return self.library.id

    def _lost(self, *_):
        self.losses += 1

    def run(self, work):
        return work()

    def start(self, work):
        threading.Thread(target=work, daemon=True).start()


if __name__ == "__main__":
    runner.leave(legacy.main(sys.modules[__name__]))
