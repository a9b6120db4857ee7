import { App } from "./app.mjs";
import { loadClient } from "./node-client.mjs";
import { RelaySet } from "./relay.mjs";
import { run } from "./run.mjs";

/** Runs scenarios in this process. */
export async function openNodeHost(options, facts, features, request) {
  const host = {
    client: loadClient(options.pack, options.protocol, features),
    options,
    app: new App(request, facts),
    openRelays: () => RelaySet.open(options.url, facts.redirects),
  };
  return { run: (scenario) => run(host, scenario), close: async () => {} };
}
