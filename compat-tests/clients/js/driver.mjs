// Runs the scenarios of scenarios.toml with an unmodified JavaScript client against one app.
import { App } from "./lib/app.mjs";
import { parse, usage } from "./lib/options.mjs";
import { featuresOf } from "./lib/packages.mjs";
import { readTable } from "./lib/table.mjs";
import { scenarios } from "./scenarios/all.mjs";

const [FAILED, WRONG_USE] = [1, 2];

async function main() {
  const options = parse(process.argv.slice(2));
  const table = readTable();
  const unknown = [...table.map((s) => s.name).filter((n) => !scenarios[n]), ...Object.keys(scenarios).filter((n) => !table.some((s) => s.name === n))];
  if (unknown.length > 0) throw new Error(`table and scenarios differ: ${unknown.join(", ")}`);
  if (options.list) {
    for (const { name } of table) console.log(name);
    return 0;
  }
  const chosen = table.filter((s) => (options.slow || !s.slow) && (options.cases.length === 0 || options.cases.some((text) => s.name.includes(text))));
  if (chosen.length === 0) throw new Error("no scenario has such a name");

  const facts = await App.look((...call) => request(options.url, ...call)).catch((error) => {
    throw new Error(`no app answers at ${options.url}: ${error.message}`);
  });
  const features = featuresOf(options.pack, options.transport, options.browser);
  const open = options.browser ? (await import("./lib/browser-host.mjs")).openBrowserHost : (await import("./lib/node-host.mjs")).openNodeHost;
  const host = await open(options, facts, features, (...call) => request(options.url, ...call));
  try {
    return await runAll(chosen, features, host, options.parallel);
  } finally {
    await host.close();
  }
}

/** Runs scenarios side by side, then those that must be alone, and reports each as it ends. */
async function runAll(chosen, features, host, parallel) {
  const count = { ok: 0, fail: 0, skip: 0 };
  const runOne = async (scenario) => {
    const missing = scenario.needs.filter((need) => !features.has(need));
    const result = missing.length > 0 ? { outcome: "skip", why: `this client has no ${missing.join(", no ")} here` } : await host.run(scenario);
    count[result.outcome]++;
    if (result.outcome === "ok") console.log(`ok ${scenario.name} [${result.milliseconds} ms]`);
    else console.log(`${result.outcome === "fail" ? "FAIL" : "skip"} ${scenario.name}: ${result.why.replace(/\s+/g, " ")}`);
  };
  // The long ones first, so that none is left to run by itself at the end.
  const waiting = chosen.filter((s) => !s.alone).sort((a, b) => b.limit - a.limit);
  const work = async () => {
    for (let scenario = waiting.shift(); scenario; scenario = waiting.shift()) await runOne(scenario);
  };
  await Promise.all(Array.from({ length: parallel }, work));
  for (const scenario of chosen.filter((s) => s.alone)) await runOne(scenario);
  console.log(`${count.ok} passed, ${count.fail} failed, ${count.skip} skipped`);
  return count.fail > 0 ? FAILED : 0;
}

/** A request to one of the app's control endpoints. */
async function request(url, method, path, body) {
  const json = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url + path, { method, ...json });
  return { status: response.status, text: await response.text() };
}

// Old clients leave promises of lost connections unobserved; what a scenario needs it observes itself.
process.on("unhandledRejection", () => {});
try {
  process.exit(await main());
} catch (error) {
  console.error(`${error.message}\n\n${usage}`);
  process.exit(WRONG_USE);
}
