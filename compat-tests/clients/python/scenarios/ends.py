"""How connections end."""

import concurrent.futures
import time

from checks import STEP, CallError, Failed, Skipped, equal, true

from .registry import scenario

OUTAGE = 1.5
FOR_GOOD = 300.0
REOPENS = 8.0
"""How long a client may take to reconnect, in seconds: signalrcore notices a lost link by its ping, and waits for the second after an outage."""


@scenario("end-abort-by-hub")
def end_abort_by_hub(scene):
    peer = scene.connect()
    peer.send("AbortMe")
    true(peer.client.closed.wait(STEP), "the client does not notice the end")
    scene.app.disconnected(peer.id)


@scenario("end-abort-from-outside")
def end_abort_from_outside(scene):
    peer, witness = scene.several(2)
    scene.app.abort(peer.id)
    true(peer.client.closed.wait(STEP), "the client does not notice the end")
    scene.app.disconnected(peer.id)
    equal("here", witness.call("Echo", "here"))


@scenario("end-link-lost", limit=60)
def end_link_lost(scene):
    peer = lose(scene)
    true(peer.client.error is not None, "the client reports no error")


@scenario("end-link-lost-noticed", limit=60)
def end_link_lost_noticed(scene):
    peer = lose(scene)
    closes, until = scene.driver.CLOSES_WHEN_LOST, time.monotonic() + STEP
    while peer.client.closings < closes and time.monotonic() < until:
        time.sleep(0.01)
    equal(closes, peer.client.closings, "the number of closes")


def lose(scene):
    """A client that has lost its link for good, and the hub it."""
    relays = scene.relays()
    peer = scene.connect(relays=relays)
    relays.cut(FOR_GOOD)
    true(peer.client.closed.wait(30), "the client does not notice the end")
    gone(scene, peer.id)
    return peer


def gone(scene, identity):
    # Without a socket the server waits for the next poll.
    scene.app.disconnected(identity, 45 if scene.transport == "LongPolling" else 15)


# How many closes a client reports on its way back is not looked at: both tell of a lost link by on_close, at times twice.
@scenario("reconnect-after-cut", limit=60)
def reconnect_after_cut(scene):
    relays = scene.relays()
    peers = [scene.connect(), scene.connect(relays=relays, reconnects=True)]
    witness, peer = peers
    group, old = scene.name("group"), peer.id
    peer.call("Join", group)
    cut(scene, relays, peer)
    peer.id = peer.call("GetCallerConnectionId")
    true(peer.id != old, "the new connection has the old one's id")
    scene.reaches(peers, [], lambda text: witness.call("ToGroup", group, text), "the group joined before")
    scene.reaches(peers, [peer], lambda text: witness.call("ToClient", peer.id, text), "Client(new id)")
    scene.reaches(peers, [], lambda text: witness.call("ToClient", old, text), "Client(old id)")
    gone(scene, old)


@scenario("reconnect-after-outage", limit=60)
def reconnect_after_outage(scene):
    relays = scene.relays()
    peer = scene.connect(relays=relays, reconnects=True)
    for _ in range(2):
        lost = peer.begin("Slow", 20_000)
        cut(scene, relays, peer, OUTAGE)
        equal("back", peer.call("Echo", "back"))
        try:
            lost.result(STEP)
        except CallError:
            continue
        raise Failed("a call of the lost connection is answered")


@scenario("reconnect-after-outage-no-calls", limit=60)
def reconnect_after_outage_no_calls(scene):
    relays = scene.relays()
    peer = scene.connect(relays=relays, reconnects=True)
    for _ in range(2):
        cut(scene, relays, peer, OUTAGE)
        equal("back", peer.call("Echo", "back"))


@scenario("reconnect-new-token", limit=60)
def reconnect_new_token(scene):
    relays = scene.relays()
    user, asked = scene.name("user"), []

    def token():
        asked.append(None)
        return f"user={user}-{len(asked)}"

    def number():
        return int(str(peer.call("UserId")).removeprefix(f"{user}-"))

    peer = scene.connect(relays=relays, reconnects=True, token=token)
    before = len(asked)
    true(before > 0, "the token was never asked for")
    true(number() <= before, "the user is not from the token")
    cut(scene, relays, peer)
    after = number()
    true(before < after <= len(asked), f"the user is from token {after}, {before} were asked for before the cut and {len(asked)} in all")


def cut(scene, relays, peer, seconds=0.0):
    """Cuts the link of a client and waits until it is back."""
    peer.client.reopened.clear()
    # A poll alone would only be sent again.
    relays.cut(OUTAGE if scene.transport == "LongPolling" else seconds)
    true(peer.client.reopened.wait(REOPENS), "the client does not come back")


@scenario("reconnect-same-address", "reconnect-always")
def reconnect_same_address(scene):
    if scene.app.serves:
        raise Skipped("the app serves the hub itself, where an address with an id serves once")
    user = scene.name("user")
    peer = scene.connect(token=f"user={user}")
    for _ in range(2):
        first = peer.call("GetCallerConnectionId")
        peer.client.reopened.clear()
        scene.app.abort(first)
        true(peer.client.reopened.wait(STEP), "the client does not come back")
        true(peer.call("GetCallerConnectionId") != first, "the new connection has the old one's id")
        equal(user, peer.call("UserId"), "the user id")
        scene.app.disconnected(first)


@scenario("end-stop-seen-once")
def end_stop_seen_once(scene):
    user = scene.name("user")
    peer = scene.connect(f"user={user}")
    peer.call("Note", "hello")
    peer.client.stop()
    scene.app.disconnected(peer.id)
    events = scene.app.events(peer.id, lambda names: "disconnected" in names, "disconnected")
    equal(["connected", "note", "disconnected"], [e["event"] for e in events], "the events")
    true(all(e["user"] == user for e in events), "an event has another user")


@scenario("many-at-once", "many-connections", limit=120)
def many_at_once(scene):
    count = 200
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        peers = list(pool.map(lambda _: scene.connect(), range(count)))
        equal(count, len({peer.id for peer in peers}), "the number of ids")
        sums = list(pool.map(lambda i: peers[i].call("Add", i, 1), range(count)))
        equal([i + 1 for i in range(count)], sums, "the sums")
        group = scene.name("group")
        list(pool.map(lambda peer: peer.call("Join", group), peers))
        scene.reaches(peers, peers, lambda text: peers[0].call("ToGroup", group, text), "a group of all")
        scene.reaches(peers, peers, lambda text: peers[-1].call("ToAll", text), "All")
        list(pool.map(lambda peer: peer.client.stop(), peers))
    for peer in peers:
        scene.app.disconnected(peer.id)


@scenario("idle-stays-up", limit=90, slow=True)
def idle_stays_up(scene):
    peers = [scene.connect(keeps_alive=True) for _ in range(2)]
    # Nothing must happen on these connections for longer than both sides' timeouts; a close would set the event.
    true(not peers[0].client.closed.wait(40), "the first connection closed")
    true(not peers[1].client.closed.is_set(), "the second connection closed")
    equal([peer.id for peer in peers], [peer.call("GetCallerConnectionId") for peer in peers], "the ids")
    scene.reaches(peers, peers, lambda text: peers[1].call("ToAll", text), "after 40 s of silence")
