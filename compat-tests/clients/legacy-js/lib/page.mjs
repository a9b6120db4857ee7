// Runs one scenario in a browser page; what a page cannot do it asks of the driver.
import { load } from "../../js-common/load.mjs";
import { askForRelays, relaysOf } from "../../js-common/page-relays.mjs";
import { run } from "../../js-common/run.mjs";
import { scenarios } from "../scenarios/all.mjs";
import { JQueryConnection } from "./jquery-connection.mjs";
import { clientOf } from "./page-client.mjs";
import { Scene } from "./scene.mjs";

const { askDriver } = globalThis;

globalThis.runInPage = async (given) => {
  const scene = await sceneOf(given);
  return run(scene, scenarios[given.scenario.name], given.scenario.limit);
};

/** For a page that another one opened: connects, and gives the id. */
globalThis.connectInPage = async (given) => {
  const scene = await sceneOf(given);
  const peer = await scene.connect();
  return peer.id;
};

async function sceneOf({ features, options, scripts, pageRelays }) {
  // Clients turn to this transport only where the other is missing.
  if (options.transport === "foreverFrame") delete globalThis.EventSource;
  for (const script of scripts) await load(script);
  const page = clientOf(window);
  return new Scene({
    Connection: JQueryConnection,
    options,
    features: new Set(features),
    request: (...call) => askDriver("request", ...call),
    page: () => page,
    // The first that the driver opened, if the page itself comes through it.
    openRelays: () => (pageRelays ? relaysOf(askDriver, 0, pageRelays) : askForRelays(askDriver)),
    openPage,
    close: async () => {},
  });
}

async function openPage() {
  const { number, id } = await askDriver("open page");
  return { id, leave: () => askDriver("leave page", number) };
}
