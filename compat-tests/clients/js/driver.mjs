// Runs the scenarios of scenarios.toml with an unmodified JavaScript client against one app.
import { drive, request } from "../js-common/drive.mjs";
import { readTable } from "../js-common/table.mjs";
import { App } from "./lib/app.mjs";
import { parse, usage } from "./lib/options.mjs";
import { featuresOf } from "./lib/packages.mjs";
import { scenarios } from "./scenarios/all.mjs";

async function open(options) {
  const ask = (...call) => request(options.url, ...call);
  const facts = await App.look(ask).catch((error) => {
    throw new Error(`no app answers at ${options.url}: ${error.message}`);
  });
  const features = featuresOf(options.pack, options.transport, options.browser);
  const openHost = options.browser ? (await import("./lib/browser-host.mjs")).openBrowserHost : (await import("./lib/node-host.mjs")).openNodeHost;
  return { features, host: await openHost(options, facts, features, ask) };
}

await drive({ parse, usage, table: readTable(new URL("../../scenarios.toml", import.meta.url)), scenarios, open });
