"""Beginnings."""

from checks import equal, refusal, true

from .registry import scenario


@scenario("connect-and-stop")
def and_stop(scene):
    peer = scene.connect()
    equal("hello", peer.call("Echo", "hello"))
    equal(0, peer.ends, "the number of ends before the stop")
    peer.stop()
    peer.ended()
    equal(0, peer.ends, "the number of further ends")


@scenario("connect-start-again")
def start_again(scene):
    peer = scene.connect()
    first = peer.id
    peer.stop()
    peer.ended()
    peer.connect()
    true(peer.id != first, "the second start has the first one's id")
    equal(peer.id, peer.call("ConnectionId"), "the id the hub sees")
    equal("again", peer.call("Echo", "again"))
    scene.logged(peer.id, ["connected"], 5)


@scenario("connect-id-visible")
def id_visible(scene):
    peer = scene.connect()
    equal(peer.shown_id, peer.call("ConnectionId"), "the id the hub sees")


@scenario("connect-picks-transport")
def picks_transport(scene):
    equal("picked", scene.connect(any_transport=True).call("Echo", "picked"))


@scenario("connect-two-hubs")
def two_hubs(scene):
    peer = scene.connect(hubs=("conformance", "second"))
    text = scene.name("text")
    equal(text, peer.call("Echo", text))
    equal(f"second:{text}", peer.call_at("second", "Echo", text))
    peer.call_at("second", "Callback", text)
    peer.call("Callback", text)
    equal(text, peer.next(), "the message")
    equal(f"second:{text}", peer.next("second"), "the message of the second hub")
    equal([0, 0], [peer.pending(), peer.pending("second")], "the numbers of further messages")
    equal(["connected", "second-connected"], sorted(scene.log(peer.id)), "the events")


@scenario("connect-three-hubs")
def three_hubs(scene):
    peer = scene.connect(hubs=("second", "greeter", "conformance"), hears=lambda text: True)
    equal("hello", peer.next("greeter"), "the greeting")
    for hub, answer in (("second", "second:a"), ("greeter", "b"), ("conformance", "c")):
        equal(answer, peer.call_at(hub, "Echo", answer[-1]))
    equal(0, peer.pending("greeter"), "the number of further greetings")
    equal(["connected", "second-connected"], sorted(scene.log(peer.id)), "the events")


@scenario("connect-no-hub")
def no_hub(scene):
    peer = scene.connect(hubs=())
    equal("alone", peer.call_at("conformance", "Echo", "alone"))
    equal(peer.id, peer.call_at("conformance", "ConnectionId"), "the id the hub sees")


@scenario("connect-greeting")
def greeting(scene):
    peer = scene.connect(hubs=("greeter",), hears=lambda text: True)
    equal("hello", peer.next(), "the greeting")
    equal("echo", peer.call("Echo", "echo"))
    equal(0, peer.pending(), "the number of further greetings")


@scenario("connect-hub-fails")
def hub_fails(scene):
    refusal(scene.make(hubs=("failing",)).start)


@scenario("connect-many")
def many(scene):
    ids = set()
    for number in range(3):
        peers = scene.several(4)
        ids.update(peer.id for peer in peers)
        sums = [peer.begin("Add", i, number) for i, peer in enumerate(peers)]
        equal([i + number for i in range(4)], [pending.result() for pending in sums], "the sums")
        for peer in peers:
            peer.stop()
        for peer in peers:
            peer.ended()
    equal(12, len(ids), "the number of ids")
