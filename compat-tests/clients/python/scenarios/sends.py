"""Messages to clients, and groups."""

from checks import equal, true

from .registry import scenario


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
