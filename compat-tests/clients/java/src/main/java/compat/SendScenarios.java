package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Messages to clients, groups and order. */
final class SendScenarios {
    static final List<Scenario> ALL = List.of(
        Scenario.of("send-to-caller", SendScenarios::toCaller),
        Scenario.of("send-to-all", SendScenarios::toAll),
        Scenario.of("send-to-others", SendScenarios::toOthers),
        Scenario.of("send-to-all-except", SendScenarios::toAllExcept),
        Scenario.of("send-to-client", SendScenarios::toClient),
        Scenario.of("send-to-clients", SendScenarios::toClients),
        Scenario.of("send-to-group", SendScenarios::toGroup),
        Scenario.of("send-to-groups", SendScenarios::toGroups),
        Scenario.of("send-to-group-except", SendScenarios::toGroupExcept),
        Scenario.of("send-to-others-in-group", SendScenarios::toOthersInGroup),
        Scenario.of("send-to-user", SendScenarios::toUser),
        Scenario.of("send-to-users", SendScenarios::toUsers),
        Scenario.of("send-on-connect", SendScenarios::onConnect),
        Scenario.of("send-from-outside", SendScenarios::fromOutside),
        Scenario.of("group-on-connect", SendScenarios::groupOnConnect),
        Scenario.of("group-join-and-leave", SendScenarios::groupJoinAndLeave),
        Scenario.of("group-join-for-other", SendScenarios::groupJoinForOther),
        Scenario.of("group-from-outside", SendScenarios::groupFromOutside),
        Scenario.of("group-gone-after-disconnect", SendScenarios::groupGoneAfterDisconnect),
        Scenario.of("order-down", 30, SendScenarios::orderDown),
        Scenario.of("order-up", 60, SendScenarios::orderUp),
        Scenario.of("count-up", 60, SendScenarios::countUp),
        Scenario.of("count-group-churn", 60, SendScenarios::countGroupChurn),
        Scenario.of("order-group-churn", 60, SendScenarios::orderGroupChurn));

    private SendScenarios() { }

    private static List<Peer> some(List<Peer> all, int... numbers) {
        var some = new ArrayList<Peer>();
        for (var number : numbers) some.add(all.get(number));
        return some;
    }

    private static void toCaller(Scene scene) throws Exception {
        var all = scene.several(3);
        scene.reaches(all, some(all, 1), "Caller", text -> all.get(1).run("ToCaller", text));
        scene.reaches(all, some(all, 2), "Client(own id)", text -> all.get(2).run("InvokeWithString", text));
    }

    private static void toAll(Scene scene) throws Exception {
        var all = scene.several(3);
        scene.reaches(all, all, "All", text -> all.get(0).run("ToAll", text));
    }

    private static void toOthers(Scene scene) throws Exception {
        var all = scene.several(3);
        scene.reaches(all, some(all, 0, 2), "Others", text -> all.get(1).run("ToOthers", text));
    }

    private static void toAllExcept(Scene scene) throws Exception {
        var all = scene.several(4);
        var hub = all.get(0);
        scene.reaches(all, all, "AllExcept()", text -> hub.run("ToAllExcept", List.of(), text));
        scene.reaches(all, some(all, 0, 2, 3), "AllExcept(b)", text -> hub.run("ToAllExcept", List.of(all.get(1).id), text));
        scene.reaches(all, some(all, 3), "AllExcept(a, b, c)", text -> hub.run("ToAllExcept", List.of(hub.id, all.get(1).id, all.get(2).id), text));
        scene.reaches(all, all, "AllExcept(unknown)", text -> hub.run("ToAllExcept", List.of("nobody"), text));
    }

    private static void toClient(Scene scene) throws Exception {
        var all = scene.several(3);
        scene.reaches(all, some(all, 2), "Client(c)", text -> all.get(0).run("ToClient", all.get(2).id, text));
        scene.reaches(all, List.of(), "Client(unknown)", text -> all.get(0).run("ToClient", "nobody", text));
    }

    private static void toClients(Scene scene) throws Exception {
        var all = scene.several(4);
        var ids = List.of(all.get(0).id, "nobody", all.get(3).id);
        scene.reaches(all, some(all, 0, 3), "Clients(a, unknown, d)", text -> all.get(0).run("ToClients", ids, text));
    }

    private static void toGroup(Scene scene) throws Exception {
        var all = scene.several(4);
        var red = scene.name("red");
        var blue = scene.name("blue ü/&?");
        for (var peer : some(all, 0, 1)) peer.run("Join", red);
        for (var peer : some(all, 1, 2)) peer.run("Join", blue);
        scene.reaches(all, some(all, 0, 1), "Group(red)", text -> all.get(3).run("ToGroup", red, text));
        scene.reaches(all, some(all, 1, 2), "Group(blue)", text -> all.get(3).run("ToGroup", blue, text));
        scene.reaches(all, List.of(), "Group(RED)", text -> all.get(3).run("ToGroup", red.toUpperCase(), text));
    }

    private static void toGroups(Scene scene) throws Exception {
        var all = scene.several(3);
        var red = scene.name("red");
        var blue = scene.name("blue");
        all.get(0).run("Join", red);
        all.get(1).run("Join", blue);
        scene.reaches(all, some(all, 0, 1), "Groups(red, blue, unknown)", text -> all.get(2).run("ToGroups", List.of(red, blue, "nobody's"), text));
    }

    private static void toGroupExcept(Scene scene) throws Exception {
        var all = scene.several(4);
        var group = scene.name("group");
        for (var peer : some(all, 0, 1, 2)) peer.run("Join", group);
        scene.reaches(all, some(all, 0, 2), "GroupExcept(b)", text -> all.get(3).run("ToGroupExcept", group, List.of(all.get(1).id), text));
        scene.reaches(all, some(all, 0, 1, 2), "GroupExcept(not a member)", text -> all.get(3).run("ToGroupExcept", group, List.of(all.get(3).id), text));
    }

    private static void toOthersInGroup(Scene scene) throws Exception {
        var all = scene.several(3);
        var group = scene.name("group");
        for (var peer : some(all, 0, 1)) peer.run("Join", group);
        scene.reaches(all, some(all, 1), "OthersInGroup", text -> all.get(0).run("ToOthersInGroup", group, text));
    }

    private static void toUser(Scene scene) throws Exception {
        var one = scene.name("one");
        var two = scene.name("two");
        var all = List.of(scene.connect("user=" + one), scene.connect("user=" + one), scene.connect("user=" + two), scene.connect());
        scene.reaches(all, some(all, 0, 1), "User(one)", text -> all.get(3).run("ToUser", one, text));
        scene.reaches(all, some(all, 2), "User(two)", text -> all.get(3).run("ToUser", two, text));
        scene.reaches(all, List.of(), "User(ONE)", text -> all.get(3).run("ToUser", one.toUpperCase(), text));
    }

    private static void toUsers(Scene scene) throws Exception {
        var one = scene.name("one");
        var two = scene.name("two");
        var all = List.of(scene.connect("user=" + one), scene.connect("user=" + two), scene.connect());
        scene.reaches(all, some(all, 0, 1), "Users(one, two, unknown)", text -> all.get(2).run("ToUsers", List.of(one, two, "nobody"), text));
    }

    private static void onConnect(Scene scene) throws Exception {
        var greeting = "sent from OnConnectedAsync";
        var peer = scene.connect(new Scene.Wish("testhub", "onconnect=send", null, Map.of(), greeting::equals, null, false));
        equal(greeting, peer.next(), "the message");
        peer.run("Nothing");
        isTrue(peer.texts.isEmpty(), "the greeting came twice");
    }

    private static void fromOutside(Scene scene) throws Exception {
        var user = scene.name("user");
        var group = scene.name("group");
        var all = List.of(scene.connect(), scene.connect("user=" + user), scene.connect());
        for (var peer : some(all, 0, 1)) peer.run("Join", group);
        var a = all.get(0).id;
        var b = all.get(1).id;
        sent(scene, all, all, "all", List.of(), List.of());
        sent(scene, all, some(all, 2), "all", List.of(), List.of(a, b));
        sent(scene, all, some(all, 2), "clients", List.of(all.get(2).id), List.of());
        sent(scene, all, some(all, 0, 1), "clients", List.of(a, b), List.of());
        sent(scene, all, some(all, 1), "users", List.of(user), List.of());
        sent(scene, all, some(all, 1), "users", List.of(user, "nobody"), List.of());
        sent(scene, all, some(all, 0, 1), "groups", List.of(group), List.of());
        sent(scene, all, some(all, 1), "groups", List.of(group), List.of(a));
    }

    private static void sent(Scene scene, List<Peer> all, List<Peer> receivers, String to, List<String> ids, List<String> except) throws Exception {
        scene.reaches(all, receivers, to + " from outside", text -> scene.app.send(to, ids, except, text));
    }

    private static void groupOnConnect(Scene scene) throws Exception {
        var first = scene.name("first");
        var second = scene.name("second");
        var all = List.of(scene.connect("group=" + first + "&group=" + second), scene.connect("group=" + first));
        scene.reaches(all, all, "Group(first)", text -> all.get(1).run("ToGroup", first, text));
        scene.reaches(all, some(all, 0), "Group(second)", text -> all.get(1).run("ToGroup", second, text));
    }

    private static void groupJoinAndLeave(Scene scene) throws Exception {
        var all = scene.several(2);
        var group = scene.name("group");
        for (var peer : some(all, 0, 1, 0)) peer.run("Join", group);
        scene.reaches(all, all, "two members", text -> all.get(0).run("ToGroup", group, text));
        all.get(0).run("Leave", group);
        all.get(0).run("Leave", scene.name("never-joined"));
        scene.reaches(all, some(all, 1), "after a left", text -> all.get(0).run("ToGroup", group, text));
        all.get(0).run("Join", group);
        scene.reaches(all, all, "after a came back", text -> all.get(0).run("ToGroup", group, text));
    }

    private static void groupJoinForOther(Scene scene) throws Exception {
        var all = scene.several(2);
        var group = scene.name("group");
        all.get(0).run("JoinFor", all.get(1).id, group);
        scene.reaches(all, some(all, 1), "added by another", text -> all.get(0).run("ToGroup", group, text));
        all.get(0).run("LeaveFor", all.get(1).id, group);
        scene.reaches(all, List.of(), "removed by another", text -> all.get(0).run("ToGroup", group, text));
    }

    private static void groupFromOutside(Scene scene) throws Exception {
        var all = scene.several(2);
        var group = scene.name("group");
        scene.app.member("PUT", group, all.get(0).id);
        scene.reaches(all, some(all, 0), "joined from outside", text -> all.get(1).run("ToGroup", group, text));
        scene.app.member("DELETE", group, all.get(0).id);
        scene.reaches(all, List.of(), "removed from outside", text -> all.get(1).run("ToGroup", group, text));
    }

    private static void groupGoneAfterDisconnect(Scene scene) throws Exception {
        var all = scene.several(2);
        var group = scene.name("group");
        all.get(0).run("Join", group);
        all.get(0).stop();
        all.get(0).closed();
        all.get(0).start();
        all.get(0).id = all.get(0).text("GetCallerConnectionId");
        scene.reaches(all, List.of(), "after the restart", text -> all.get(1).run("ToGroup", group, text));
    }

    private static void orderDown(Scene scene) throws Exception {
        var peer = scene.connect(new Scene.Wish("testhub", "", null, Map.of(), text -> text.matches("[0-9]+"), null, false));
        peer.hub.send("Many", 1000);
        for (var i = 0; i < 1000; i++) equal(String.valueOf(i), peer.next(), "the next message");
    }

    private static void orderUp(Scene scene) throws Exception {
        var texts = new ArrayList<String>();
        var receiver = sendThousand(scene, texts);
        for (var text : texts) equal(text, receiver.next(), "the next message");
        receiver.run("Nothing");
        isTrue(receiver.texts.isEmpty(), "there are more messages than were sent");
    }

    // Long polling posts what is sent together in any order, and order-up shows it.
    private static void countUp(Scene scene) throws Exception {
        var texts = new ArrayList<String>();
        var receiver = sendThousand(scene, texts);
        eachOnce(texts, receiver);
    }

    private static Peer sendThousand(Scene scene, List<String> texts) {
        var all = scene.several(2);
        for (var i = 0; i < 1000; i++) texts.add(scene.name(""));
        for (var text : texts) all.get(0).hub.send("ToClient", all.get(1).id, text);
        return all.get(1);
    }

    private static void eachOnce(List<String> texts, Peer receiver) throws Exception {
        var got = new ArrayList<String>();
        for (var i = 0; i < texts.size(); i++) got.add(receiver.next());
        equal(texts.stream().sorted().toList(), got.stream().sorted().toList(), "the messages");
        receiver.run("Nothing");
        isTrue(receiver.texts.isEmpty(), "there are more messages than were sent");
    }

    private static void orderGroupChurn(Scene scene) throws Exception {
        var texts = new ArrayList<String>();
        var receiver = churn(scene, texts);
        for (var text : texts) equal(text, receiver.next(), "the next message");
    }

    private static void countGroupChurn(Scene scene) throws Exception {
        var texts = new ArrayList<String>();
        var receiver = churn(scene, texts);
        eachOnce(texts, receiver);
    }

    private static Peer churn(Scene scene, List<String> texts) {
        var all = scene.several(3);
        var group = scene.name("group");
        all.get(0).run("Join", group);
        for (var i = 0; i < 200; i++) {
            texts.add(scene.name(""));
            if (i % 10 == 0) all.get(1).hub.send(i % 20 == 0 ? "Join" : "Leave", group);
            all.get(2).hub.send("ToGroup", group, texts.get(i));
        }
        return all.get(0);
    }
}
