import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { BROWSER, FLAGS } from "./browser.mjs";
import { within } from "./check.mjs";
import { RelaySet } from "./relay.mjs";

// A page ends its scenario itself; this is for one that no longer can.
const PATIENCE_SECONDS = 20;
// A browser takes more of a machine than the client under test does.
const SLOWER = 3;
const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".html": "text/html; charset=utf-8" };
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** Runs scenarios in a browser, in pages of another origin than the app's. */
export async function openBrowserHost(options, facts, features, request) {
  const server = await serve(options.pack);
  const origin = `http://localhost:${server.address().port}`;
  const browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
  const messagepack = options.protocol === "messagepack";
  const given = {
    features: [...features],
    options: { url: options.url, transport: options.transport, protocol: options.protocol },
    scripts: ["/client.js", ...(messagepack && options.pack.msgpack5 ? ["/msgpack5.js"] : []), ...(messagepack ? ["/messagepack.js"] : [])],
  };

  // A browser shares six connections to a host among the pages of one profile, so scenarios that run
  // side by side have a profile each. A page is used again once its scenario has cleaned up.
  const idle = [];
  const open = async () => {
    const page = await (await browser.newContext()).newPage();
    const seat = { page, relays: [] };
    await page.exposeFunction("askDriver", (what, ...args) => answer(what, args, options, facts, request, seat.relays));
    return seat;
  };

  return {
    async run(scenario) {
      const seat = idle.pop() ?? (await open());
      try {
        await seat.page.goto(`${origin}/lib/page.html`);
        const limit = scenario.limit * SLOWER;
        const work = seat.page.evaluate((all) => globalThis.runInPage(all), { ...given, scenario: { ...scenario, limit }, facts: await fresh(facts, request) });
        const result = await within(work, limit + PATIENCE_SECONDS, "the page does not answer");
        idle.push(seat);
        return result;
      } catch (error) {
        await seat.page.context().close();
        return { outcome: "fail", why: error.message, milliseconds: 0 };
      } finally {
        for (const set of seat.relays.splice(0)) await set.close();
      }
    },

    async close() {
      await browser.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What a page cannot do itself: the app's control endpoints, and relays. */
async function answer(what, args, options, facts, request, relays) {
  if (what === "request") return request(...args);
  if (what === "open relays") {
    const set = await RelaySet.open(options.url, facts.redirects);
    return { number: relays.push(set) - 1, url: set.url };
  }
  const [number, ...rest] = args;
  return relays[number][what](...rest);
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
    "/client.js": join(folder(pack.client), "dist/browser/signalr.js"),
    "/messagepack.js": join(folder(pack.messagepack), "dist/browser/signalr-protocol-msgpack.js"),
    "/msgpack5.js": join(folder("msgpack5"), "dist/msgpack5.js"),
  };
  const server = http.createServer(async (request, response) => {
    const ours = /^\/(lib|scenarios)\/[a-z-]+\.(mjs|html)$/.test(request.url) ? join(ROOT, request.url) : undefined;
    const file = libraries[request.url] ?? ours;
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] }).end(await readFile(file));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
