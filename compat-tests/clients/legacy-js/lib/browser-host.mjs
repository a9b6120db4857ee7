import { once } from "node:events";
import http from "node:http";
import { chromium } from "playwright-core";
import { answerRelays } from "../../js-common/page-relays.mjs";
import { answerPage } from "../../js-common/pages.mjs";
import { RelaySet } from "../../js-common/relay.mjs";
import { Seats } from "../../js-common/seats.mjs";
import { CHANNELS, REDIRECT_FIELD } from "./channels.mjs";
import { openFront } from "./front.mjs";
import { scriptsOf } from "./libraries.mjs";

const PAGE = "/legacy-js/lib/page.html";

/**
 * Runs scenarios in a browser, in pages of another origin than the server's or, behind a proxy, of the same. Hosts of both are
 * named alike, since cookies go by that.
 */
export async function openBrowserHost(options, facts, features, request) {
  const libraries = Object.fromEntries(scriptsOf(options.pack).map((text, i) => [`/client-${i}.js`, text]));
  const server = options.sameOrigin ? openFront(options.url, libraries) : serve(libraries);
  server.listen(0, new URL(options.url).hostname);
  await once(server, "listening");
  const origin = `http://${new URL(options.url).hostname}:${server.address().port}`;
  const place = (url) => ({ features: [...features], options: { url, path: options.path, transport: options.transport }, scripts: Object.keys(libraries) });
  const given = place(options.sameOrigin ? origin : options.url);
  const relaysBefore = (url) => RelaySet.open(url, facts.redirects, { redirectField: REDIRECT_FIELD, channels: CHANNELS });

  // What a page cannot do itself.
  const answer = async (seat, what, ...args) => {
    if (what === "request") return request(...args);
    if (what === "open page") return openPage(seat, origin + PAGE, given);
    if (what === "leave page") return seat.others[args[0]].goto("about:blank");
    return answerRelays(seat, what, () => relaysBefore(options.url), ...args);
  };
  const seats = await Seats.open(chromium, answer);

  const prepare = async (seat, scenario) => {
    if (!options.sameOrigin || !scenario.needs.includes("relay")) return { address: origin + PAGE, given };
    // The relays come before the page itself, and who is not cut off goes to the server past them.
    const relays = await relaysBefore(origin);
    seat.relays.push(relays);
    return { address: relays.url + PAGE, given: { ...place(options.url), pageRelays: relays.url } };
  };
  return {
    run: (scenario) => seats.run(scenario, (seat) => prepare(seat, scenario)),

    async close() {
      await seats.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Another page, in the same profile, with a connection of its own. */
async function openPage(seat, address, given) {
  const page = await seat.page.context().newPage();
  const number = seat.others.push(page) - 1;
  await page.goto(address);
  return { number, id: await page.evaluate((all) => globalThis.connectInPage(all), given) };
}

function serve(libraries) {
  return http.createServer(async (request, response) => {
    if (!(await answerPage(request, response, libraries))) response.writeHead(404).end();
  });
}
