// Runs one scenario in a browser page; what a page cannot do it asks of the driver.
import { App } from "./app.mjs";
import { run } from "./run.mjs";

const { askDriver } = globalThis;

globalThis.runInPage = async ({ features, options, scripts, scenario, facts }) => {
  for (const script of scripts) await load(script);
  const { signalR } = globalThis;
  const client = { signalR, features: new Set(features), MessagePackHubProtocol: signalR.protocols?.msgpack?.MessagePackHubProtocol };
  const app = new App((method, path, body) => askDriver("request", method, path, body), facts);
  return run({ client, options, app, openRelays }, scenario);
};

async function openRelays() {
  const { number, url } = await askDriver("open relays");
  const forwarded = ["cut", "armCut", "armedCut", "sockets", "nextSocket"];
  const calls = forwarded.map((name) => [name, (...args) => askDriver(name, number, ...args)]);
  // The driver closes them with the page.
  return { url, close: async () => {}, ...Object.fromEntries(calls) };
}

function load(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${source} was not loaded`));
    document.head.append(script);
  });
}
