"""Streams down and up, and client results."""

import asyncio
import concurrent.futures
import threading

from checks import STEP, CallError, Failed, equal, refused, true

from .registry import scenario


# Streams


@scenario("stream-items")
def stream_items(scene):
    peer = scene.connect()
    equal(["a", "b", "c"], peer.stream("Stream").all())
    equal(list(range(1000)), peer.stream("Counter", 1000, 0).all(), "the numbers")


@scenario("stream-empty")
def stream_empty(scene):
    peer = scene.connect()
    equal([], peer.stream("EmptyStream").all())
    equal([], peer.stream("Counter", 0, 0).all())


@scenario("stream-error")
def stream_error(scene):
    peer = scene.connect()
    text = scene.app.detailed("An error occurred on the server while streaming results.", "Exception: oh")
    refused(lambda: peer.stream("StreamThrowException", "oh").all(), text)
    equal("alive", peer.call("Echo", "alive"))


@scenario("stream-as-it-comes")
def stream_as_it_comes(scene):
    peer = scene.connect()
    stream = peer.stream("Counter", 4, 700)
    equal(0, stream.next(2), "the first item")
    equal("meanwhile", peer.call("Echo", "meanwhile"))
    equal([1, 2, 3], stream.all(), "the other items")


@scenario("stream-several-at-once")
def stream_several_at_once(scene):
    peer = scene.connect()
    streams = [peer.stream("Counter", n * 20, 2) for n in range(1, 5)]
    for n, stream in enumerate(streams, 1):
        equal(list(range(n * 20)), stream.all(), f"stream {n}")


@scenario("stream-cancel", "stream-cancel")
def stream_cancel(scene):
    raise Failed("no Python client can cancel a stream")


@scenario("stream-ends-with-client")
def stream_ends_with_client(scene):
    peer = scene.connect()
    stream = peer.stream("InfiniteStream")
    equal("x", stream.next(), "the first item")
    peer.client.stop()
    scene.app.events(peer.id, lambda names: "stream-ended" in names, "stream-ended")


@scenario("upload-concat", "upload-result")
def upload_concat(scene):
    raise Failed("no Python client gets the answer of an upload")


@scenario("upload-sum", "upload-result")
def upload_sum(scene):
    raise Failed("no Python client gets the answer of an upload")


@scenario("upload-events")
def upload_events(scene):
    peer = scene.connect()
    texts = [scene.name("item") for _ in range(50)] + ["", "😀"]
    upload = peer.client.upload("UploadToNote")
    for text in texts:
        upload.next(text)
    upload.complete()
    events = scene.app.events(peer.id, lambda names: "upload-ended" in names, "upload-ended")
    equal(texts, [e["detail"] for e in events if e["event"] == "upload"], "the items")
    equal("alive", peer.call("Echo", "alive"))


@scenario("upload-error", "upload-error")
def upload_error(scene):
    raise Failed("no Python client can end an upload with an error")


@scenario("upload-ends-with-client")
def upload_ends_with_client(scene):
    peer = scene.connect()
    peer.client.upload("UploadToNote").next("one")
    scene.app.events(peer.id, lambda names: "upload" in names, "upload")
    peer.client.stop()
    scene.app.events(peer.id, lambda names: "upload-failed" in names or "upload-ended" in names, "an end of the upload")


@scenario("upload-both-ways", "upload-both-ways")
def upload_both_ways(scene):
    raise Failed("no Python client takes a stream up in a call for a stream down")


# Client results


def answering(scene, answer):
    peer = scene.make()
    peer.client.on("Ask", lambda arguments: answer(arguments[0]))
    peer.client.start()
    peer.id = peer.call("GetCallerConnectionId")
    return peer


@scenario("ask-caller", "client-results")
def ask_caller(scene):
    peer = answering(scene, lambda question: f"<{question}>")
    equal("<é😀>", peer.call("AskMe", "é😀"))
    answers = [peer.begin("AskMe", f"q{i}") for i in range(30)]
    equal([f"<q{i}>" for i in range(30)], [pending.result() for pending in answers], "the answers")


@scenario("ask-other", "client-results")
def ask_other(scene):
    asked = answering(scene, lambda question: question + "!")
    peer = answering(scene, lambda _: "the wrong client")
    equal("who?!", peer.call("AskOther", asked.id, "who?"))
    big = "b" * 200_000
    equal(big + "!", peer.call("AskOther", asked.id, big))


@scenario("ask-from-outside", "client-results")
def ask_from_outside(scene):
    peer = answering(scene, lambda question: "re: " + question)
    equal((200, "re: äh & so?"), scene.app.ask(peer.id, "äh & so?"))


@scenario("ask-error", "client-results")
def ask_error(scene):
    def fail(_):
        raise ValueError("no idea")

    peer = answering(scene, fail)
    refused(lambda: peer.call("AskMe", "x"), "An unexpected error occurred invoking 'AskMe' on the server. HubException: no idea")
    equal("alive", peer.call("Echo", "alive"))


@scenario("ask-no-handler", "client-results")
def ask_no_handler(scene):
    peer = scene.connect()
    refused(lambda: peer.call("AskMe", "x"), "An unexpected error occurred invoking 'AskMe' on the server. HubException: Client didn't provide a result.")


@scenario("ask-no-answer", "client-results")
def ask_no_answer(scene):
    peer = answering(scene, lambda _: None)
    refused(lambda: peer.call("AskMe", "x"), "An unexpected error occurred invoking 'AskMe' on the server. HubException: Client didn't provide a result.")


@scenario("ask-too-late", "client-results")
def ask_too_late(scene):
    late = concurrent.futures.Future()
    asked = answering(scene, lambda _: asyncio.wrap_future(late))
    peer = scene.connect()
    fails(lambda: peer.call("AskWithin", asked.id, 600, "x"), "AskWithin")
    late.set_result("late")
    equal("alive", asked.call("Echo", "alive"))
    equal("alive", peer.call("Echo", "alive"))


@scenario("ask-client-leaves", "client-results", limit=30)
def ask_client_leaves(scene):
    reached = threading.Event()

    def never(_):
        reached.set()
        return asyncio.get_running_loop().create_future()

    asked = answering(scene, never)
    peer = scene.connect()
    pending = peer.begin("AskOther", asked.id, "x")
    true(reached.wait(STEP), f"the client is not asked within {STEP:g} s")
    asked.client.stop()
    fails(lambda: pending.result(20), "AskOther")
    equal("alive", peer.call("Echo", "alive"))


@scenario("ask-unknown-connection", "client-results")
def ask_unknown_connection(scene):
    peer = scene.connect()
    fails(lambda: peer.call("AskOther", "nobody", "x"), "AskOther")


def fails(action, method):
    """How the text goes on depends on who looks for the connection, the hub's server or a service."""
    try:
        answer = action()
    except CallError as error:
        true(str(error).startswith(f"An unexpected error occurred invoking '{method}' on the server."), f"the error is {error}")
        return
    raise Failed(f"no error, but {answer!r}")
