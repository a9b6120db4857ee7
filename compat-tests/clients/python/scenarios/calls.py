"""Beginnings, calls and errors."""

import base64

import msgpack

from checks import STEP, Refused, Skipped, equal, refused, true

from .registry import scenario


# Beginnings


@scenario("connect-and-stop")
def connect_and_stop(scene):
    peer = scene.connect()
    equal("hello", peer.call("Echo", "hello"))
    peer.client.stop()
    equal(scene.driver.CLOSES_AT_STOP, peer.client.closings, "the number of reported closes")


@scenario("connect-start-again")
def connect_start_again(scene):
    peer = scene.connect()
    first = peer.id
    peer.client.stop()
    peer.client.start()
    second = peer.call("GetCallerConnectionId")
    true(first != second, "the second start has the first one's id")


@scenario("connect-picks-transport", "transport-choice")
def connect_picks_transport(scene):
    peer = scene.connect(chooses=False)
    equal("here", peer.call("Echo", "here"))


@scenario("connect-two-hubs")
def connect_two_hubs(scene):
    test = scene.several(2)
    bench = scene.make(hub="bench")
    heard = []
    told = scene.make(hub="bench")
    bench.client.on("m", lambda arguments: heard.append(arguments[0]))
    bench.client.on("Message", lambda arguments: heard.append(arguments[0]))
    told.client.on("m", lambda arguments: told.client.note(arguments[0]))
    bench.client.start()
    told.client.start()
    scene.reaches(test, test, lambda text: test[0].call("ToAll", text), "All of one hub")
    mine = scene.name("mine")
    told.call("Broadcast", mine)
    told.client.noted(mine)
    equal("here", bench.call("Echo", "here"))
    wrong = [text for text in heard if isinstance(text, str) and text.startswith(scene.tag) and text != mine]
    equal([], wrong, "messages of the other hub")
    for peer in test:
        true(not peer.has_text, "a hub's message reached another hub's client")


@scenario("connect-hub-throws")
def connect_hub_throws(scene):
    peer = scene.make("onconnect=throw")
    try:
        peer.client.start()
    except Refused:
        return
    true(peer.client.closed.wait(STEP), "the client does not notice the end")


@scenario("connect-hub-aborts")
def connect_hub_aborts(scene):
    peer = scene.make("onconnect=abort")
    try:
        peer.client.start()
    except Refused:
        return
    true(peer.client.closed.wait(STEP), "the client does not notice the end")


@scenario("negotiate-skipped", "skip-negotiation")
def negotiate_skipped(scene):
    if scene.transport != "WebSockets":
        raise Skipped("only for WebSockets")
    if not scene.app.serves:
        raise Skipped("the app does not serve the hub itself")
    peer = scene.connect(skips_negotiation=True)
    equal("here", peer.call("Echo", "here"))


# Calls


@scenario("invoke-result")
def invoke_result(scene):
    peer = scene.connect()
    equal("häll😀", peer.call("Echo", "häll😀"))
    equal(5, peer.call("Add", 7, -2))
    equal(7, peer.call("Length", "äöü 漢字!"))


@scenario("invoke-void")
def invoke_void(scene):
    peer = scene.connect()
    equal(None, peer.call("Nothing"))


@scenario("invoke-null")
def invoke_null(scene):
    peer = scene.connect()
    equal(None, peer.call("Null"))
    equal(None, peer.call("Echo", None))


@scenario("invoke-object")
def invoke_object(scene):
    peer = scene.connect()
    data, guid = bytes([9, 0, 255]), "8f14e45f-ceea-467f-a0e6-1f0c7b8e2d31"
    if scene.protocol == "json":
        names = ["string", "intArray", "byteArray", "guid", "dateTime", "inner"]
        data, time = base64.b64encode(data).decode(), "2001-02-03T04:05:06Z"
    else:
        names = ["String", "IntArray", "ByteArray", "Guid", "DateTime", "Inner"]
        time = msgpack.Timestamp(981173106, 0)
    inner = dict(zip(names, [None, None, None, guid, time, None]))
    sample = dict(zip(names, ["té😀xt", [1, -2, 2147483647], data, guid, time, inner]))
    equal(sample, peer.call("EchoComplexObject", sample))


@scenario("invoke-bytes")
def invoke_bytes(scene):
    peer = scene.connect()
    for sample in (b"", b"\0", bytes(range(256)), bytes(i * 31 % 256 for i in range(100_000))):
        sent = base64.b64encode(sample).decode() if scene.protocol == "json" else sample
        equal(sent, peer.call("EchoBytes", sent), f"{len(sample)} bytes")


@scenario("invoke-any")
def invoke_any(scene):
    peer = scene.connect()
    values = [True, False, 0, -1, 127, -128, 65_536, 2**53, 1.5, -0.1, 1e300, "", "x", [], [1, -1, 70_000], ["a", None, ""], [[], [1], [2, 3]]]
    values += [{"one": 1, "zwei 😀": 2, "": 3}, {"a": {"b": [{"c": None}]}}, None]
    for value in values:
        equal(value, peer.call("EchoAny", value))


@scenario("invoke-texts")
def invoke_texts(scene):
    peer = scene.connect()
    texts = ["", " ", "plain", "äöü ß é", "漢字かな", "😀👩‍👩‍👧", '"quoted" \\ / <b>&amp;', "tab\t cr\r lf\n crlf\r\n", "\0\u0001\u007f", "\u2028\u2029\ufeff"]
    texts += ['{}\u001e{"type":6}\u001e', "data: a\r\n\r\ndata: b\r\n\r\n: c", "null", "\u001e" * 300]
    for text in texts:
        equal(text, peer.call("Echo", text))


@scenario("invoke-name-ignores-case")
def invoke_name_ignores_case(scene):
    equal(7, scene.connect().call("aDD", 3, 4))


@scenario("invoke-parallel")
def invoke_parallel(scene):
    peer = scene.connect()
    sums = [peer.begin("Add", i, i * 1000) for i in range(300)]
    for i, pending in enumerate(sums):
        equal(i * 1001, pending.result(), f"sum {i}")


@scenario("invoke-slow-beside-quick")
def invoke_slow_beside_quick(scene):
    peer = scene.connect()
    slow = peer.begin("Slow", 2500)
    equal("quick", peer.call("Echo", "quick"))
    true(not slow.done, "the quick call waited for the slow one")
    equal("done", slow.result())


# Errors


@scenario("error-exception")
def error_exception(scene):
    peer = scene.connect()
    text = scene.app.detailed("An unexpected error occurred invoking 'ThrowException' on the server.", "InvalidOperationException: böse")
    refused(lambda: peer.call("ThrowException", "böse"), text)
    equal("alive", peer.call("Echo", "alive"))


@scenario("error-hub-exception")
def error_hub_exception(scene):
    peer = scene.connect()
    for text in ("told to the client", '"zwei"\n😀'):
        refused(lambda: peer.call("ThrowHubException", text), f"An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: {text}")


@scenario("error-unknown-method")
def error_unknown_method(scene):
    peer = scene.connect()
    text = "Failed to invoke 'NotThere' due to an error on the server. HubException: Method does not exist."
    refused(lambda: peer.call("NotThere"), text)
    refused(lambda: peer.call("NotThere", 1, "two"), text)
    refused(lambda: peer.stream("NotThere").all(), text)


@scenario("error-argument-count")
def error_argument_count(scene):
    peer = scene.connect()
    text = "Failed to invoke 'Add' due to an error on the server."
    detail = "InvalidDataException: Invocation provides {} argument(s) but target expects 2."
    refused(lambda: peer.call("Add", 1), scene.app.detailed(text, detail.format(1)))
    refused(lambda: peer.call("Add", 1, 2, 3), scene.app.detailed(text, detail.format(3)))


@scenario("error-argument-type")
def error_argument_type(scene):
    peer = scene.connect()
    detail = (
        "InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked."
    )
    refused(lambda: peer.call("Add", "one", "two"), scene.app.detailed("Failed to invoke 'Add' due to an error on the server.", detail))
    equal(3, peer.call("Add", 1, 2))


@scenario("error-stream-and-call-mixed-up")
def error_stream_and_call_mixed_up(scene):
    peer = scene.connect()
    refused(lambda: peer.call("Stream"), "The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.")
    refused(lambda: peer.stream("Echo", "x").all(), "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.")


@scenario("error-of-send-is-silent", "send")
def error_of_send_is_silent(scene):
    peer = scene.connect()
    peer.send("NotThere")
    peer.send("Add", "one")
    peer.send("ThrowHubException", "nobody hears it")
    equal("alive", peer.call("Echo", "alive"))
