import { RelaySet } from "../../js-common/relay.mjs";
import { run } from "../../js-common/run.mjs";
import { scenarios } from "../scenarios/all.mjs";
import { App } from "./app.mjs";
import { loadClient } from "./node-client.mjs";
import { Scene } from "./scene.mjs";

/** Runs scenarios in this process. */
export async function openNodeHost(options, facts, features, request) {
  const host = {
    client: loadClient(options.pack, options.protocol, features),
    options,
    app: new App(request, facts),
    openRelays: () => RelaySet.open(options.url, facts.redirects),
  };
  return { run: (scenario) => run(new Scene(host), scenarios[scenario.name], scenario.limit), close: async () => {} };
}
