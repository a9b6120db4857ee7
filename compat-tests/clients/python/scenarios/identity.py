"""What the hub knows of its caller, and whom it lets in."""

import urllib.parse

from checks import Failed, Refused, equal, refused, true

from .registry import scenario


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
