// Chats between two tabs of the demo page, and with a tab of its page for old clients, over every transport:
// node demo-page.mjs URL [--legacy]
// URL is that of a running service. Ends with 0 if all is well, with 1 and a reason otherwise.

import { chromium } from "playwright-core";
import { FLAGS, BROWSER } from "../js-common/browser.mjs";

/** What is chosen, and what the page calls it once it is in use. */
const TRANSPORTS = [
  ["auto", "WebSockets"],
  ["WebSockets", "WebSockets"],
  ["ServerSentEvents", "server-sent events"],
  ["LongPolling", "long polling"],
];
/** The same on the page for old clients. */
const LEGACY_TRANSPORTS = [
  ["webSockets", "WebSockets"],
  ["serverSentEvents", "server-sent events"],
  ["longPolling", "long polling"],
  ["auto", "WebSockets"],
];
/** Browsers are slow on a busy machine. */
const PATIENCE_MILLISECONDS = 20_000;

const [service, legacy] = process.argv.slice(2);
if (service === undefined) {
  console.error("usage: node demo-page.mjs URL [--legacy]");
  process.exit(2);
}

/** A tab in a profile of its own, with what its page complained of. */
async function openTab(browser, name, path = "/demo/") {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(PATIENCE_MILLISECONDS);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !isGoodbye(message)) complaints.push(`${message.text()} (${message.location().url})`);
  });
  const answer = await page.goto(new URL(path, service).href);
  if (!answer?.ok()) throw new Error(`the demo page is answered with ${answer?.status()}`);
  return { name, page, complaints };
}

/**
 * A long-polling client says goodbye twice at once, and what comes second finds its connection gone. A request that
 * matters makes the page wait in vain.
 */
function isGoodbye(message) {
  return /status of 404/.test(message.text()) && /\/chat\?id=/.test(message.location().url);
}

async function stateOf({ page }) {
  const text = async (id) => (await page.locator(`#${id}`).textContent({ timeout: 1000 })).trim();
  return `${await text("state")}, in use: ${await text("in-use")}`;
}

/** Waits until `look` holds in the page; the reason for giving up says what the page shows. */
async function until(tab, what, look, argument) {
  try {
    await tab.page.waitForFunction(look, argument);
  } catch (error) {
    if (await tab.page.locator("#no-script").isVisible()) throw new Error("the page has no client script");
    const complaints = tab.complaints.length > 0 ? `; it said: ${tab.complaints.join("; ")}` : "";
    throw new Error(`${tab.name}: waited in vain until ${what}; the page shows: ${await stateOf(tab)}${complaints}`);
  }
}

async function choose(tab, transport, shown) {
  await tab.page.selectOption("#transport", transport);
  await connected(tab, transport, shown);
}

async function connected(tab, transport, shown) {
  const isConnected = (name) =>
    document.getElementById("state").textContent === "connected" && document.getElementById("in-use").textContent === name;
  await until(tab, `${transport} is connected by ${shown}`, isConnected, shown);
}

async function say(from, to, text) {
  await from.page.fill("#name", from.name);
  await from.page.fill("#text", text);
  await from.page.click("#send");
  const isThere = ([author, said]) =>
    [...document.querySelectorAll("#messages li")].filter((line) => line.textContent === `${author} ${said}`).length === 1;
  for (const tab of [to, from]) await until(tab, `"${text}" of ${from.name} is there, once`, isThere, [from.name, text]);
}

const browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
let transport = "auto";
try {
  const tabs = [await openTab(browser, "first tab"), await openTab(browser, "second tab")];
  const [first, second] = tabs;
  // As the page comes up by itself.
  for (const tab of tabs) await connected(tab, ...TRANSPORTS[0]);
  await say(first, second, "hello by itself");
  for (const [chosen, shown] of TRANSPORTS.slice(1).concat(TRANSPORTS.slice(0, 1))) {
    transport = chosen;
    for (const tab of tabs) await choose(tab, chosen, shown);
    await say(first, second, `from first to second by ${chosen}`);
    await say(second, first, `from second to first by ${chosen}`);
    console.log(`ok ${chosen}`);
  }
  if (legacy === "--legacy") {
    const old = await openTab(browser, "old tab", "/demo/legacy.html");
    tabs.push(old);
    await connected(old, ...TRANSPORTS[0]);
    for (const [chosen, shown] of LEGACY_TRANSPORTS) {
      transport = `legacy ${chosen}`;
      await choose(old, chosen, shown);
      await say(first, old, `from first to old by ${chosen}`);
      await say(old, second, `from old to second by ${chosen}`);
      console.log(`ok ${transport}`);
    }
  }
  const complaint = tabs.flatMap((tab) => tab.complaints).at(0);
  if (complaint !== undefined) throw new Error(`the page said: ${complaint}`);
} catch (error) {
  console.log(`FAIL ${transport}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
