"""What the hub knows of its caller, and whom it lets in."""

from checks import equal, refusal, refused

from .registry import scenario

PROBE = "a b&c=d+e %41 ü😀"


@scenario("context-query")
def query(scene):
    peer = scene.connect(query={"probe": PROBE, "empty": ""})
    equal(PROBE, peer.call("Query", "probe"), "the parameter")
    equal("", peer.call("Query", "empty"), "the empty parameter")
    equal(None, peer.call("Query", "missing"), "a parameter that is not there")


@scenario("context-header")
def header(scene):
    peer = scene.connect(headers={"X-Probe": "seen"})
    equal("seen", peer.call("Header", "X-Probe"), "the header")
    equal(None, peer.call("Header", "X-Missing"), "a header that is not there")


@scenario("context-cookie")
def cookie(scene):
    peer = scene.connect(cookies={"probe": "seen"})
    equal("seen", peer.call("CookieValue", "probe"), "the cookie")
    equal(None, peer.call("CookieValue", "missing"), "a cookie that is not there")


@scenario("auth-anonymous")
def anonymous(scene):
    equal(None, scene.connect().call("UserName"), "the user")


@scenario("auth-query")
def by_query(scene):
    user = scene.name("user ü+%")
    equal(user, scene.connect(query={"as": user}).call("UserName"), "the user")


@scenario("auth-cookie")
def by_cookie(scene):
    user = scene.name("user")
    named(scene, scene.connect(cookies={"as": user}), user)


@scenario("auth-bearer")
def by_bearer(scene):
    user = scene.name("user")
    named(scene, scene.connect(headers={"Authorization": f"Bearer as={user}"}), user)


def named(scene, peer, user):
    equal(user, peer.call("UserName"), "the user")
    text = scene.name("text")
    peer.call("SendUser", user, text)
    equal(text, peer.next(), "the message to the user")


@scenario("auth-method")
def method(scene):
    peer = scene.connect()
    refused(lambda: peer.call("Secret"), peer.hidden_error("Secret"))
    equal("still here", peer.call("Echo", "still here"))
    user = scene.name("user")
    equal(user, scene.connect(query={"as": user}).call("Secret"), "the user")


@scenario("auth-role")
def role(scene):
    user = scene.name("user")
    for peer in (scene.connect(), scene.connect(query={"as": user, "role": "ops"})):
        refused(lambda peer=peer: peer.call("AdminOnly"), peer.hidden_error("AdminOnly"))
    equal(user, scene.connect(query={"as": user, "role": "admin"}).call("AdminOnly"), "the user")


@scenario("auth-guarded-refused")
def guarded_refused(scene):
    refusal(scene.make(hubs=("guarded",)).start)


@scenario("auth-guarded-open")
def guarded_open(scene):
    user = scene.name("user")
    peer = scene.connect(hubs=("guarded",), query={"as": user})
    equal(user, peer.call("Who"), "the user")
    text = scene.name("text")
    peer.call("Callback", text)
    equal(text, peer.next(), "the message")


@scenario("auth-guarded-dropped")
def guarded_dropped(scene):
    peer = scene.connect(hubs=("conformance", "guarded"))
    refusal(lambda: peer.call_at("guarded", "Who"))
    scene.server.send("guarded", "all", "", scene.name("secret"))
    text = scene.name("text")
    peer.call("Callback", text)
    equal(text, peer.next(), "the message")
    equal([0, 0], [peer.pending("guarded"), peer.ends], "the numbers of messages of the guarded hub and of ends")
