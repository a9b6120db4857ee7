"""Groups."""

import threading
import time

from checks import equal, true

from .registry import scenario

MESSAGES = 300


@scenario("group-join-and-leave")
def join_and_leave(scene):
    everyone = scene.several(3)
    a, b, c = everyone
    group = scene.name("group")

    def reaches(receivers, what):
        scene.reaches(everyone, receivers, lambda text: c.call("SendGroup", group, text), what)

    for peer in (a, b, c, a):
        peer.call("JoinGroup", group)
    reaches(everyone, "three members, one joined twice")
    a.call("LeaveGroup", group)
    reaches([b, c], "after a left")
    b.call("LeaveGroup", scene.name("never-joined"))
    reaches([b, c], "after b left another group")
    a.call("JoinGroup", group)
    reaches(everyone, "after a came back")


@scenario("group-names")
def names(scene):
    everyone = scene.several(3)
    groups = [scene.name(name) for name in ("red", "blue ü/&?😀", "a.b,c|d\\e:f", "\"quoted\" 'x' <b>")]
    for i, group in enumerate(groups):
        everyone[i % 2].call("JoinGroup", group)
    members = [([everyone[i % 2]], group) for i, group in enumerate(groups)]
    for receivers, group in [*members, ([], groups[0].upper()), ([], scene.name("empty"))]:
        scene.reaches(everyone, receivers, lambda text, group=group: everyone[2].call("SendGroup", group, text), f"Group({group})")


@scenario("group-except")
def group_except(scene):
    everyone = scene.several(4)
    a, b, c, d = everyone
    group = scene.name("group")
    for peer in (a, b, c):
        peer.call("JoinGroup", group)
    for receivers, excepted in (([a, c], b), ([a, b, c], d)):
        scene.reaches(everyone, receivers, lambda text, one=excepted: d.call("SendGroupExcept", group, text, [one.id]), "GroupExcept")


@scenario("group-others")
def others(scene):
    everyone = scene.several(4)
    a, b, c, d = everyone
    group = scene.name("group")
    for peer in (a, b, c):
        peer.call("JoinGroup", group)
    for receivers, sender in (([b, c], a), ([a, b, c], d)):
        scene.reaches(everyone, receivers, lambda text, sender=sender: sender.call("SendOthersInGroup", group, text), "OthersInGroup")


@scenario("group-gone-after-stop")
def gone_after_stop(scene):
    everyone = scene.several(2)
    a, b = everyone
    group = scene.name("group")
    for peer in everyone:
        peer.call("JoinGroup", group)
    scene.reaches(everyone, everyone, lambda text: b.call("SendGroup", group, text), "two members")
    a.stop()
    a.ended()
    a.connect()
    scene.reaches(everyone, [b], lambda text: b.call("SendGroup", group, text), "after a started again")


@scenario("group-churn")
def churn(scene):
    member, sender, *churning = scene.several(4)
    group = scene.name("group")
    member.call("JoinGroup", group)
    sent = threading.Event()
    rounds = dict.fromkeys(churning, 0)

    def run(peer):
        while not sent.is_set():
            peer.call("JoinGroup", group)
            peer.call("LeaveGroup", group)
            rounds[peer] += 1
            time.sleep(0.005)

    threads = [threading.Thread(target=run, args=(peer,), daemon=True) for peer in churning]
    for thread in threads:
        thread.start()
    texts = [scene.name("text") for _ in range(MESSAGES)]
    for text in texts:
        sender.call("SendGroup", group, text)
    sent.set()
    equal(texts, member.take(len(texts)), "what the member got")
    for thread in threads:
        thread.join()
    true(all(rounds.values()), "nobody joined or left meanwhile")
    member.call("Void")
    equal(0, member.pending(), "the number of further messages")
