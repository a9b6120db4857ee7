// What every driver does: command line, choice of scenarios, report, exit code.

const [FAILED, WRONG_USE] = [1, 2];

/**
 * Runs a driver and ends the process.
 *
 * `parse` reads the command line, `table` is the scenario table and `scenarios` what is there of it.
 * `open(options)` gives the features of the client and a host: `run(scenario)` and `close()`.
 */
export async function drive({ parse, usage, table, scenarios, open }) {
  // Old clients leave promises of lost connections unobserved; what a scenario needs it observes itself.
  process.on("unhandledRejection", () => {});
  try {
    process.exit(await main(parse(process.argv.slice(2)), table, scenarios, open));
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(WRONG_USE);
  }
}

async function main(options, table, scenarios, open) {
  const unknown = [...table.map((s) => s.name).filter((n) => !scenarios[n]), ...Object.keys(scenarios).filter((n) => !table.some((s) => s.name === n))];
  if (unknown.length > 0) throw new Error(`table and scenarios differ: ${unknown.join(", ")}`);
  if (options.list) {
    for (const { name } of table) print(name);
    return 0;
  }
  const chosen = table.filter((s) => (options.slow || !s.slow) && (options.cases.length === 0 || options.cases.some((text) => s.name.includes(text))));
  if (chosen.length === 0) throw new Error("no scenario has such a name");
  const { features, host } = await open(options);
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
    if (result.outcome === "ok") print(`ok ${scenario.name} [${result.milliseconds} ms]`);
    else print(`${result.outcome === "fail" ? "FAIL" : "skip"} ${scenario.name}: ${result.why.replace(/\s+/g, " ")}`);
  };
  // The long ones first, so that none is left to run by itself at the end.
  const waiting = chosen.filter((s) => !s.alone).sort((a, b) => b.limit - a.limit);
  const work = async () => {
    for (let scenario = waiting.shift(); scenario; scenario = waiting.shift()) await runOne(scenario);
  };
  await Promise.all(Array.from({ length: parallel }, work));
  for (const scenario of chosen.filter((s) => s.alone)) await runOne(scenario);
  print(`${count.ok} passed, ${count.fail} failed, ${count.skip} skipped`);
  return count.fail > 0 ? FAILED : 0;
}

// Not the console: some clients write to it, so drivers may have silenced it.
function print(line) {
  process.stdout.write(`${line}\n`);
}

/** A request to one of the app's control endpoints. */
export async function request(url, method, path, body) {
  const json = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url + path, { method, ...json });
  return { status: response.status, text: await response.text() };
}
