"""Ends, and none."""

import time

from checks import equal, true

from .registry import scenario

IDLE = 45
ENDED = ["connected", "disconnected:true"]
LOST = ["connected", "disconnected:false"]
FOR_GOOD = 300.0


@scenario("stop-reported-once")
def reported_once(scene):
    peer = scene.connect()
    equal(["connected"], scene.log(peer.id), "the events before the stop")
    peer.stop()
    peer.ended()
    scene.logged(peer.id, ENDED, 5)
    # Nothing more comes of it, also when others come and go.
    other = scene.connect()
    other.stop()
    scene.logged(other.id, ENDED, 5)
    time.sleep(0.5)
    equal(ENDED, scene.log(peer.id), "the events after a while")
    equal(0, peer.ends, "the number of further ends")


@scenario("stop-quick")
def quick(scene):
    peer = scene.connect()
    # The witness must not have to connect first.
    equal(["connected"], scene.log(peer.id), "the events before the stop")
    begin = time.monotonic()
    peer.stop()
    peer.ended()
    client = time.monotonic() - begin
    scene.logged(peer.id, ENDED, 5)
    hub = time.monotonic() - begin
    true(client < 1 and hub < 1, f"the stop took the client {client:.3f} s, and the hub knew of it after {hub:.3f} s")


@scenario("stop-under-way")
def under_way(scene):
    # A start lasts until the client is connected, so there is none to stop.
    peer = scene.connect()
    peer.begin("Slow", 20_000)
    peer.call("PushLater", 0, 500, scene.tag)
    peer.stop()
    peer.ended()
    if "stop-told" in scene.features:
        scene.logged(peer.id, ENDED, 5)
    equal("others", scene.connect().call("Echo", "others"))


@scenario("stop-lost")
def lost(scene):
    relays = scene.relays()
    peer = scene.connect(relays=relays)
    equal(["connected"], scene.log(peer.id), "the events before the loss")
    relays.cut(FOR_GOOD)
    scene.logged(peer.id, LOST, 60)
    peer.ended(75)
    equal(0, peer.ends, "the number of further ends")
    equal(LOST, scene.log(peer.id), "the events in the end")


@scenario("idle-stays-up")
def idle(scene):
    everyone = scene.several(2)
    time.sleep(IDLE)
    for peer in everyone:
        equal(0, peer.ends, "the number of ends")
        equal(peer.id, peer.call("ConnectionId"), "the id")
    scene.reaches(everyone, everyone, lambda text: everyone[1].call("Broadcast", text), "after the silence")
    for peer in everyone:
        equal(["connected"], scene.log(peer.id), "the events")
