"""How connections end."""

import concurrent.futures

from harness import STEP, Skipped, equal, true

from .registry import scenario


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
