"""Drives the client of the package signalrcore."""

import logging
import sys
import threading
import uuid
from collections import defaultdict

from signalrcore.hub.handlers import StreamHandler
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.subject import Subject
from signalrcore.types import HttpTransportType, HubProtocolEncoding

import harness
import runner
import scenarios
from checks import STEP, CallError, Failed, Pending, Refused
from harness import Stream

# MessagePack over long polling is left out: the client decodes every poll as text there, so no handshake ends.
CELLS = {("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json"), ("LongPolling", "json")}

LACKS = {
    "reconnect-always": "a Close message ends the client",
    "client-results": "the client cannot answer the hub",
    "stream-cancel": "the client cannot cancel a stream",
    "upload-result": "the client starts an upload without an invocation id",
    "upload-error": "the client cannot end an upload with an error",
    "upload-both-ways": "the client takes no upload in a call for a stream",
    "send": "the client gives every call an invocation id",
}

LIMITS = {}

# The client takes one message out of each poll and keeps the others until the next poll has brought something.
NUDGED = {"LongPolling"}

CLOSES_AT_STOP = 1

CLOSES_WHEN_LOST = 1

# The client logs what it then raises or reports.
logging.disable(logging.CRITICAL)
threading.excepthook = lambda _: None


class Early(list):
    """The handlers of one call. A stream's items may come before stream() returns and they would be lost, so its handler is
    subscribed when the client registers it, which is before it sends the call."""

    def __init__(self, subscribe):
        super().__init__()
        self._subscribe = subscribe

    def append(self, handler):
        if isinstance(handler, StreamHandler):
            self._subscribe(handler)
        super().append(handler)


class Client:
    def __init__(self, transport, protocol, url, headers, token, token_by_factory=False, keeps_alive=False, reconnects=False, skips_negotiation=False, chooses=True):
        self._options = {"headers": headers, "skip_negotiation": skips_negotiation}
        if chooses:
            self._options["transport"] = HttpTransportType(transport)
        if token is not None:
            self._options["access_token_factory"] = token if callable(token) else lambda: token
        self._encoding = HubProtocolEncoding.binary if protocol == "messagepack" else HubProtocolEncoding.text
        self._url = url
        self._keeps_alive = keeps_alive
        self._reconnects = reconnects
        # On a socket stop() returns only when something more comes from the server: it closes the descriptor under the
        # thread that reads from it, and joins that thread. Without help that is the next ping, up to 15 s later.
        self._needs_a_nudge = transport != "LongPolling"
        self._handlers = {}
        self._pending = {}
        self._stream = None
        self._notes = []
        self._noted = threading.Condition()
        self._connection = None
        self.closed = threading.Event()
        self.reopened = threading.Event()
        self.closings = 0
        # The client gives its program none.
        self.error = None

    def on(self, target, handler):
        self._handlers[target] = handler

    def note(self, text):
        with self._noted:
            self._notes.append(text)
            self._noted.notify_all()

    def noted(self, text):
        with self._noted:
            if not self._noted.wait_for(lambda: text in self._notes, STEP):
                raise Failed(f"no message within {STEP:g} s")

    def start(self):
        # A fresh connection each time: the client keeps the old connection's id in its address.
        self.closed.clear()
        builder = HubConnectionBuilder().with_url(self._url, options=self._options).with_hub_protocol(self._encoding)
        if self._keeps_alive:
            # The WebSocket transport pings only when it may reconnect.
            builder = builder.with_automatic_reconnect({"type": "raw", "keep_alive_interval": 10, "reconnect_interval": 1, "max_attempts": 1})
        if self._reconnects:
            builder = builder.with_automatic_reconnect({"type": "raw", "keep_alive_interval": 2, "reconnect_interval": 1})
        connection = builder.build()
        opened = threading.Event()
        connection.on_open(opened.set)
        connection.on_reconnect(self.reopened.set)
        connection.on_close(self._on_close)
        connection.on_error(self._on_error)
        for target, handler in self._handlers.items():
            connection.on(target, handler)
        connection.stream_handlers = defaultdict(lambda: Early(self._subscribe))
        self._connection = connection
        try:
            connection.start()
        except Exception as error:
            raise Refused(str(error)) from error
        if not opened.wait(STEP):
            raise Refused(f"no handshake within {STEP:g} s")

    def stop(self):
        if self._needs_a_nudge and not self.closed.is_set():
            self.send("Slow", 300)
        self._connection.stop()

    def stop_quietly(self):
        if self._connection is not None:
            try:
                self._connection.stop()
            except Exception:
                pass

    def begin(self, method, *arguments):
        number, pending = str(uuid.uuid4()), Pending(method)
        self._pending[number] = lambda text: pending.fail(CallError(text))
        self._connection.invoke(method, list(arguments), lambda message: pending.succeed(message.result), number)
        return pending

    def send(self, method, *arguments):
        self._connection.invoke(method, list(arguments))

    def stream(self, method, *arguments):
        self._stream = Stream(method)
        self._connection.stream(method, list(arguments))
        return self._stream

    def _subscribe(self, handler):
        stream = self._stream
        self._pending[handler.invocation_id] = stream.fail
        handler.subscribe({"next": stream.item, "complete": lambda _: stream.end(), "error": lambda message: stream.fail(str(message))})

    def upload(self, method):
        subject = Subject()
        self._connection.invoke(method, subject)
        return subject

    def _on_close(self):
        self.closings += 1
        self.closed.set()

    def _on_error(self, message):
        take = self._pending.get(message.invocation_id)
        if take is not None:
            take(message.error)


def make(transport, protocol, url, headers, token, **wishes):
    return Client(transport, protocol, url, headers, token, **wishes)


if __name__ == "__main__":
    runner.leave(harness.main(sys.modules[__name__], scenarios.ALL))
