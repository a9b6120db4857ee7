import { equal, isTrue, pause, sequence } from "../../js-common/check.mjs";

const MESSAGES = 300;

export const send = {
  async "send-to-all"(scene) {
    const all = await scene.several(3);
    await scene.reaches(all, all, (text) => all[0].invoke("Broadcast", text), "All");
    await scene.reaches(all, all, (text) => all[2].invoke("Broadcast", text), "All");
  },

  async "send-to-others"(scene) {
    const all = await scene.several(4);
    await scene.reaches(all, [all[0], all[1], all[3]], (text) => all[2].invoke("BroadcastOthers", text), "Others");
  },

  async "send-to-all-except"(scene) {
    const all = await scene.several(4);
    const except = (text, ...ids) => all[0].invoke("BroadcastExcept", text, ids);
    await scene.reaches(all, all, (text) => except(text), "AllExcept()");
    await scene.reaches(all, [all[0], all[2], all[3]], (text) => except(text, all[1].id), "AllExcept(b)");
    await scene.reaches(all, [all[3]], (text) => except(text, all[0].id, all[1].id, all[2].id), "AllExcept(a, b, c)");
    await scene.reaches(all, all, (text) => except(text, "nobody"), "AllExcept(unknown)");
  },

  async "send-to-connection"(scene) {
    const all = await scene.several(3);
    await scene.reaches(all, [all[2]], (text) => all[0].invoke("SendConnection", all[2].id, text), "Client(c)");
    await scene.reaches(all, [all[0]], (text) => all[0].invoke("SendConnection", all[0].id, text), "Client(own id)");
    await scene.reaches(all, [], (text) => all[0].invoke("SendConnection", "nobody", text), "Client(unknown)");
  },

  async "send-to-user"(scene) {
    const [one, two] = [scene.name("one"), scene.name("two")];
    const all = [await scene.connect(scene.as(one)), await scene.connect(scene.as(one)), await scene.connect(scene.as(two)), await scene.connect()];
    await scene.reaches(all, [all[0], all[1]], (text) => all[3].invoke("SendUser", one, text), "User(one)");
    await scene.reaches(all, [all[2]], (text) => all[0].invoke("SendUser", two, text), "User(two)");
    await scene.reaches(all, [], (text) => all[3].invoke("SendUser", one.toUpperCase(), text), "User(ONE)");
    await scene.reaches(all, [], (text) => all[3].invoke("SendUser", scene.name("nobody"), text), "User(unknown)");
  },

  async "send-by-second-hub"(scene) {
    const [first, second] = [await scene.connect(), await scene.connect({ hubs: ["second"] })];
    const text = scene.name("text");
    await second.invoke("Broadcast", text);
    equal(`second:${text}`, await second.next(), "the message of the second hub");
    const other = scene.name("other");
    await first.invoke("Broadcast", other);
    equal(other, await first.next(), "the message of the first hub");
    await second.invoke("Callback", "end");
    equal([0, 0], [first.pending("second"), second.pending("conformance")], "the numbers of messages of the other's hub");
    equal("works", await first.invoke("Echo", "works"));
    equal([0, 0], [first.disconnects + first.reconnecting, second.disconnects + second.reconnecting], "the numbers of ends and reconnects");
  },

  async "send-from-outside"(scene) {
    const [user, group] = [scene.name("user"), scene.name("group")];
    const all = [await scene.connect(), await scene.connect(scene.as(user)), await scene.connect()];
    const [a, b, c] = all;
    await a.invoke("JoinGroup", group);
    await b.invoke("JoinGroup", group);
    const sent = (to, name, receivers) => scene.reaches(all, receivers, (text) => scene.sendFromOutside(to, name, text), `${to} from outside`);
    await sent("all", "", all);
    await sent("group", group, [a, b]);
    await sent("group", scene.name("empty"), []);
    await sent("user", user, [b]);
    await sent("user", "nobody", []);
    await sent("connection", c.id, [c]);
    await sent("connection", "nobody", []);
  },
};

export const group = {
  async "group-join-and-leave"(scene) {
    const all = await scene.several(3);
    const group = scene.name("group");
    const to = (text) => all[2].invoke("SendGroup", group, text);
    for (const peer of all) await peer.invoke("JoinGroup", group);
    await all[0].invoke("JoinGroup", group);
    await scene.reaches(all, all, to, "three members, one joined twice");
    await all[0].invoke("LeaveGroup", group);
    await scene.reaches(all, all.slice(1), to, "after a left");
    await all[1].invoke("LeaveGroup", scene.name("never-joined"));
    await scene.reaches(all, all.slice(1), to, "after b left another group");
    await all[0].invoke("JoinGroup", group);
    await scene.reaches(all, all, to, "after a came back");
  },

  async "group-names"(scene) {
    const all = await scene.several(3);
    const names = ["red", "blue ü/&?😀", "a.b,c|d\\e:f", "\"quoted\" 'x' <b>"].map((name) => scene.name(name));
    for (const [i, name] of names.entries()) await all[i % 2].invoke("JoinGroup", name);
    const to = (name) => (text) => all[2].invoke("SendGroup", name, text);
    for (const [i, name] of names.entries()) await scene.reaches(all, [all[i % 2]], to(name), `Group(${name})`);
    await scene.reaches(all, [], to(names[0].toUpperCase()), "Group(RED)");
    await scene.reaches(all, [], to(scene.name("empty")), "Group(empty)");
  },

  async "group-except"(scene) {
    const all = await scene.several(4);
    const group = scene.name("group");
    for (const peer of all.slice(0, 3)) await peer.invoke("JoinGroup", group);
    await scene.reaches(all, [all[0], all[2]], (text) => all[3].invoke("SendGroupExcept", group, text, [all[1].id]), "GroupExcept(b)");
    await scene.reaches(all, all.slice(0, 3), (text) => all[3].invoke("SendGroupExcept", group, text, [all[3].id]), "GroupExcept(not a member)");
  },

  async "group-others"(scene) {
    const all = await scene.several(4);
    const group = scene.name("group");
    for (const peer of all.slice(0, 3)) await peer.invoke("JoinGroup", group);
    await scene.reaches(all, [all[1], all[2]], (text) => all[0].invoke("SendOthersInGroup", group, text), "OthersInGroup of a member");
    await scene.reaches(all, all.slice(0, 3), (text) => all[3].invoke("SendOthersInGroup", group, text), "OthersInGroup of another");
  },

  async "group-gone-after-stop"(scene) {
    const all = await scene.several(2);
    const group = scene.name("group");
    const to = (text) => all[1].invoke("SendGroup", group, text);
    for (const peer of all) await peer.invoke("JoinGroup", group);
    await scene.reaches(all, all, to, "two members");
    all[0].stop();
    await all[0].disconnected();
    await all[0].connect();
    await scene.reaches(all, [all[1]], to, "after a started again");
  },

  async "group-churn"(scene) {
    const [member, sender, ...others] = await scene.several(4);
    const group = scene.name("group");
    await member.invoke("JoinGroup", group);
    let sending = true;
    const churn = others.map(async (other) => {
      let rounds = 0;
      for (; sending; rounds++) {
        await other.invoke("JoinGroup", group);
        await other.invoke("LeaveGroup", group);
        await pause(5);
      }
      return rounds;
    });
    const texts = Array.from({ length: MESSAGES }, () => scene.name("text"));
    for (const text of texts) await sender.invoke("SendGroup", group, text);
    sending = false;
    sequence(texts, await member.take(texts.length), "what the member got");
    for (const rounds of await Promise.all(churn)) isTrue(rounds > 0, "nobody joined or left meanwhile");
    await member.invoke("Void");
    equal(0, member.pending(), "the number of further messages");
  },
};
