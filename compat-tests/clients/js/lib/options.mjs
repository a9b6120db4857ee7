import { packageNames, packageOf } from "./packages.mjs";

const TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"];
const PROTOCOLS = ["json", "messagepack"];

export const usage = `node driver.mjs --package NAME@VERSION --url URL [--transport T] [--protocol P] [--case TEXT]… [--browser] [--slow] [--parallel N] [--list]

  --package    ${packageNames.join(", ")}
  --url        address of the app
  --transport  ${TRANSPORTS.join(", ")}; the first if not given
  --protocol   ${PROTOCOLS.join(", ")}; the first if not given
  --case       only scenarios with this text in their name; may repeat
  --browser    in Chromium, from a page of another origin
  --slow       also the slow scenarios
  --parallel   how many scenarios run at a time, 6 if not given
  --list       only names of the scenarios`;

/** Reads the command line; throws an error with a text for the user. */
export function parse(args) {
  const options = { transport: TRANSPORTS[0], protocol: PROTOCOLS[0], cases: [], browser: false, slow: false, list: false, parallel: 6 };
  const rest = [...args];
  while (rest.length > 0) {
    const name = rest.shift();
    const value = () => rest.shift() ?? fail(`${name} needs a value`);
    if (name === "--package") options.pack = packageOf(value()) ?? fail(`--package is one of ${packageNames.join(", ")}`);
    else if (name === "--url") options.url = address(value());
    else if (name === "--transport") options.transport = oneOf(TRANSPORTS, name, value());
    else if (name === "--protocol") options.protocol = oneOf(PROTOCOLS, name, value());
    else if (name === "--case") options.cases.push(value());
    else if (name === "--parallel") options.parallel = Number(value()) || fail("--parallel is a number above 0");
    else if (["--browser", "--slow", "--list"].includes(name)) options[name.slice(2)] = true;
    else fail(`unknown option ${name}`);
  }
  if (options.list) return options;
  if (!options.pack) fail("--package is missing");
  if (!options.url) fail("--url is missing");
  if (options.transport === "ServerSentEvents" && options.protocol === "messagepack") fail("server-sent events carry no binary protocol");
  return options;
}

function oneOf(list, name, value) {
  return list.find((item) => item.toLowerCase() === value.toLowerCase()) ?? fail(`${name} is one of ${list.join(", ")}`);
}

function address(text) {
  if (!URL.canParse(text) || new URL(text).protocol !== "http:") fail("--url is an http address");
  return text.replace(/\/+$/, "");
}

function fail(text) {
  throw new Error(text);
}
