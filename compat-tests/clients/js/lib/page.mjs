// Runs one scenario in a browser page; what a page cannot do it asks of the driver.
import { load } from "../../js-common/load.mjs";
import { askForRelays } from "../../js-common/page-relays.mjs";
import { run } from "../../js-common/run.mjs";
import { scenarios } from "../scenarios/all.mjs";
import { App } from "./app.mjs";
import { Scene } from "./scene.mjs";

const { askDriver } = globalThis;

globalThis.runInPage = async ({ features, options, scripts, scenario, facts }) => {
  for (const script of scripts) await load(script);
  const { signalR } = globalThis;
  const client = { signalR, features: new Set(features), MessagePackHubProtocol: signalR.protocols?.msgpack?.MessagePackHubProtocol };
  const app = new App((method, path, body) => askDriver("request", method, path, body), facts);
  const scene = new Scene({ client, options, app, openRelays: () => askForRelays(askDriver) });
  return run(scene, scenarios[scenario.name], scenario.limit);
};
