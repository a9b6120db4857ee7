"""TCP relays that cut links below HTTP, or stall them, and turn new ones away for a while, wherever the app's redirect leads."""

import asyncio
import http.server
import json
import re
import socket
import struct
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

LOOPBACK = "127.0.0.1"

BEFORE_REFUSAL = 0.1
"""How long a link that is turned away waits for it, in seconds: a client may try again without a pause."""

# How a request begins.
REQUEST = re.compile(rb"[A-Z]{3,7} (/\S*)")

# Closing resets the connection: what is on its way is lost.
RESETS = struct.pack("ii", 1, 0)


class Relays:
    """The way of some clients to the app, or, if it redirects them, to the service."""

    def __init__(self, app):
        self._app = app
        self._links = set()
        self._targets = {}
        self._down_until = 0.0
        self._flow = asyncio.Event()
        self._flow.set()
        self.longest_target = 0
        """The length of the longest request target so far."""
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.url = self._open_front() if app.redirects else self._way_to(app.url)

    def cut(self, seconds=0.0):
        """Resets all links and turns new ones away for some time."""
        self._down_until = time.monotonic() + seconds
        self._run(self._cut())

    def stall(self):
        """Passes on no more of what the server sends, as a receiver does that is too slow."""
        self._loop.call_soon_threadsafe(self._flow.clear)

    def resume(self):
        self._loop.call_soon_threadsafe(self._flow.set)

    def close(self):
        """Cuts all links for good. New ones are still turned away: a client that does not stop trying would find a closed port at once,
        again and again."""
        self.cut(float("inf"))

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    async def _cut(self):
        for writer in list(self._links):
            reset(writer)

    def _way_to(self, url):
        """The relay to an address, by its own."""
        target = urllib.parse.urlsplit(url)
        with self._lock:
            if target.netloc not in self._targets:
                self._targets[target.netloc] = self._run(self._listen(target))
            return f"http://{LOOPBACK}:{self._targets[target.netloc]}"

    async def _listen(self, target):
        async def join(reader, writer):
            await self._join(target, reader, writer)

        server = await asyncio.start_server(join, LOOPBACK, 0)
        return server.sockets[0].getsockname()[1]

    async def _join(self, target, reader, writer):
        if time.monotonic() < self._down_until:
            await asyncio.sleep(BEFORE_REFUSAL)
            reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port or 80)
        except OSError:
            reset(writer)
            return
        both = {writer, far_writer}
        self._links |= both
        await asyncio.gather(copy(reader, far_writer, self._note), copy(far_reader, writer, self._flows))
        self._links -= both
        for one in both:
            one.close()

    async def _note(self, data):
        request = REQUEST.match(data)
        if request is not None:
            self.longest_target = max(self.longest_target, len(request[1]))

    async def _flows(self, _):
        await self._flow.wait()

    def _open_front(self):
        """Passes requests for negotiation on to the app and leads its redirects through relays."""
        relays = self

        class Front(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                status, kind, body = relays._negotiate(self.path, self.headers)
                self.send_response(status)
                if kind is not None:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        front = http.server.ThreadingHTTPServer((LOOPBACK, 0), Front)
        front.daemon_threads = True
        threading.Thread(target=front.serve_forever, daemon=True).start()
        return f"http://{LOOPBACK}:{front.server_address[1]}"

    def _negotiate(self, path, headers):
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection", "content-length", "accept-encoding")}
        request = urllib.request.Request(self._app.url + path, method="POST", data=b"", headers=kept)
        try:
            with self._app.open(request) as response:
                status, kind, body = response.status, response.headers.get("Content-Type"), response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Content-Type"), error.read()
        answer = json.loads(body)
        if "url" in answer:
            target = urllib.parse.urlsplit(answer["url"])
            way = urllib.parse.urlsplit(self._way_to(answer["url"]))
            answer["url"] = target._replace(netloc=way.netloc).geturl()
            body = json.dumps(answer).encode()
        return status, kind, body


async def copy(reader, writer, before):
    """Copies one direction to its end, which may be a reset; `before` is awaited before each piece."""
    try:
        while data := await reader.read(65536):
            await before(data)
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        reset(writer)


def reset(writer):
    near = writer.get_extra_info("socket")
    if near.fileno() >= 0:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
    writer.transport.abort()
