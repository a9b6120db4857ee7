import { RelaySet } from "../../js-common/relay.mjs";
import { run } from "../../js-common/run.mjs";
import { scenarios } from "../scenarios/all.mjs";
import { CHANNELS, REDIRECT_FIELD } from "./channels.mjs";
import { Scene } from "./scene.mjs";

/** Runs scenarios in this process: with a client made for Node as it is, with others in simulated pages. */
export async function openNodeHost(options, facts, features, request) {
  const { Connection, openPages } = options.pack.kind === "node" ? await bare() : await simulated(options);
  const newScene = () => {
    const pages = openPages();
    return new Scene({
      Connection,
      options,
      features,
      request,
      page: (base) => pages.at(base),
      openRelays: () => RelaySet.open(options.url, facts.redirects, { redirectField: REDIRECT_FIELD, channels: CHANNELS }),
      close: async () => pages.close(),
    });
  };
  return { run: (scenario) => run(newScene(), scenarios[scenario.name], scenario.limit), close: async () => {} };
}

async function bare() {
  const { NodeConnection } = await import("./node-connection.mjs");
  return { Connection: NodeConnection, openPages: () => ({ at: () => ({}), close() {} }) };
}

async function simulated(options) {
  const { JQueryConnection } = await import("./jquery-connection.mjs");
  const { scriptsOf } = await import("./libraries.mjs");
  const { SimulatedPages } = await import("./simulated-pages.mjs");
  const scripts = scriptsOf(options.pack);
  return { Connection: JQueryConnection, openPages: () => new SimulatedPages(scripts, options) };
}
