"""A connection of the client under test; both libraries call their classes and methods the same."""

import queue
import threading

import requests
from checks import CallError, Pending
from signalr import Connection


def without_web_sockets(response, **_):
    """Leaves WebSockets out of the answer to a negotiate: without them the client takes server-sent events, and no option says so."""
    if "/negotiate?" in response.url and response.ok:
        response._content = response.content.replace(b'"TryWebSockets":true', b'"TryWebSockets":false')


class CallFailed(CallError):
    """A call ended with an error; `data` is what a HubException brought, `is_hub_exception` tells one."""

    def __init__(self, message):
        super().__init__(message["E"])
        self.is_hub_exception = message.get("H") is True
        self.data = message.get("D")


class LibraryConnection:
    """`run` does something where the client lives, and waits for it; `start` begins it there, and does not wait."""

    def __init__(self, url, transport, wish, on_text, on_many):
        self.ended = queue.Queue()
        self.returned = queue.Queue()
        self.losses = 0
        self._channels = 0
        self._pending = {}
        self._progress = {}
        self._numbers = 0
        session = requests.Session()
        session.headers.update(wish.headers)
        session.cookies.update(wish.cookies)
        session.hooks["response"].append(self._saw)
        if transport == "serverSentEvents":
            session.hooks["response"].append(without_web_sockets)
        self.library = self.run(lambda: Connection(url, session))
        self.library.qs = dict(wish.query)
        self.library.received += self._on_message
        self._hubs = {}
        for name in wish.hubs:
            hub = self._hubs[name] = self.library.register_hub(name)
            hub.client.on("received", lambda text, name=name: on_text(name, text))
        if wish.hears_many:
            self._hubs[wish.hubs[0]].client.on("many", lambda *arguments: on_many(arguments))

    def open(self):
        self.run(self.library.start)
        self.start(self._watch)

    def close(self):
        """Ends it; the end is told like any other."""
        self.start(self.library.close)

    def begin(self, hub, method, arguments, on_progress=None):
        pending = Pending(method)
        self.start(lambda: self._call(pending, hub, method, arguments, on_progress))
        return pending

    def _call(self, pending, hub, method, arguments, on_progress):
        # The library counts its calls from 0 and keeps the number to itself.
        with self.counting:
            number = self._numbers
            self._numbers += 1
            self._pending[number] = pending
            self._progress[number] = on_progress
            try:
                self._send(hub, method, arguments)
            except Exception as error:
                pending.fail(CallError(f"{type(error).__name__}: {error}"))

    def _send(self, hub, method, arguments):
        if hub in self._hubs:
            self._hubs[hub].server.invoke(method, *arguments)
        else:
            self.library.send({"H": hub, "M": method, "A": arguments, "I": self.library.increment_send_counter()})

    def _on_message(self, **message):
        for inner in message.get("M", []):
            if "P" in inner:
                self._progress[int(inner["P"]["I"])](inner["P"]["D"])
        if "I" in message:
            pending = self._pending.pop(int(message["I"]), None)
            if pending is None:
                return
            if "E" in message:
                pending.fail(CallFailed(message))
            else:
                pending.succeed(message.get("R"))

    def _watch(self):
        """Waits until the client listens no more."""
        self.library.wait(timeout=None)
        self.ended.put(True)

    def _saw(self, response, **_):
        """An event stream that ends is opened again, which the program is not told."""
        if "/connect?" in response.url and response.ok:
            self._channels += 1
            if self._channels > 1:
                self.returned.put(True)
