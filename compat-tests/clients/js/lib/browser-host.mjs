import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { chromium } from "playwright-core";
import { answerRelays } from "../../js-common/page-relays.mjs";
import { answerPage } from "../../js-common/pages.mjs";
import { RelaySet } from "../../js-common/relay.mjs";
import { Seats } from "../../js-common/seats.mjs";

const require = createRequire(import.meta.url);

/** Runs scenarios in a browser, in pages of another origin than the app's. */
export async function openBrowserHost(options, facts, features, request) {
  const server = await serve(options.pack);
  const address = `http://localhost:${server.address().port}/js/lib/page.html`;
  const messagepack = options.protocol === "messagepack";
  const given = {
    features: [...features],
    options: { url: options.url, transport: options.transport, protocol: options.protocol },
    scripts: ["/client.js", ...(messagepack && options.pack.msgpack5 ? ["/msgpack5.js"] : []), ...(messagepack ? ["/messagepack.js"] : [])],
  };
  const openRelays = () => RelaySet.open(options.url, facts.redirects);
  // What a page cannot do itself: the app's control endpoints, and relays.
  const answer = (seat, what, ...args) => (what === "request" ? request(...args) : answerRelays(seat, what, openRelays, ...args));
  const seats = await Seats.open(chromium, answer);

  return {
    run: (scenario) => seats.run(scenario, async () => ({ address, given: { ...given, facts: await fresh(facts, request) } })),

    async close() {
      await seats.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Facts with the number of the latest event, so that a page need not read the older ones. */
async function fresh(facts, request) {
  const events = JSON.parse((await request("GET", `/events?after=${facts.lastEvent}`)).text);
  facts.lastEvent = events.at(-1)?.seq ?? facts.lastEvent;
  return { ...facts };
}

async function serve(pack) {
  const folder = (name) => dirname(require.resolve(`${name}/package.json`));
  const libraries = {
    "/client.js": await readFile(join(folder(pack.client), "dist/browser/signalr.js")),
    "/messagepack.js": await readFile(join(folder(pack.messagepack), "dist/browser/signalr-protocol-msgpack.js")),
    "/msgpack5.js": await readFile(join(folder("msgpack5"), "dist/msgpack5.js")),
  };
  const server = http.createServer(async (request, response) => {
    if (!(await answerPage(request, response, libraries))) response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
