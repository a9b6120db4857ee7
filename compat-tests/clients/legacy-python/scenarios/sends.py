"""Sends to all, to connections and to users."""

from checks import equal

from .registry import scenario


@scenario("send-to-all")
def to_all(scene):
    everyone = scene.several(3)
    for sender in (everyone[0], everyone[2]):
        scene.reaches(everyone, everyone, lambda text, sender=sender: sender.call("Broadcast", text), "All")


@scenario("send-to-others")
def to_others(scene):
    everyone = scene.several(4)
    scene.reaches(everyone, [everyone[0], everyone[1], everyone[3]], lambda text: everyone[2].call("BroadcastOthers", text), "Others")


@scenario("send-to-all-except")
def to_all_except(scene):
    everyone = scene.several(4)
    a, b, c, d = everyone

    def check(receivers, ids, what):
        scene.reaches(everyone, receivers, lambda text: a.call("BroadcastExcept", text, ids), what)

    check(everyone, [], "AllExcept()")
    check([a, c, d], [b.id], "AllExcept(b)")
    check([d], [a.id, b.id, c.id], "AllExcept(a, b, c)")
    check(everyone, ["nobody"], "AllExcept(unknown)")


@scenario("send-to-connection")
def to_connection(scene):
    everyone = scene.several(3)
    a, _, c = everyone
    for receivers, connection in (([c], c.id), ([a], a.id), ([], "nobody")):
        scene.reaches(everyone, receivers, lambda text, to=connection: a.call("SendConnection", to, text), "Client")


@scenario("send-to-user")
def to_user(scene):
    one, two = scene.name("one"), scene.name("two")
    everyone = [scene.connect(query={"as": user}) for user in (one, one, two)] + [scene.connect()]
    for receivers, user in ((everyone[:2], one), ([everyone[2]], two), ([], one.upper()), ([], scene.name("nobody"))):
        scene.reaches(everyone, receivers, lambda text, user=user: everyone[3].call("SendUser", user, text), f"User({user})")


@scenario("send-by-second-hub")
def by_second_hub(scene):
    first, second = scene.connect(), scene.connect(hubs=("second",))
    text, other = scene.name("text"), scene.name("other")
    second.call("Broadcast", text)
    equal(f"second:{text}", second.next(), "the message of the second hub")
    first.call("Broadcast", other)
    equal(other, first.next(), "the message of the first hub")
    second.call("Callback", "end")
    equal(0, first.pending(), "the number of further messages")
    equal("works", first.call("Echo", "works"))
    equal([0, 0], [first.ends, second.ends], "the numbers of ends")


@scenario("send-from-outside")
def from_outside(scene):
    user, group = scene.name("user"), scene.name("group")
    everyone = [scene.connect(), scene.connect(query={"as": user}), scene.connect()]
    a, b, c = everyone
    for peer in (a, b):
        peer.call("JoinGroup", group)
    ways = (
        (everyone, "all", ""),
        ([a, b], "group", group),
        ([], "group", scene.name("empty")),
        ([b], "user", user),
        ([], "user", "nobody"),
        ([c], "connection", c.id),
        ([], "connection", "nobody"),
    )
    for receivers, to, name in ways:
        scene.reaches(everyone, receivers, lambda text, to=to, name=name: scene.server.send("conformance", to, name, text), f"{to} from outside")
