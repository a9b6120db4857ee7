"""What every driver needs: the command line, what scenarios are made of, and the app's control endpoints."""

import argparse
import json
import queue
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "python-common"))

import relay
import runner
from checks import STEP, CallError, Failed, equal, true

NUDGE = 0.2
MOST_NUDGED = 10
"""How often clients are nudged, in seconds, and how many at most."""


class Stream:
    """What comes down a stream."""

    END = object()

    def __init__(self, what):
        self._what = what
        self._arrived = queue.Queue()

    def item(self, item):
        self._arrived.put(("item", item))

    def end(self):
        self._arrived.put(("end", None))

    def fail(self, text):
        self._arrived.put(("error", text))

    def next(self, timeout=STEP):
        try:
            kind, value = self._arrived.get(timeout=timeout)
        except queue.Empty:
            raise Failed(f"the stream {self._what} sends nothing within {timeout:g} s") from None
        if kind == "error":
            raise CallError(value)
        return value if kind == "item" else Stream.END

    def all(self):
        items = []
        while (item := self.next()) is not Stream.END:
            items.append(item)
        return items


class App:
    """The app's HTTP endpoints."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        info = json.loads(self.request("GET", "/info"))
        self.serves = info["mode"] == "self"
        self.redirects = info["mode"] == "azure"
        self._detailed = info["options"].get("detailed") in ("1", "true")

    def request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=data, headers={"Content-Type": "application/json"})
        with self.open(request) as response:
            return response.read().decode()

    def open(self, request):
        return self._opener.open(request, timeout=30)

    def detailed(self, text, detail):
        """An error text, with what the app adds to it under --detailed."""
        return f"{text} {detail}" if self._detailed else text

    def events(self, connection, enough, what, timeout=STEP):
        """Waits until the events of a connection are as wanted."""
        end = time.monotonic() + timeout
        seen, mine = 0, []
        while True:
            left = end - time.monotonic()
            fresh = json.loads(self.request("GET", f"/events?after={seen}&wait={max(0, int(min(left, 20) * 1000))}"))
            seen = fresh[-1]["seq"] if fresh else seen
            mine += [e for e in fresh if e["connectionId"] == connection]
            if enough([e["event"] for e in mine]):
                return mine
            if left <= 0:
                raise Failed(f"the app does not report {what} within {timeout:g} s; it reports {[e['event'] for e in mine]}")

    def disconnected(self, connection, timeout=STEP):
        """Waits until the hub has seen the connection end, and makes sure that it saw it once."""
        self.events(connection, lambda names: "disconnected" in names, "disconnected", timeout)
        # A second report would follow at once; a round trip through the app is time enough.
        for _ in range(3):
            self.request("GET", "/connections")
        all_events = json.loads(self.request("GET", "/events"))
        ends = [e for e in all_events if e["connectionId"] == connection and e["event"] == "disconnected"]
        equal(1, len(ends), "the number of disconnected events")

    def send(self, to, ids, excepted, text):
        self.request("POST", "/send", {"to": to, "ids": ids, "except": excepted, "args": [text]})

    def ask(self, connection, question, milliseconds=5000):
        query = urllib.parse.urlencode({"id": connection, "q": question, "ms": milliseconds})
        try:
            return 200, self.request("GET", "/ask?" + query)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def abort(self, connection):
        self.request("POST", "/abort?id=" + urllib.parse.quote(connection, safe=""))

    def join(self, group, connection):
        self.request("PUT", self._membership(group, connection))

    def leave(self, group, connection):
        self.request("DELETE", self._membership(group, connection))

    @staticmethod
    def _membership(group, connection):
        return f"/groups/{urllib.parse.quote(group, safe='')}/{urllib.parse.quote(connection, safe='')}"


class Peer:
    """One client, and what it was told."""

    def __init__(self, client, hears):
        self.client = client
        self.id = None
        self._texts = queue.Queue()
        client.on("Message", lambda arguments: self._texts.put(arguments[0]) if hears(arguments[0]) else None)

    def next(self, timeout=STEP):
        try:
            return self._texts.get(timeout=timeout)
        except queue.Empty:
            raise Failed(f"no message within {timeout:g} s") from None

    def before(self, marker):
        """What comes before a marker."""
        texts = []
        while (text := self.next()) != marker:
            texts.append(text)
        return texts

    @property
    def has_text(self):
        return not self._texts.empty()

    def call(self, method, *arguments, timeout=STEP):
        return self.client.begin(method, *arguments).result(timeout)

    def begin(self, method, *arguments):
        return self.client.begin(method, *arguments)

    def send(self, method, *arguments):
        self.client.send(method, *arguments)

    def stream(self, method, *arguments):
        return self.client.stream(method, *arguments)


class Scene:
    """One run of one scenario: its clients, which end with it, and names that no other run uses."""

    def __init__(self, app, make_client):
        self.app = app
        self.tag = f"t{uuid.uuid4().hex[:10]}."
        self._make_client = make_client
        self._clients = []
        self._peers = []
        self._relays = []
        self._names = 0
        self._over = threading.Event()

    def nudge(self):
        """Sends all clients something that none of them hears, again and again until the end of the run: for a client that keeps what it got
        until more comes."""
        while not self._over.wait(NUDGE):
            ids = [peer.id for peer in list(self._peers) if peer.id is not None]
            if 0 < len(ids) <= MOST_NUDGED:
                try:
                    self.app.send("clients", ids, None, "nudge")
                except OSError:
                    # The scenario itself will find out what is wrong with the app.
                    pass

    def name(self, what=""):
        self._names += 1
        return f"{self.tag}{what}{self._names}"

    def relays(self):
        """The way to the app through relays, for clients that are to lose their links."""
        relays = relay.Relays(self.app)
        self._relays.append(relays)
        return relays

    def make(self, query="", hub="testhub", headers=None, token=None, hears=None, relays=None, **wishes):
        url = f"{(relays or self.app).url}/{hub}" + (f"?{query}" if query else "")
        client = self._make_client(url, dict(headers or {}), token, **wishes)
        self._clients.append(client)
        peer = Peer(client, hears or (lambda text: isinstance(text, str) and text.startswith(self.tag)))
        self._peers.append(peer)
        return peer

    def connect(self, query="", **wishes):
        peer = self.make(query, **wishes)
        peer.client.start()
        if wishes.get("hub", "testhub") == "testhub":
            peer.id = peer.call("GetCallerConnectionId")
        return peer

    def several(self, count):
        return [self.connect() for _ in range(count)]

    def reaches(self, everyone, receivers, send, what):
        """Sends a text and looks who gets it: each of the receivers once, the others not before a marker that is sent after it to all."""
        text = self.name("text")
        send(text)
        for peer in receivers:
            equal(text, peer.next(), f"{what}: the message at receiver {everyone.index(peer)}")
        marker = self.name("marker")
        everyone[0].call("ToClients", [peer.id for peer in everyone], marker)
        for peer in everyone:
            more = peer.before(marker)
            place = "in addition" if peer in receivers else "though it should not"
            true(not more, f"{what}: client {everyone.index(peer)} got {more} {place}")

    def close(self):
        self._over.set()
        # Some clients take long to stop; nothing of the next scenario depends on it.
        for client in self._clients:
            threading.Thread(target=client.stop_quietly, daemon=True).start()
        for relays in self._relays:
            relays.close()


class Scenario:
    def __init__(self, name, run, needs, limit, slow):
        self.name, self.run, self.needs, self.limit, self.slow = name, run, needs, limit, slow


def main(driver, scenarios):
    """Runs a driver: `driver` says what its client can do and makes the clients."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True, help="an app that serves the hubs testhub, secret and bench")
    parser.add_argument("--transport", default="WebSockets", choices=sorted({t for t, _ in driver.CELLS}))
    parser.add_argument("--protocol", default="json", choices=sorted({p for _, p in driver.CELLS}))
    parser.add_argument("--case", default="", help="only scenarios with this text in their name")
    parser.add_argument("--slow", action="store_true", help="also the scenarios that take most of a minute")
    parser.add_argument("--list", action="store_true", help="names of the scenarios")
    if "--list" in sys.argv[1:]:
        for scenario in scenarios:
            print(scenario.name + (" (slow)" if scenario.slow else ""))
        return 0
    options = parser.parse_args()
    if (options.transport, options.protocol) not in driver.CELLS:
        parser.error(f"this client does not do {options.protocol} over {options.transport}")
    try:
        app = App(options.url)
    except (OSError, ValueError, KeyError) as error:
        print(f"no app answers at {options.url}: {error}", file=sys.stderr)
        return 2
    jobs = [
        job(driver, options, app, scenario)
        for scenario in scenarios
        if options.case in scenario.name and (options.slow or not scenario.slow)
    ]
    report = runner.Report()
    report.run(jobs)
    return report.end()


def job(driver, options, app, scenario):
    missing = [driver.LACKS[need] for need in scenario.needs if need in driver.LACKS]
    limit = max(scenario.limit, driver.LIMITS.get(scenario.name, 0))
    return runner.Job(scenario.name, limit, missing[0] if missing else None, lambda: Run(driver, options, app, scenario))


class Run:
    """One run of a scenario."""

    def __init__(self, driver, options, app, scenario):
        self._scene = Scene(app, lambda *args, **wishes: driver.make(options.transport, options.protocol, *args, **wishes))
        self._scene.protocol = options.protocol
        self._scene.transport = options.transport
        self._scene.driver = driver
        self._scenario = scenario
        if options.transport in driver.NUDGED:
            threading.Thread(target=self._scene.nudge, daemon=True).start()

    def run(self):
        self._scenario.run(self._scene)

    def close(self):
        self._scene.close()
