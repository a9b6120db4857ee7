"""What a hub sends to its caller."""

from checks import equal

from .registry import scenario
from .texts import ODD, numbered

LARGE = 60_000


@scenario("callback-once")
def once(scene):
    everyone = scene.several(3)
    scene.reaches(everyone, [everyone[1]], lambda text: everyone[1].call("Callback", text), "Callback")


@scenario("callback-arguments")
def arguments(scene):
    peer = scene.connect(hears_many=True)
    peer.call("CallbackArgs")
    equal((1, "two", {"Three": 3}, [4, 5], None, True), peer.many(), "the arguments")


@scenario("callback-texts")
def texts(scene):
    peer = scene.connect()
    for text in ODD:
        peer.call("Callback", scene.tag + text)
        equal(scene.tag + text, peer.next(), "the text")


@scenario("callback-large")
def large(scene):
    peer = scene.connect()
    text = scene.tag + "z" * LARGE
    peer.call("Callback", text)
    equal(text, peer.next(), "the text")


@scenario("callback-order")
def order(scene):
    peer = scene.connect()
    peer.call("Burst", 1000, scene.tag)
    equal(numbered(scene.tag, 1000), peer.take(1000), "the messages")
    peer.call("Void")
    equal(0, peer.pending(), "the number of further messages")


@scenario("callback-later")
def later(scene):
    peer = scene.connect()
    peer.call("PushLater", 500, 20, scene.tag)
    equal(0, peer.pending(), "the number of messages before their time")
    equal(numbered(scene.tag, 20), peer.take(20), "the messages")


@scenario("callback-unlistened-name")
def unlistened_name(scene):
    peer = scene.connect()
    peer.call("CallbackArgs")
    text = scene.name("text")
    peer.call("Callback", text)
    equal(text, peer.next(), "the message")
    equal(0, peer.ends, "the number of ends")
