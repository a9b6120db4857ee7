"""Errors."""

from checks import equal, refusal, refused, true
from connection import CallFailed

from .registry import scenario


@scenario("error-exception")
def exception(scene):
    peer = scene.connect()
    for method in ("Throw", "tHROW"):
        hidden(peer, method, "a secret")
    lives_on(peer)


@scenario("error-hub-exception")
def hub_exception(scene):
    peer = scene.connect()
    refused(lambda: peer.call("ThrowHub", 'shown "é" <b>'), 'shown "é" <b>')
    lives_on(peer)


@scenario("error-hub-exception-data")
def hub_exception_data(scene):
    peer = scene.connect()
    error = failure(peer, "ThrowHubData", "shown", "code", "42")
    equal(("shown", True, {"code": "42"}), (str(error), error.is_hub_exception, error.data), "text, kind and data of the error")
    error = failure(peer, "ThrowHub", "without")
    equal((True, None), (error.is_hub_exception, error.data), "kind and data of an error without any")
    equal(False, failure(peer, "Throw", "x").is_hub_exception, "whether an ordinary error is a HubException")
    lives_on(peer)


def failure(peer, method, *arguments):
    error = refusal(lambda: peer.call(method, *arguments))
    true(isinstance(error, CallFailed), f"the error is {error!r}")
    return error


@scenario("error-unknown-method")
def unknown_method(scene):
    peer = scene.connect()
    hidden(peer, "ThisDoesNotExist", 1)
    lives_on(peer)


@scenario("error-argument-count")
def argument_count(scene):
    peer = scene.connect()
    hidden(peer, "Add", 1)
    hidden(peer, "Add", 1, 2, 3)
    hidden(peer, "Void", 1)
    lives_on(peer)


@scenario("error-argument-type")
def argument_type(scene):
    peer = scene.connect()
    hidden(peer, "Add", "one", 2)
    hidden(peer, "Add", [1], {})
    hidden(peer, "EchoPerson", [1])
    lives_on(peer)


@scenario("error-unknown-hub")
def unknown_hub(scene):
    refusal(scene.make(hubs=("nowhere",)).start)
    refusal(scene.make(hubs=("conformance", "nowhere")).start)


@scenario("error-call-of-unknown-hub")
def call_of_unknown_hub(scene):
    peer = scene.connect()
    refusal(lambda: peer.begin_at("nowhere", "Echo", "x").result())
    lives_on(peer)
    equal(0, peer.ends, "the number of ends")


def hidden(peer, method, *arguments):
    refused(lambda: peer.call(method, *arguments), peer.hidden_error(method))


def lives_on(peer):
    equal("after", peer.call("Echo", "after"))
