import { equal, isTrue, refusal, within } from "../../js-common/check.mjs";

const PREFIX = "An unexpected error occurred invoking 'AskMe' on the server. HubException: ";

export const ask = {
  async "ask-caller"(scene) {
    const peer = await answering(scene, (question) => `<${question}>`);
    equal("<é😀>", await peer.invoke("AskMe", "é😀"));
    const questions = Array.from({ length: 30 }, (_, i) => `q${i}`);
    const answers = await Promise.all(questions.map((q) => peer.invoke("AskMe", q)));
    equal(questions.map((q) => `<${q}>`), answers, "the answers");
  },

  async "ask-other"(scene) {
    const asked = await answering(scene, async (question) => `${question}!`);
    const peer = await answering(scene, () => "the wrong client");
    equal("who?!", await peer.invoke("AskOther", asked.id, "who?"));
    const big = "b".repeat(200_000);
    equal(`${big}!`, await peer.invoke("AskOther", asked.id, big));
  },

  async "ask-from-outside"(scene) {
    const peer = await answering(scene, (question) => `re: ${question}`);
    equal({ status: 200, text: "re: äh & so?" }, await scene.app.ask(peer.id, "äh & so?", 10_000));
    const silent = await scene.connect();
    const { status, text } = await scene.app.ask(silent.id, "x", 10_000);
    equal(502, status, "the status");
    isTrue(text.includes("Client didn't provide a result."), `the app says ${text}`);
  },

  async "ask-error"(scene) {
    const peer = await answering(scene, () => {
      throw new Error("no idea");
    });
    const error = await refusal(peer.invoke("AskMe", "x"));
    equal(`${PREFIX}Error: no idea`, error.message, "the error");
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "ask-no-handler"(scene) {
    const peer = await scene.connect();
    equal(`${PREFIX}Client didn't provide a result.`, (await refusal(peer.invoke("AskMe", "x"))).message, "the error");
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "ask-no-answer"(scene) {
    const peer = await answering(scene, () => {});
    equal(`${PREFIX}Client didn't provide a result.`, (await refusal(peer.invoke("AskMe", "x"))).message, "the error");
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "ask-too-late"(scene) {
    let answer;
    const asked = await answering(scene, () => new Promise((resolve) => {
      answer = resolve;
    }));
    const peer = await scene.connect();
    await fails(peer, "AskWithin", asked.id, 600, "x");
    answer("late");
    equal("alive", await asked.invoke("Echo", "alive"));
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "ask-client-leaves"(scene) {
    let reached;
    const question = new Promise((resolve) => {
      reached = resolve;
    });
    const asked = await answering(scene, () => {
      reached();
      return new Promise(() => {});
    });
    const peer = await scene.connect();
    const failure = fails(peer, "AskOther", asked.id, "x");
    failure.catch(() => {});
    await within(question, 10, "no question");
    await asked.stop();
    await within(failure, 20, "no end of the hub's call");
    equal("alive", await peer.invoke("Echo", "alive"));
  },

  async "ask-unknown-connection"(scene) {
    const peer = await scene.connect();
    await fails(peer, "AskOther", "nobody", "x");
  },
};

async function answering(scene, answer) {
  const peer = scene.make();
  peer.on("Ask", answer);
  return peer.connect();
}

/** How the text goes on depends on who looks for the connection, the hub's server or a service. */
async function fails(peer, method, ...args) {
  const { message } = await refusal(peer.invoke(method, ...args));
  isTrue(message.startsWith(`An unexpected error occurred invoking '${method}' on the server.`), `the error is: ${message}`);
}
