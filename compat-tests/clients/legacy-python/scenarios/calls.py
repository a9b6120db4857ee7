"""Calls."""

import datetime
import time

from checks import equal, true

from .registry import scenario
from .texts import ODD

LARGE_RESULT = 200_000
# A WebSocket of the original takes messages of up to 64 KiB.
LARGE_ARGUMENT = {"webSockets": 60_000, "serverSentEvents": 100_000}
SLOW = 3000
LATE = 0.5


@scenario("call-echo")
def echo(scene):
    peer = scene.connect()
    equal("hello", peer.call("Echo", "hello"))
    equal(5, peer.call("Add", 2, 3))
    equal(-1, peer.call("Add", 2**31 - 1, -(2**31)))
    equal(4, peer.call("Length", "four"))


@scenario("call-types")
def types(scene):
    sent = [True, -7, 2**53 - 1, 1.5, "text", [1, 2, 3]]
    got = scene.connect().call("Types", *sent)
    equal([*sent, 6], [got[name] for name in ("B", "I", "L", "D", "S", "List", "Sum")])


@scenario("call-object")
def person(scene):
    peer = scene.connect()
    bob = {"Name": "Bob", "Age": 0, "Tags": [], "Born": None, "Friend": None}
    ann = {"Name": 'Ann "é"', "Age": 7, "Tags": ["a", "b", ""], "Born": "2001-02-03T04:05:06Z", "Friend": bob}
    equal(fields(ann), fields(peer.call("EchoPerson", ann)), "the object")
    equal(None, peer.call("EchoPerson", None), "no object")


def fields(person):
    if person is None:
        return None
    born = person.get("Born")
    born = None if born is None else datetime.datetime.fromisoformat(born)
    return [person["Name"], person["Age"], person["Tags"], born, fields(person.get("Friend"))]


@scenario("call-void")
def void(scene):
    equal(None, scene.connect().call("Void"))


@scenario("call-null")
def null(scene):
    peer = scene.connect()
    equal(None, peer.call("Null"))
    equal(None, peer.call("Echo", None))


@scenario("call-texts")
def texts(scene):
    peer = scene.connect()
    for text in ODD:
        equal(text, peer.call("Echo", text), "the text")
        equal(len(text.encode("utf-16-le")) // 2, peer.call("Length", text), "the length seen by the hub")


@scenario("call-large-result")
def large_result(scene):
    peer = scene.connect()
    equal("x" * LARGE_RESULT, peer.call("Large", LARGE_RESULT), "the result")
    equal("after", peer.call("Echo", "after"))


@scenario("call-large-argument")
def large_argument(scene):
    peer = scene.connect()
    length = LARGE_ARGUMENT[scene.server.transport]
    equal(length, peer.call("Length", "y" * length), "the length seen by the hub")
    # Python writes each of its six halves of characters as an escape of six bytes.
    mixed = "é漢😀" * 2_400
    equal(mixed, peer.call("Echo", mixed), "a mixed text")


@scenario("call-in-a-row")
def in_a_row(scene):
    peer = scene.connect()
    for i in range(200):
        equal(i + 1, peer.call("Add", i, 1), f"the result of call {i}")


@scenario("call-at-once")
def at_once(scene):
    peer = scene.connect()
    for i, pending in enumerate([peer.begin("Add", i, 1) for i in range(100)]):
        equal(i + 1, pending.result(10), f"the result of call {i}")


@scenario("call-slow-beside-quick")
def slow_beside_quick(scene):
    peer = scene.connect()
    slow = peer.begin("Slow", SLOW)
    for i in range(5):
        equal(f"quick {i}", peer.call("Echo", f"quick {i}"))
    true(not slow.done, "the slow call held up the quick ones")
    equal(SLOW, slow.result(), "the result of the slow call")


@scenario("call-unlisted-hub")
def unlisted_hub(scene):
    peer = scene.connect()
    equal("second:x", peer.call_at("second", "Echo", "x"))
    equal("x", peer.call("Echo", "x"))
    equal(1, scene.log(peer.id).count("connected"), "the number of times the hub that is listened to saw it connect")


@scenario("call-any-case")
def any_case(scene):
    peer = scene.connect(hubs=("CONFORMance",))
    equal("a", peer.call("eCHO", "a"))
    equal(3, peer.call("ADD", 1, 2))
    text = scene.name("text")
    peer.call("callback", text)
    equal(text, peer.next(), "the message")


@scenario("call-renamed")
def renamed(scene):
    equal("renamed", scene.connect().call("renamedMethod"))


@scenario("call-overload")
def overload(scene):
    peer = scene.connect()
    equal("none", peer.call("Overload"))
    equal("int 3", peer.call("Overload", 3))


@scenario("call-progress")
def progress(scene):
    peer = scene.connect()
    for count in (5, 0):
        reported(peer.begin_progress("Progress", count), count)


@scenario("call-progress-at-once")
def progress_at_once(scene):
    peer = scene.connect()
    counts = (3, 8, 1, 5)
    calls = [peer.begin_progress("Progress", count) for count in counts]
    for call, count in zip(calls, counts, strict=True):
        reported(call, count)


def reported(call, count):
    pending, reports = call
    equal(f"done {count}", pending.result(), "the result")
    # Where results have a channel of their own, reports may be read later; and none comes twice.
    time.sleep(LATE)
    equal(list(range(1, count + 1)), reports, "the reports")
