package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/** Groups. */
final class GroupScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.of(
        "group-join-and-leave", GroupScenarios::joinAndLeave,
        "group-names", GroupScenarios::names,
        "group-except", GroupScenarios::except,
        "group-others", GroupScenarios::others,
        "group-gone-after-stop", GroupScenarios::goneAfterStop,
        "group-churn", GroupScenarios::churn);

    private static final int MESSAGES = 300;

    private GroupScenarios() { }

    private static void joinAndLeave(Scene scene) throws Exception {
        var all = scene.several(3);
        var group = scene.name("group");
        Scene.Send to = text -> all.get(2).call("SendGroup", group, text);
        for (var peer : all) peer.call("JoinGroup", group);
        all.get(0).call("JoinGroup", group);
        scene.reaches(all, all, "three members, one joined twice", to);
        all.get(0).call("LeaveGroup", group);
        scene.reaches(all, all.subList(1, 3), "after a left", to);
        all.get(1).call("LeaveGroup", scene.name("never-joined"));
        scene.reaches(all, all.subList(1, 3), "after b left another group", to);
        all.get(0).call("JoinGroup", group);
        scene.reaches(all, all, "after a came back", to);
    }

    private static void names(Scene scene) throws Exception {
        var all = scene.several(3);
        var names = List.of("red", "blue ü/&?😀", "a.b,c|d\\e:f", "\"quoted\" 'x' <b>").stream().map(scene::name).toList();
        for (var i = 0; i < names.size(); i++) all.get(i % 2).call("JoinGroup", names.get(i));
        for (var i = 0; i < names.size(); i++) to(scene, all, List.of(all.get(i % 2)), names.get(i));
        to(scene, all, List.of(), names.get(0).toUpperCase(Locale.ROOT));
        to(scene, all, List.of(), scene.name("empty"));
    }

    private static void to(Scene scene, List<Peer> all, List<Peer> receivers, String group) throws Exception {
        scene.reaches(all, receivers, "Group(" + group + ")", text -> all.get(2).call("SendGroup", group, text));
    }

    private static void except(Scene scene) throws Exception {
        var all = scene.several(4);
        var group = scene.name("group");
        for (var peer : all.subList(0, 3)) peer.call("JoinGroup", group);
        scene.reaches(all, List.of(all.get(0), all.get(2)), "GroupExcept(b)", text -> all.get(3).call("SendGroupExcept", group, text, List.of(all.get(1).id)));
        scene.reaches(all, all.subList(0, 3), "GroupExcept(not a member)", text -> all.get(3).call("SendGroupExcept", group, text, List.of(all.get(3).id)));
    }

    private static void others(Scene scene) throws Exception {
        var all = scene.several(4);
        var group = scene.name("group");
        for (var peer : all.subList(0, 3)) peer.call("JoinGroup", group);
        scene.reaches(all, all.subList(1, 3), "OthersInGroup of a member", text -> all.get(0).call("SendOthersInGroup", group, text));
        scene.reaches(all, all.subList(0, 3), "OthersInGroup of another", text -> all.get(3).call("SendOthersInGroup", group, text));
    }

    private static void goneAfterStop(Scene scene) throws Exception {
        var all = scene.several(2);
        var group = scene.name("group");
        Scene.Send to = text -> all.get(1).call("SendGroup", group, text);
        for (var peer : all) peer.call("JoinGroup", group);
        scene.reaches(all, all, "two members", to);
        all.get(0).stop();
        all.get(0).ended();
        all.get(0).connect();
        scene.reaches(all, all.subList(1, 2), "after a started again", to);
    }

    private static void churn(Scene scene) throws Exception {
        var all = scene.several(4);
        var member = all.get(0);
        var group = scene.name("group");
        member.call("JoinGroup", group);
        var isSending = new AtomicBoolean(true);
        var churning = all.subList(2, 4).stream().map(other -> CompletableFuture.supplyAsync(() -> rounds(other, group, isSending))).toList();
        var texts = new ArrayList<String>();
        for (var i = 0; i < MESSAGES; i++) {
            texts.add(scene.name("text"));
            all.get(1).call("SendGroup", group, texts.get(i));
        }
        isSending.set(false);
        equal(texts, member.take(texts.size(), 10), "what the member got");
        for (var rounds : churning) isTrue(rounds.get() > 0, "nobody joined or left meanwhile");
        member.call("Void");
        equal(0, member.pending(), "the number of further messages");
    }

    private static int rounds(Peer other, String group, AtomicBoolean isSending) {
        var rounds = 0;
        try {
            for (; isSending.get(); rounds++) {
                other.call("JoinGroup", group);
                other.call("LeaveGroup", group);
                Thread.sleep(5);
            }
        } catch (Exception error) {
            throw new Check.Failed("joining and leaving: " + error);
        }
        return rounds;
    }
}
