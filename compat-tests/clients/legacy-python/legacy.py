"""What every driver of a client of ASP.NET SignalR needs: the command line, and what scenarios are made of."""

import argparse
import os
import queue
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

sys.path.append(str(Path(__file__).parent.parent / "python-common"))

import relay
import runner
import scenarios
import table
from checks import Failed, equal, shown, true
from server import Server

TRANSPORTS = ("webSockets", "serverSentEvents", "longPolling", "auto")
SECONDS = 10.0
CALL_SECONDS = 40.0
LOOK_AGAIN = 0.1


@dataclass
class Wish:
    """What a scenario may want of a connection beyond the command line."""

    hubs: tuple[str, ...] = ("conformance",)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    relays: Any = None
    any_transport: bool = False
    hears: Callable[[str], bool] | None = None
    hears_many: bool = False


class Peer:
    """A client and what happened to it."""

    def __init__(self, server, wish, hears):
        self.hubs = wish.hubs
        self.id = None
        self._texts = {}
        self._many = queue.Queue()
        way = wish.relays or server
        transport = "auto" if wish.any_transport else server.transport
        self._client = server.driver.Client(way.url + server.path, transport, wish, lambda hub, text: self._of(hub).put(text) if hears(text) else None, self._many.put)

    @property
    def shown_id(self):
        return self._client.id

    def start(self):
        self._client.open()

    def connect(self):
        """Starts, and takes note of the id, which some clients do not show."""
        self.start()
        self.id = self.shown_id or self.call_at("conformance", "ConnectionId")
        return self

    def stop(self):
        self._client.close()

    def begin(self, method, *arguments):
        return self.begin_at(self.hubs[0], method, *arguments)

    def begin_at(self, hub, method, *arguments):
        return self._client.begin(hub, method, arguments)

    def call(self, method, *arguments):
        """Calls a method of the first hub."""
        return self.begin(method, *arguments).result(CALL_SECONDS)

    def call_at(self, hub, method, *arguments):
        return self.begin_at(hub, method, *arguments).result(CALL_SECONDS)

    def begin_progress(self, method, *arguments):
        """Calls a method of the first hub, and gives its answer and what it reports."""
        reports = []
        return self._client.begin(self.hubs[0], method, arguments, reports.append), reports

    def hidden_error(self, method):
        return f"There was an error invoking Hub method '{self.hubs[0]}.{method}'."

    def next(self, hub=None, timeout=SECONDS):
        """The next text that the first hub, or another one, sent."""
        return taken(self._of(hub or self.hubs[0]), timeout, f"message of {hub or self.hubs[0]}")

    def take(self, count, timeout=SECONDS):
        return [self.next(timeout=timeout) for _ in range(count)]

    def before(self, mark, timeout=SECONDS):
        """The texts before the given one, which is taken too."""
        texts = []
        while (text := self.next(timeout=timeout)) != mark:
            texts.append(text)
        return texts

    def pending(self, hub=None):
        return self._of(hub or self.hubs[0]).qsize()

    def many(self):
        return taken(self._many, SECONDS, "call of many")

    def returned(self, timeout=45.0):
        """Waits until the client came back."""
        taken(self._client.returned, timeout, "reconnect")

    def ended(self, timeout=SECONDS):
        """Waits until the client listens no more."""
        taken(self._client.ended, timeout, "end of the connection")

    @property
    def ends(self):
        """How many ends are not taken."""
        return self._client.ended.qsize()

    @property
    def losses(self):
        """How often the client told that it lost its connection, and made another."""
        return self._client.losses

    def _of(self, hub):
        return self._texts.setdefault(hub, queue.Queue())


def taken(items, timeout, what):
    try:
        return items.get(timeout=timeout)
    except queue.Empty:
        raise Failed(f"no {what} within {timeout:g} s") from None


class Scene:
    """One run of one scenario: its clients, which end with it, and names that no other run uses."""

    def __init__(self, server, features):
        self.server = server
        self.features = features
        self.tag = f"t{uuid.uuid4().hex[:10]}."
        self._peers = []
        self._relays = []
        self._names = 0
        self._watching = threading.Lock()
        self._witness = None

    def name(self, what=""):
        """A text, group or user name that nobody else uses."""
        self._names += 1
        return f"{self.tag}{what}{self._names}"

    def relays(self):
        relays = relay.Relays(self.server)
        self._relays.append(relays)
        return relays

    def make(self, **wishes):
        """A client that is not started."""
        wish = Wish(**wishes)
        peer = Peer(self.server, wish, wish.hears or (lambda text: self.tag in text))
        self._peers.append(peer)
        return peer

    def connect(self, **wishes):
        return self.make(**wishes).connect()

    def several(self, count):
        return [self.connect() for _ in range(count)]

    def reaches(self, everyone, receivers, send, what):
        """Sends a text and looks who gets it: each receiver once, the others not before a marker sent after it."""
        text = self.name("text")
        send(text)
        for peer in receivers:
            equal(text, peer.next(), f"{what}: the message at receiver {everyone.index(peer)}")
        marker = self.name("marker")
        for peer in everyone:
            self._watch().call("SendConnection", peer.id, marker)
            more = peer.before(marker)
            place = "in addition" if peer in receivers else "though it should not"
            true(not more, f"{what}: client {everyone.index(peer)} got {shown(more)} {place}")

    def log(self, connection):
        """The events of a connection, as a client that is not part of anything else is told."""
        return self._watch().call("Log", connection)

    def logged(self, connection, events, timeout):
        """Waits until the events of a connection are these."""
        end = time.monotonic() + timeout
        while (log := self.log(connection)) != events:
            true(time.monotonic() < end, f"the events of the connection are {log}, not {events}, after {timeout:g} s")
            time.sleep(LOOK_AGAIN)

    def close(self):
        for peer in self._peers:
            # Some take long to stop; nothing of the next scenario depends on it.
            threading.Thread(target=peer.stop, daemon=True).start()
        for relays in self._relays:
            relays.close()

    def _watch(self):
        with self._watching:
            if self._witness is None:
                self._witness = self.connect()
            return self._witness


class Run:
    """One run of a scenario."""

    def __init__(self, name, server, features):
        self._body = scenarios.ALL[name]
        self._scene = Scene(server, features)

    def run(self):
        self._body(self._scene)

    def close(self):
        self._scene.close()


def main(driver):
    """Runs a driver: `driver` says what its client can do and makes the clients."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", help="address of the server")
    parser.add_argument("--path", default="/signalr", help="where it serves legacy clients")
    parser.add_argument("--transport", default=TRANSPORTS[0], type=transport)
    parser.add_argument("--case", action="append", help="only scenarios with this text in their name; may repeat")
    parser.add_argument("--classic", action="store_true", help="the server is one of ASP.NET, which has state and overloads")
    parser.add_argument("--slow", action="store_true", help="also the slow scenarios")
    parser.add_argument("--parallel", type=int, default=4, help="how many scenarios run at a time")
    parser.add_argument("--list", action="store_true", help="only names of the scenarios")
    options = parser.parse_args()
    rows = table.read()
    odd = {row.name for row in rows} ^ set(scenarios.ALL)
    if odd:
        parser.error(f"table and scenarios differ: {', '.join(sorted(odd))}")
    if options.list:
        for row in rows:
            print(row.name + (" (slow)" if row.slow else ""))
        return 0
    if options.url is None:
        parser.error("--url is missing")
    if options.transport not in driver.TRANSPORTS:
        parser.error(f"this client does not do {options.transport}")
    server = Server(options.url, options.path, options.transport, driver)
    try:
        server.look()
    except OSError as error:
        print(f"no server answers at {options.url}{options.path}: {error}", file=sys.stderr)
        return 2
    features = driver.FEATURES | driver.FEATURES_OF[options.transport] | ({"classic"} if options.classic else set())
    chosen = [row for row in rows if (options.slow or not row.slow) and (not options.case or any(text in row.name for text in options.case))]
    # What a library prints is no line of ours.
    sys.stdout = open(os.devnull, "w")
    report = runner.Report()
    # The long ones first, so that none is left to run by itself at the end.
    report.run([job(row, server, features) for row in sorted(chosen, key=lambda row: -row.limit) if not row.alone], options.parallel)
    report.run([job(row, server, features) for row in chosen if row.alone])
    return report.end()


def transport(text):
    named = [name for name in TRANSPORTS if name.lower() == text.lower()]
    if not named:
        raise argparse.ArgumentTypeError(f"one of {', '.join(TRANSPORTS)}")
    return named[0]


def job(row, server, features):
    missing = [need for need in row.needs if need not in features]
    lacks = f"this client has no {', no '.join(missing)} here" if missing else None
    return runner.Job(row.name, row.limit, lacks, lambda: Run(row.name, server, features))
