"""Drives the client of the package pysignalr."""

import asyncio
import inspect
import logging
import sys
import threading

from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol

import harness
import runner
import scenarios
from checks import STEP, CallError, Failed, Pending, Refused
from harness import Stream

CELLS = {("WebSockets", "json"), ("WebSockets", "messagepack")}

LACKS = {
    "transport-choice": "the client knows only WebSockets",
    "skip-negotiation": "the client always negotiates",
    "stream-cancel": "the client cannot cancel a stream",
    "upload-result": "the client starts an upload without an invocation id",
    "upload-error": "the client cannot end an upload with an error",
    "upload-both-ways": "the client takes no upload in a call for a stream",
}

LIMITS = {}

NUDGED = {}

# Stopping means to cancel run(), and then on_close is not called.
CLOSES_AT_STOP = 0

# One for the link, and one when the first new link is turned away too.
CLOSES_WHEN_LOST = 2

# The client logs what it then raises.
logging.disable(logging.CRITICAL)

LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def wait(coroutine, timeout=STEP):
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result(timeout)


class Client:
    def __init__(self, protocol, url, headers, token, token_by_factory=False, keeps_alive=False, reconnects=False):
        self._protocol = protocol
        self._url = url
        self._headers = headers
        self._factory = token if callable(token) else (lambda: token) if token_by_factory else None
        if token is not None and self._factory is None:
            # The client asks its token factory only after the first connection stands, see auth-token-factory.
            self._headers["Authorization"] = f"Bearer {token}"
        self._handlers = {}
        self._notes = []
        self._noted = threading.Condition()
        self._client = self._running = None
        self.closed = threading.Event()
        self.reopened = threading.Event()
        self.closings = 0
        # The client gives its program none.
        self.error = None

    def on(self, target, handler):
        async def handle(arguments):
            answer = handler(arguments)
            return await answer if inspect.isawaitable(answer) else answer

        self._handlers[target] = handle

    def note(self, text):
        with self._noted:
            self._notes.append(text)
            self._noted.notify_all()

    def noted(self, text):
        with self._noted:
            if not self._noted.wait_for(lambda: text in self._notes, STEP):
                raise Failed(f"no message within {STEP:g} s")

    def start(self):
        # A fresh client each time: the old one keeps its connection's id in its address.
        self.closed.clear()
        try:
            wait(self._start())
        except Exception as error:
            raise Refused(f"{type(error).__name__}: {error}") from error

    async def _start(self):
        protocol = MessagepackProtocol() if self._protocol == "messagepack" else JSONProtocol()
        client = SignalRClient(self._url, protocol, dict(self._headers), max_size=None, access_token_factory=self._factory)
        opened = LOOP.create_future()

        async def on_open():
            if opened.done():
                self.reopened.set()
            else:
                opened.set_result(None)

        async def on_error(_):
            # Every call has a taker of its own.
            pass

        client.on_open(on_open)
        client.on_close(self._on_close)
        client.on_error(on_error)
        for target, handler in self._handlers.items():
            client.on(target, handler)
        self._client = client
        self._running = LOOP.create_task(client.run())
        await asyncio.wait({opened, self._running}, timeout=STEP, return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            if not self._running.done():
                raise TimeoutError(f"no handshake within {STEP:g} s")
            error = self._running.exception()
            raise RuntimeError(f"{describe(error)}")
        self._running.add_done_callback(self._ended)

    def _ended(self, task):
        if not task.cancelled() and task.exception() is not None:
            self.closed.set()

    def stop(self):
        wait(self._stop())

    def stop_quietly(self):
        if self._running is not None:
            try:
                wait(self._stop())
            except Exception:
                pass

    async def _stop(self):
        # The client has no other way to stop.
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    def begin(self, method, *arguments):
        pending = Pending(method)

        async def answered(message):
            if message.error is not None:
                pending.fail(CallError(message.error))
            else:
                pending.succeed(message.result)

        wait(self._client.send(method, list(arguments), answered))
        return pending

    def send(self, method, *arguments):
        wait(self._client.send(method, list(arguments)))

    def stream(self, method, *arguments):
        stream = Stream(method)

        async def item(value):
            stream.item(value)

        async def end(_):
            stream.end()

        async def fail(message):
            stream.fail(message.error)

        wait(self._client.stream(method, list(arguments), item, end, fail))
        return stream

    def upload(self, method):
        return Upload(self._client, method)

    async def _on_close(self):
        self.closings += 1
        self.closed.set()


class Upload:
    def __init__(self, client, method):
        self._context = client.client_stream(method)
        self._stream = wait(self._context.__aenter__())

    def next(self, item):
        wait(self._stream.send(item))

    def complete(self):
        wait(self._context.__aexit__(None, None, None))


def describe(error):
    status = getattr(getattr(error, "response", None), "status_code", getattr(error, "status", ""))
    return f"{'401 ' if type(error).__name__ == 'AuthorizationError' else ''}{type(error).__name__} {status} {error}".strip()


def make(transport, protocol, url, headers, token, **wishes):
    return Client(protocol, url, headers, token, **wishes)


if __name__ == "__main__":
    runner.leave(harness.main(sys.modules[__name__], scenarios.ALL))
