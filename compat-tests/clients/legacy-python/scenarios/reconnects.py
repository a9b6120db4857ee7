"""Links that are cut, and one that is too slow. What is sent meanwhile is lost: no client of these tells what it saw last."""

import time

from checks import Failed, equal, true

from .registry import scenario

CUT = 1.2
GROUPS = 500
# Servers and proxies take no more.
LONGEST_TARGET = 4096 - len(" HTTP/1.1\r\n") - len("POST ")
# More than the sockets on the way hold, and fewer than any server keeps.
MESSAGES, PADDING, KEPT = 1500, "." * 8000, 100
SILENCE = 20.0


class Pair:
    """A client whose link leads through relays, and one that is not cut off."""

    def __init__(self, scene, **wishes):
        self.scene = scene
        self.relays = scene.relays()
        self.witness = scene.connect()
        self.peer = scene.connect(relays=self.relays, **wishes)

    def cut(self):
        """Closes all links for a while, and waits until the client is back: from a reset it does not come back."""
        self.relays.cut(CUT, closes=True)
        self.peer.returned()

    def reaches(self, send):
        text = self.scene.name("text")
        send(text)
        equal(text, self.peer.next(), "the message")

    def to_group(self, group):
        return lambda text: self.witness.call("SendGroup", group, text)

    def nothing_more(self):
        """Nothing else is on its way to the client."""
        marker = self.scene.name("marker")
        self.peer.call("Callback", marker)
        equal([], self.peer.before(marker), "further messages")


@scenario("reconnect-after-cut")
def after_cut(scene):
    pair = Pair(scene)
    peer = pair.peer
    pair.cut()
    equal(peer.id, peer.call("ConnectionId"), "the id")
    pair.reaches(lambda text: peer.call("Callback", text))
    pair.reaches(lambda text: peer.call("SendConnection", peer.id, text))
    equal(0, peer.ends, "the number of ends")
    # A second start of the same connection is no reconnect to the hub.
    scene.logged(peer.id, ["connected"], 5)


@scenario("reconnect-groups")
def groups(scene):
    pair = Pair(scene)
    kept, left, later = scene.name("kept"), scene.name("left"), scene.name("later")
    for group in (kept, left):
        pair.peer.call("JoinGroup", group)
    pair.peer.call("LeaveGroup", left)
    pair.cut()
    pair.reaches(pair.to_group(kept))
    pair.to_group(left)(scene.name("not"))
    pair.peer.call("JoinGroup", later)
    pair.reaches(pair.to_group(later))
    pair.peer.call("LeaveGroup", kept)
    pair.to_group(kept)(scene.name("not"))
    pair.nothing_more()
    # What changed after the first reconnect is kept by the second.
    pair.cut()
    pair.to_group(kept)(scene.name("not"))
    pair.reaches(pair.to_group(later))
    pair.nothing_more()


@scenario("reconnect-many-groups")
def many_groups(scene):
    pair = Pair(scene)
    all_groups = [scene.name(f"a group with a long name, number {i}") for i in range(GROUPS)]
    for group in all_groups:
        pair.peer.call("JoinGroup", group)
    pair.cut()
    for group in [*all_groups[::50], all_groups[-1]]:
        pair.reaches(pair.to_group(group))
    pair.nothing_more()
    true(0 < pair.relays.longest_target <= LONGEST_TARGET, f"the longest request target has {pair.relays.longest_target} characters")


@scenario("reconnect-two-hubs")
def two_hubs(scene):
    pair = Pair(scene, hubs=("conformance", "second"))
    peer = pair.peer
    pair.cut()
    text = scene.name("text")
    equal(f"second:{text}", peer.call_at("second", "Echo", text))
    peer.call_at("second", "Callback", text)
    equal(f"second:{text}", peer.next("second"), "the message")
    pair.reaches(lambda mine: peer.call("Callback", mine))
    equal(["connected", "second-connected"], sorted(scene.log(peer.id)), "the events")


@scenario("reconnect-user")
def user(scene):
    name = scene.name("user")
    pair = Pair(scene, query={"as": name})
    pair.cut()
    for method in ("UserName", "Secret"):
        equal(name, pair.peer.call(method), "the user")
    pair.reaches(lambda text: pair.witness.call("SendUser", name, text))


@scenario("reconnect-then-stop")
def then_stop(scene):
    pair = Pair(scene)
    pair.cut()
    pair.peer.stop()
    pair.peer.ended()
    scene.logged(pair.peer.id, ["connected", "disconnected:true"], 5)
    equal(0, pair.peer.ends, "the number of further ends")


@scenario("slow-reader")
def slow_reader(scene):
    relays = scene.relays()
    reader, other, sender = scene.connect(relays=relays), scene.connect(), scene.connect()
    group = scene.name("group")
    for peer in (reader, other):
        peer.call("JoinGroup", group)
    relays.stall()
    for i in range(MESSAGES):
        sender.call("SendGroup", group, f"{scene.tag}{PADDING}{i}")
    equal(list(range(MESSAGES)), [number(text) for text in other.take(MESSAGES)], "what the others got")
    begin = time.monotonic()
    equal("quick", other.call("Echo", "quick"))
    true(time.monotonic() - begin < 3, "the others wait for the slow one")
    time.sleep(2)
    relays.resume()
    # It ends, or sooner or later gets the last.
    last = scene.name("last")
    sender.call("SendConnection", reader.id, last)
    seen = up_to(last, reader)
    if seen is None:
        return
    true(seen == sorted(set(seen)), "messages came twice or out of order")
    # What is kept for a client that does not keep up is the latest.
    true(seen[-KEPT:] == list(range(MESSAGES - KEPT, MESSAGES)), f"of {MESSAGES} messages {len(seen)} came, and not the latest {KEPT} without a gap")


def up_to(last, reader):
    """The numbers of the messages before the last one, or none if the client ends before."""
    seen = []
    silent_since = time.monotonic()
    while True:
        try:
            text = reader.next(timeout=0.5)
        except Failed:
            if reader.ends or reader.losses:
                return None
            true(time.monotonic() < silent_since + SILENCE, "it neither ended nor got the last message")
            continue
        if text == last:
            return seen
        seen.append(number(text))
        silent_since = time.monotonic()


def number(text):
    return int(text[text.rindex(".") + 1 :])
