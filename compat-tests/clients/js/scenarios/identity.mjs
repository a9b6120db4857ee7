import { equal, isTrue, refusal, refused } from "../../js-common/check.mjs";

const ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

export const identity = {
  async "who-anonymous"(scene) {
    const peer = await scene.connect();
    equal(null, await peer.invoke("UserId"), "the user id");
    const who = await whoAmI(peer);
    equal(false, who.authenticated, "authenticated");
    equal(peer.id, who.connectionId, "the connection id");
  },

  async "who-user"(scene) {
    const user = scene.name("ü&ser ");
    const token = `user=${encodeURIComponent(user)}&role=ops&claim=dept:r%26d`;
    const peer = await scene.connect({ token: () => token });
    equal(user, await peer.invoke("UserId"), "the user id");
    const who = await whoAmI(peer);
    equal(true, who.authenticated, "authenticated");
    equal(`${user}-name`, who.name, "the name");
    const claims = (type) => who.claims.filter(([t]) => t === type).map(([, value]) => value);
    equal(["ops"], claims(ROLE), "the roles");
    equal(["r&d"], claims("dept"), "the claim dept");
    equal(user, (await scene.app.event(peer.id, "connected")).user, "the user in the events");
  },

  async "who-query"(scene) {
    const peer = await scene.connect({ query: "tenant=r%26d%20%C3%BC&list=1&list=2&empty=" });
    equal("r&d ü", await peer.invoke("Query", "tenant"), "tenant");
    equal("1,2", await peer.invoke("Query", "list"), "list");
    equal("", await peer.invoke("Query", "empty"), "empty");
    equal("", await peer.invoke("Query", "missing"), "missing");
  },

  async "who-headers"(scene) {
    const peer = await scene.connect({ headers: { "X-First": 'one, two; three="4"', "X-Second": "2" } });
    equal('one, two; three="4"', await peer.invoke("Header", "X-First"), "X-First");
    equal("2", await peer.invoke("Header", "x-second"), "X-Second");
    equal("", await peer.invoke("Header", "X-Third"), "a header that was not sent");
  },

  async "who-transport"(scene) {
    const who = await whoAmI(await scene.connect());
    equal("/testhub", who.path, "the path");
    if (scene.app.facts.mode === "self") equal(scene.options.transport, who.transport, "the transport");
  },

  async "auth-refused"(scene) {
    const peer = scene.make({ hub: "secret" });
    const error = await refusal(peer.start(), "the start");
    isTrue(error.statusCode === 401 || error.message.includes("401"), `the error is ${error.message}`);
  },

  async "auth-token"(scene) {
    const user = scene.name("user");
    let asked = 0;
    const token = async () => {
      asked++;
      return `user=${user}&role=admin&role=ops&claim=dept:r%26d`;
    };
    const peer = await scene.connect({ hub: "secret", token });
    equal(`${user}|${user}-name|admin,ops|r&d`, await peer.invoke("Summary"));
    equal("ok", await peer.invoke("AdminOnly"));
    isTrue(asked > 0, "the token was never asked for");
  },

  async "auth-query"(scene) {
    const user = scene.name("user");
    const peer = await scene.connect({ hub: "secret", query: `user=${user}&role=admin&claim=dept:r%26d` });
    equal(`${user}|${user}-name|admin|r&d`, await peer.invoke("Summary"));
    equal("ok", await peer.invoke("AdminOnly"));
  },

  async "auth-role"(scene) {
    const peer = await scene.connect({ hub: "secret", token: () => "user=plain&role=guest" });
    equal("in", await peer.invoke("Echo", "in"));
    await refused(peer.invoke("AdminOnly"), "Failed to invoke 'AdminOnly' because user is unauthorized");
    equal("in", await peer.invoke("Echo", "in"));
  },
};

/** What the hub knows of its caller; the protocols spell the names differently. */
async function whoAmI(peer) {
  const who = await peer.invoke("WhoAmI");
  return Object.fromEntries(Object.entries(who).map(([name, value]) => [name[0].toLowerCase() + name.slice(1), value]));
}
