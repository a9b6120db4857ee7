"""The scenarios, by the names of compat-tests/scenarios.toml; the same for both Python clients."""

import base64
import urllib.parse

import msgpack

from harness import STEP, CallError, Failed, Refused, Scenario, Skipped, equal, refused, true

ALL = []


def scenario(name, *needs, limit=10, slow=False):
    def add(run):
        ALL.append(Scenario(name, run, needs, limit, slow))
        return run

    return add


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


# Sends


@scenario("send-to-caller")
def send_to_caller(scene):
    peers = scene.several(3)
    scene.reaches(peers, [peers[1]], lambda text: peers[1].call("ToCaller", text), "Caller")
    scene.reaches(peers, [peers[2]], lambda text: peers[2].call("InvokeWithString", text), "Client(own id)")


@scenario("send-to-all")
def send_to_all(scene):
    peers = scene.several(3)
    scene.reaches(peers, peers, lambda text: peers[0].call("ToAll", text), "All")


@scenario("send-to-others")
def send_to_others(scene):
    peers = scene.several(3)
    scene.reaches(peers, [peers[0], peers[2]], lambda text: peers[1].call("ToOthers", text), "Others")


@scenario("send-to-all-except")
def send_to_all_except(scene):
    peers = scene.several(4)
    for left_out, what in (([], "nobody"), ([1], "b"), ([0, 1, 2], "a, b, c")):
        receivers = [peer for i, peer in enumerate(peers) if i not in left_out]
        ids = [peers[i].id for i in left_out]
        scene.reaches(peers, receivers, lambda text: peers[0].call("ToAllExcept", ids, text), f"AllExcept({what})")
    scene.reaches(peers, peers, lambda text: peers[0].call("ToAllExcept", ["nobody"], text), "AllExcept(unknown)")


@scenario("send-to-client")
def send_to_client(scene):
    peers = scene.several(3)
    scene.reaches(peers, [peers[2]], lambda text: peers[0].call("ToClient", peers[2].id, text), "Client(c)")
    scene.reaches(peers, [], lambda text: peers[0].call("ToClient", "nobody", text), "Client(unknown)")


@scenario("send-to-clients")
def send_to_clients(scene):
    peers = scene.several(4)
    ids = [peers[0].id, "nobody", peers[3].id]
    scene.reaches(peers, [peers[0], peers[3]], lambda text: peers[0].call("ToClients", ids, text), "Clients(a, unknown, d)")


@scenario("send-to-group")
def send_to_group(scene):
    peers = scene.several(4)
    red, blue = scene.name("red"), scene.name("blue ü/&?")
    peers[0].call("Join", red)
    peers[1].call("Join", red)
    peers[1].call("Join", blue)
    peers[2].call("Join", blue)
    scene.reaches(peers, peers[:2], lambda text: peers[3].call("ToGroup", red, text), "Group(red)")
    scene.reaches(peers, peers[1:3], lambda text: peers[3].call("ToGroup", blue, text), "Group(blue)")
    scene.reaches(peers, [], lambda text: peers[3].call("ToGroup", red.upper(), text), "Group(RED)")


@scenario("send-to-groups")
def send_to_groups(scene):
    peers = scene.several(3)
    red, blue = scene.name("red"), scene.name("blue")
    peers[0].call("Join", red)
    peers[1].call("Join", blue)
    scene.reaches(peers, peers[:2], lambda text: peers[2].call("ToGroups", [red, blue, "nobody's"], text), "Groups(red, blue, unknown)")


@scenario("send-to-group-except")
def send_to_group_except(scene):
    peers = scene.several(4)
    group = scene.name("group")
    for peer in peers[:3]:
        peer.call("Join", group)
    scene.reaches(peers, [peers[0], peers[2]], lambda text: peers[3].call("ToGroupExcept", group, [peers[1].id], text), "GroupExcept(b)")
    scene.reaches(peers, peers[:3], lambda text: peers[3].call("ToGroupExcept", group, [peers[3].id], text), "GroupExcept(not a member)")


@scenario("send-to-others-in-group")
def send_to_others_in_group(scene):
    peers = scene.several(3)
    group = scene.name("group")
    for peer in peers[:2]:
        peer.call("Join", group)
    scene.reaches(peers, [peers[1]], lambda text: peers[0].call("ToOthersInGroup", group, text), "OthersInGroup")


@scenario("send-to-user")
def send_to_user(scene):
    one, two = scene.name("one"), scene.name("two")
    peers = [scene.connect(f"user={one}"), scene.connect(f"user={one}"), scene.connect(f"user={two}"), scene.connect()]
    scene.reaches(peers, peers[:2], lambda text: peers[3].call("ToUser", one, text), "User(one)")
    scene.reaches(peers, [peers[2]], lambda text: peers[3].call("ToUser", two, text), "User(two)")
    scene.reaches(peers, [], lambda text: peers[3].call("ToUser", one.upper(), text), "User(ONE)")


@scenario("send-to-users")
def send_to_users(scene):
    one, two = scene.name("one"), scene.name("two")
    peers = [scene.connect(f"user={one}"), scene.connect(f"user={two}"), scene.connect()]
    scene.reaches(peers, peers[:2], lambda text: peers[2].call("ToUsers", [one, two, "nobody"], text), "Users(one, two, unknown)")


@scenario("send-on-connect")
def send_on_connect(scene):
    greeting = "sent from OnConnectedAsync"
    peer = scene.connect("onconnect=send", hears=lambda text: text == greeting)
    equal(greeting, peer.next())
    peer.call("Nothing")
    true(not peer.has_text, "the greeting came twice")


@scenario("send-from-outside")
def send_from_outside(scene):
    user, group = scene.name("user"), scene.name("group")
    peers = [scene.connect(), scene.connect(f"user={user}"), scene.connect()]
    for peer in peers[:2]:
        peer.call("Join", group)
    ids = [peer.id for peer in peers]

    def sent(receivers, to, targets=None, excepted=None):
        scene.reaches(peers, receivers, lambda text: scene.app.send(to, targets, excepted, text), f"{to} from outside")

    sent(peers, "all")
    sent([peers[2]], "all", excepted=ids[:2])
    sent([peers[2]], "clients", [ids[2]])
    sent(peers[:2], "clients", ids[:2])
    sent([peers[1]], "users", [user])
    sent([peers[1]], "users", [user, "nobody"])
    sent(peers[:2], "groups", [group])
    sent([peers[1]], "groups", [group], [ids[0]])


# Groups


@scenario("group-on-connect")
def group_on_connect(scene):
    first, second = scene.name("first"), scene.name("second")
    peers = [scene.connect(f"group={first}&group={second}"), scene.connect(f"group={first}")]
    scene.reaches(peers, peers, lambda text: peers[1].call("ToGroup", first, text), "Group(first)")
    scene.reaches(peers, [peers[0]], lambda text: peers[1].call("ToGroup", second, text), "Group(second)")


@scenario("group-join-and-leave")
def group_join_and_leave(scene):
    peers = scene.several(2)
    group = scene.name("group")
    for peer in peers:
        peer.call("Join", group)
    peers[0].call("Join", group)
    scene.reaches(peers, peers, lambda text: peers[0].call("ToGroup", group, text), "two members")
    peers[0].call("Leave", group)
    peers[0].call("Leave", scene.name("never-joined"))
    scene.reaches(peers, [peers[1]], lambda text: peers[0].call("ToGroup", group, text), "after a left")
    peers[0].call("Join", group)
    scene.reaches(peers, peers, lambda text: peers[0].call("ToGroup", group, text), "after a came back")


@scenario("group-join-for-other")
def group_join_for_other(scene):
    peers = scene.several(2)
    group = scene.name("group")
    peers[0].call("JoinFor", peers[1].id, group)
    scene.reaches(peers, [peers[1]], lambda text: peers[0].call("ToGroup", group, text), "added by another")
    peers[0].call("LeaveFor", peers[1].id, group)
    scene.reaches(peers, [], lambda text: peers[0].call("ToGroup", group, text), "removed by another")


@scenario("group-from-outside")
def group_from_outside(scene):
    peers = scene.several(2)
    group = scene.name("group")
    scene.app.join(group, peers[0].id)
    scene.reaches(peers, [peers[0]], lambda text: peers[1].call("ToGroup", group, text), "joined from outside")
    scene.app.leave(group, peers[0].id)
    scene.reaches(peers, [], lambda text: peers[1].call("ToGroup", group, text), "removed from outside")


@scenario("group-gone-after-disconnect")
def group_gone_after_disconnect(scene):
    peers = scene.several(2)
    group = scene.name("group")
    peers[0].call("Join", group)
    peers[0].client.stop()
    peers[0].client.start()
    peers[0].id = peers[0].call("GetCallerConnectionId")
    scene.reaches(peers, [], lambda text: peers[1].call("ToGroup", group, text), "after the restart")


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


@scenario("ask-unknown-connection", "client-results")
def ask_unknown_connection(scene):
    peer = scene.connect()
    try:
        peer.call("AskOther", "nobody", "x")
    except CallError as error:
        true(str(error).startswith("An unexpected error occurred invoking 'AskOther' on the server."), f"the error is {error}")
        return
    raise Failed("an unknown connection answered")


# Identity


@scenario("who-anonymous")
def who_anonymous(scene):
    peer = scene.connect()
    equal(None, peer.call("UserId"), "the user id")


def member(seen, name):
    """The member of an answer: camel case in JSON, as declared in MessagePack."""
    return seen[name if name in seen else name[0].upper() + name[1:]]


@scenario("who-user")
def who_user(scene):
    user = scene.name("ü&ser ")
    peer = scene.connect(token=f"user={urllib.parse.quote(user)}&role=admin&claim=dept:r%26d")
    equal(user, peer.call("UserId"), "the user id")
    seen = peer.call("WhoAmI")
    equal(user + "-name", member(seen, "name"), "the name")
    equal([["dept", "r&d"]], [pair for pair in member(seen, "claims") if pair[0] == "dept"], "the claim")


@scenario("who-query")
def who_query(scene):
    peer = scene.connect("tenant=r%26d%20%C3%BC&list=1&list=2")
    equal("r&d ü", peer.call("Query", "tenant"), "tenant")
    equal("1,2", peer.call("Query", "list"), "list")
    equal("", peer.call("Query", "missing"), "a parameter that was not given")


@scenario("who-headers")
def who_headers(scene):
    peer = scene.connect(headers={"X-First": 'one, two; three="4"'})
    equal('one, two; three="4"', peer.call("Header", "X-First"), "X-First")
    equal("", peer.call("Header", "X-Third"), "a header that was not sent")


@scenario("who-transport")
def who_transport(scene):
    peer = scene.connect()
    seen = peer.call("WhoAmI")
    if scene.app.serves:
        equal(scene.transport, member(seen, "transport"), "the transport")
        equal("/testhub", member(seen, "path"), "the path")
    equal(peer.id, member(seen, "connectionId"), "the connection id")


@scenario("auth-refused")
def auth_refused(scene):
    try:
        scene.make(hub="secret").client.start()
    except Refused as error:
        true("401" in str(error), f"the refusal is: {error}")
        return
    raise Failed("an anonymous client was let in")


@scenario("auth-token")
def auth_token(scene):
    user = scene.name("user")
    peer = scene.connect(hub="secret", token=f"user={user}&role=admin&role=ops&claim=dept:r%26d")
    equal(f"{user}|{user}-name|admin,ops|r&d", peer.call("Summary"))


@scenario("auth-token-factory")
def auth_token_factory(scene):
    user = scene.name("user")
    peer = scene.connect(hub="secret", token=f"user={user}", token_by_factory=True)
    equal(f"{user}|{user}-name||", peer.call("Summary"))


@scenario("auth-query")
def auth_query(scene):
    user = scene.name("user")
    peer = scene.connect(f"user={user}&role=admin", hub="secret")
    equal(f"{user}|{user}-name|admin|", peer.call("Summary"))


@scenario("auth-role")
def auth_role(scene):
    plain = scene.connect(hub="secret", token="user=plain&role=guest")
    equal("in", plain.call("Echo", "in"))
    refused(lambda: plain.call("AdminOnly"), "Failed to invoke 'AdminOnly' because user is unauthorized")
    equal("ok", scene.connect(hub="secret", token="user=chief&role=admin").call("AdminOnly"))


# Sizes and order


@scenario("size-text-edges", limit=30)
def size_text_edges(scene):
    peer = scene.connect()
    for size in (2_047, 4_096, 16_383, 32_768, 65_535, 65_536, 70_000):
        for character in ("é", "漢", "😀"):
            # One byte more or less in front moves the cut through the characters.
            for front in ("", "a"):
                width = len(character.encode())
                text = front + character * ((size - len(front)) // width)
                equal(text, peer.call("Echo", text), f"{size} bytes of {character}")


@scenario("size-megabyte", limit=30)
def size_megabyte(scene):
    peer = scene.connect()
    equal(1_000_000, peer.call("Length", "y" * 1_000_000, timeout=20))
    text = peer.call("Big", 1_000_000, timeout=20)
    true(text == "x" * 1_000_000, f"Big returned {len(text)} characters")


@scenario("size-over-limit", limit=30)
def size_over_limit(scene):
    peer, witness = scene.several(2)
    try:
        peer.send("Length", "z" * 1_200_000)
    except Exception:
        # The end may come while the client still writes; what counts is that it comes.
        pass
    true(peer.client.closed.wait(STEP), "the client does not notice the end")
    equal("here", witness.call("Echo", "here"))
    equal("again", scene.connect().call("Echo", "again"))


@scenario("order-down", limit=30)
def order_down(scene):
    peer = scene.connect(hears=str.isdigit)
    peer.send("Many", 1000)
    for i in range(1000):
        equal(str(i), peer.next(), "the next message")


@scenario("order-up", limit=60)
def order_up(scene):
    peers = scene.several(2)
    texts = [scene.name() for _ in range(1000)]
    for text in texts:
        peers[0].send("ToClient", peers[1].id, text)
    for text in texts:
        equal(text, peers[1].next(), "the next message")
    peers[0].call("Nothing")
    true(not peers[1].has_text, "there are more messages than were sent")


@scenario("order-group-churn", limit=60)
def order_group_churn(scene):
    member_, churner, sender = scene.several(3)
    group = scene.name("group")
    member_.call("Join", group)
    texts = [scene.name() for _ in range(200)]
    for i, text in enumerate(texts):
        if i % 10 == 0:
            churner.send("Join" if i % 20 == 0 else "Leave", group)
        sender.send("ToGroup", group, text)
    for text in texts:
        equal(text, member_.next(), "the next message")


# Ends


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


@scenario("idle-stays-up", limit=90, slow=True)
def idle_stays_up(scene):
    peers = [scene.connect(keeps_alive=True) for _ in range(2)]
    # Nothing must happen on these connections for longer than both sides' timeouts; a close would set the event.
    true(not peers[0].client.closed.wait(40), "the first connection closed")
    true(not peers[1].client.closed.is_set(), "the second connection closed")
    equal([peer.id for peer in peers], [peer.call("GetCallerConnectionId") for peer in peers], "the ids")
    scene.reaches(peers, peers, lambda text: peers[1].call("ToAll", text), "after 40 s of silence")
