// Runs the scenarios of legacy-scenarios.toml with an unmodified JavaScript client of ASP.NET SignalR against one server.
import { drive, request } from "../js-common/drive.mjs";
import { readTable } from "../js-common/table.mjs";
import { look } from "./lib/facts.mjs";
import { parse, usage } from "./lib/options.mjs";
import { featuresOf } from "./lib/packages.mjs";
import { scenarios } from "./scenarios/all.mjs";

const LIMIT = 15;

async function open(options) {
  const facts = await look(options).catch((error) => {
    throw new Error(`no server answers at ${options.url}${options.path}: ${error.message}`);
  });
  if (facts.redirects && !options.pack.redirect) throw new Error(`${options.pack.name} cannot follow a redirect`);
  if (facts.redirects && options.sameOrigin) throw new Error("a redirect leads to another origin");
  const features = featuresOf(options, facts);
  const openHost = options.browser ? (await import("./lib/browser-host.mjs")).openBrowserHost : (await import("./lib/node-host.mjs")).openNodeHost;
  return { features, host: await openHost(options, facts, features, (...call) => request(options.url, ...call)) };
}

await drive({ parse, usage, table: readTable(new URL("../../legacy-scenarios.toml", import.meta.url), LIMIT), scenarios, open });
