import { equal } from "../../js-common/check.mjs";

export const sends = {
  async "send-to-caller"(scene) {
    const all = await scene.several(3);
    await scene.reaches(all, [all[1]], (text) => all[1].invoke("ToCaller", text), "Caller");
    await scene.reaches(all, [all[2]], (text) => all[2].send("InvokeWithString", text), "Client(own id)");
  },

  async "send-to-all"(scene) {
    const all = await scene.several(3);
    await scene.reaches(all, all, (text) => all[0].invoke("ToAll", text), "All");
    await scene.reaches(all, all, (text) => all[2].send("ToAll", text), "All");
  },

  async "send-to-others"(scene) {
    const all = await scene.several(4);
    await scene.reaches(all, [all[0], all[1], all[3]], (text) => all[2].invoke("ToOthers", text), "Others");
  },

  async "send-to-all-except"(scene) {
    const all = await scene.several(4);
    const except = (text, ...ids) => all[0].invoke("ToAllExcept", ids, text);
    await scene.reaches(all, all, (text) => except(text), "AllExcept()");
    await scene.reaches(all, [all[0], all[2], all[3]], (text) => except(text, all[1].id), "AllExcept(b)");
    await scene.reaches(all, [all[3]], (text) => except(text, all[0].id, all[1].id, all[2].id), "AllExcept(a, b, c)");
    await scene.reaches(all, all, (text) => except(text, "nobody"), "AllExcept(unknown)");
  },

  async "send-to-client"(scene) {
    const all = await scene.several(3);
    await scene.reaches(all, [all[2]], (text) => all[0].invoke("ToClient", all[2].id, text), "Client(c)");
    await scene.reaches(all, [], (text) => all[0].invoke("ToClient", "nobody", text), "Client(unknown)");
  },

  async "send-to-clients"(scene) {
    const all = await scene.several(4);
    await scene.reaches(all, [all[0], all[3]], (text) => all[0].invoke("ToClients", [all[0].id, "nobody", all[3].id], text), "Clients(a, unknown, d)");
    await scene.reaches(all, [], (text) => all[0].invoke("ToClients", [], text), "Clients()");
  },

  async "send-to-group"(scene) {
    const all = await scene.several(4);
    const [red, blue] = [scene.name("red"), scene.name("blue ü/&?😀")];
    await all[0].invoke("Join", red);
    await all[1].invoke("Join", red);
    await all[1].invoke("Join", blue);
    await all[2].invoke("Join", blue);
    const to = (group) => (text) => all[3].invoke("ToGroup", group, text);
    await scene.reaches(all, [all[0], all[1]], to(red), "Group(red)");
    await scene.reaches(all, [all[1], all[2]], to(blue), "Group(blue)");
    await scene.reaches(all, [], to(red.toUpperCase()), "Group(RED)");
    await scene.reaches(all, [], to(scene.name("empty")), "Group(empty)");
  },

  async "send-to-groups"(scene) {
    const all = await scene.several(4);
    const [red, blue] = [scene.name("red"), scene.name("blue")];
    await all[0].invoke("Join", red);
    await all[1].invoke("Join", blue);
    await scene.reaches(all, [all[0], all[1]], (text) => all[3].invoke("ToGroups", [red, blue, scene.name("empty")], text), "Groups(red, blue, empty)");
    await scene.reaches(all, [all[1]], (text) => all[3].invoke("ToGroups", [blue], text), "Groups(blue)");
    // Who is in both may get it twice, but gets it.
    await all[2].invoke("Join", red);
    await all[2].invoke("Join", blue);
    const text = scene.name("both");
    await all[3].invoke("ToGroups", [red, blue], text);
    for (const peer of all.slice(0, 3)) equal(text, await peer.next(), "the message to both groups");
  },

  async "send-to-group-except"(scene) {
    const all = await scene.several(4);
    const group = scene.name("group");
    for (const peer of all.slice(0, 3)) await peer.invoke("Join", group);
    await scene.reaches(all, [all[0], all[2]], (text) => all[3].invoke("ToGroupExcept", group, [all[1].id], text), "GroupExcept(b)");
    await scene.reaches(all, all.slice(0, 3), (text) => all[3].invoke("ToGroupExcept", group, [all[3].id], text), "GroupExcept(not a member)");
  },

  async "send-to-others-in-group"(scene) {
    const all = await scene.several(4);
    const group = scene.name("group");
    for (const peer of all.slice(0, 3)) await peer.invoke("Join", group);
    await scene.reaches(all, [all[1], all[2]], (text) => all[0].invoke("ToOthersInGroup", group, text), "OthersInGroup of a member");
    await scene.reaches(all, all.slice(0, 3), (text) => all[3].invoke("ToOthersInGroup", group, text), "OthersInGroup of another");
  },

  async "send-to-user"(scene) {
    const { all, one, two } = await users(scene);
    await scene.reaches(all, [all[0], all[1]], (text) => all[3].invoke("ToUser", one, text), "User(one)");
    await scene.reaches(all, [all[2]], (text) => all[0].invoke("ToUser", two, text), "User(two)");
    await scene.reaches(all, [], (text) => all[3].invoke("ToUser", one.toUpperCase(), text), "User(ONE)");
    await scene.reaches(all, [], (text) => all[3].invoke("ToUser", scene.name("nobody"), text), "User(unknown)");
  },

  async "send-to-users"(scene) {
    const { all, one, two } = await users(scene);
    await scene.reaches(all, all.slice(0, 3), (text) => all[3].invoke("ToUsers", [one, two, "nobody"], text), "Users(one, two, unknown)");
    await scene.reaches(all, [all[2]], (text) => all[3].invoke("ToUsers", [two], text), "Users(two)");
  },

  async "send-on-connect"(scene) {
    const greeting = "sent from OnConnectedAsync";
    const peer = await scene.connect({ query: "onconnect=send", hears: (text) => text === greeting });
    equal(greeting, await peer.next());
    await peer.invoke("Nothing");
    equal(0, peer.pending, "the number of further greetings");
  },

  async "send-from-outside"(scene) {
    const [user, group] = [scene.name("user"), scene.name("group")];
    const all = [await scene.connect(), await scene.connect({ query: `user=${user}` }), await scene.connect()];
    const [a, b, c] = all;
    await a.invoke("Join", group);
    await b.invoke("Join", group);
    const sent = (to, ids, except, receivers) =>
      scene.reaches(all, receivers, (text) => scene.app.send(to, ids, except, text), `${to} from outside${except ? " with exceptions" : ""}`);
    await sent("all", null, null, all);
    await sent("all", null, [a.id, b.id], [c]);
    await sent("clients", [c.id], null, [c]);
    await sent("clients", [a.id, b.id], null, [a, b]);
    await sent("users", [user], null, [b]);
    await sent("users", [user, "nobody"], null, [b]);
    await sent("groups", [group], null, [a, b]);
    await sent("groups", [group, scene.name("empty")], null, [a, b]);
    await sent("groups", [group], [a.id], [b]);
  },
};

export const groups = {
  async "group-on-connect"(scene) {
    const [first, second] = [scene.name("first"), scene.name("second")];
    const all = [await scene.connect({ query: `group=${first}&group=${second}` }), await scene.connect({ query: `group=${first}` })];
    await scene.reaches(all, all, (text) => all[1].invoke("ToGroup", first, text), "Group(first)");
    await scene.reaches(all, [all[0]], (text) => all[1].invoke("ToGroup", second, text), "Group(second)");
  },

  async "group-join-and-leave"(scene) {
    const all = await scene.several(3);
    const group = scene.name("group");
    const to = (text) => all[2].invoke("ToGroup", group, text);
    for (const peer of all) await peer.invoke("Join", group);
    await all[0].invoke("Join", group);
    await scene.reaches(all, all, to, "three members, one joined twice");
    await all[0].invoke("Leave", group);
    await scene.reaches(all, all.slice(1), to, "after a left");
    await all[1].invoke("Leave", scene.name("never-joined"));
    await scene.reaches(all, all.slice(1), to, "after b left another group");
    await all[0].invoke("Join", group);
    await scene.reaches(all, all, to, "after a came back");
  },

  async "group-join-for-other"(scene) {
    const all = await scene.several(2);
    const group = scene.name("group");
    const to = (text) => all[0].invoke("ToGroup", group, text);
    await all[0].invoke("JoinFor", all[1].id, group);
    await scene.reaches(all, [all[1]], to, "b was added by a");
    await all[0].invoke("LeaveFor", all[1].id, group);
    await scene.reaches(all, [], to, "b was removed by a");
  },

  async "group-from-outside"(scene) {
    const all = await scene.several(2);
    const group = scene.name("group");
    const to = (text) => all[1].invoke("ToGroup", group, text);
    await scene.app.join(group, all[0].id);
    await scene.reaches(all, [all[0]], to, "added from outside");
    await scene.app.leave(group, all[0].id);
    await scene.reaches(all, [], to, "removed from outside");
  },

  async "group-gone-after-disconnect"(scene) {
    const all = await scene.several(2);
    const group = scene.name("group");
    const to = (text) => all[1].invoke("ToGroup", group, text);
    for (const peer of all) await peer.invoke("Join", group);
    await scene.reaches(all, all, to, "two members");
    await all[0].stop();
    await all[0].closed();
    await all[0].connect();
    await scene.reaches(all, [all[1]], to, "after a started again");
  },
};

/** Two connections of one user, one of another, and one without. */
async function users(scene) {
  const [one, two] = [scene.name("one"), scene.name("two")];
  const all = await Promise.all([`user=${one}`, `user=${one}`, `user=${two}`, ""].map((query) => scene.connect({ query })));
  return { all, one, two };
}
