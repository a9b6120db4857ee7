import { packageNames, packageOf } from "./packages.mjs";

const TRANSPORTS = ["webSockets", "serverSentEvents", "foreverFrame", "longPolling", "auto"];

export const usage = `node driver.mjs --package NAME@VERSION --url URL [--transport T] [--case TEXT]… [--browser] [--same-origin] [--slow] [--parallel N] [--list]

  --package      ${packageNames.join(", ")}
  --url          address of the server
  --path         where it serves legacy clients, /signalr if not given
  --transport    ${TRANSPORTS.join(", ")}; the first if not given, auto leaves it to the client
  --case         only scenarios with this text in their name; may repeat
  --browser      in Chromium, from a page of another origin; without it in jsdom, or in Node for a client made for it
  --same-origin  the page has the server's origin
  --classic      the server is one of ASP.NET, which has state and overloads
  --testhub      the hub is TestHub of the .NET app under the contract's names: its users are named by \`user\`, and it keeps no log
  --slow         also the slow scenarios
  --parallel     how many scenarios run at a time, 6 if not given
  --list         only names of the scenarios`;

/** Reads the command line; throws an error with a text for the user. */
export function parse(args) {
  const options = { path: "/signalr", transport: TRANSPORTS[0], cases: [], browser: false, sameOrigin: false, classic: false, testhub: false, slow: false, list: false, parallel: 6 };
  const rest = [...args];
  while (rest.length > 0) {
    const name = rest.shift();
    const value = () => rest.shift() ?? fail(`${name} needs a value`);
    if (name === "--package") options.pack = packageOf(value()) ?? fail(`--package is one of ${packageNames.join(", ")}`);
    else if (name === "--url") options.url = address(value());
    else if (name === "--path") options.path = path(value());
    else if (name === "--transport") options.transport = oneOf(TRANSPORTS, name, value());
    else if (name === "--case") options.cases.push(value());
    else if (name === "--parallel") options.parallel = Number(value()) || fail("--parallel is a number above 0");
    else if (name === "--same-origin") options.sameOrigin = true;
    else if (["--browser", "--classic", "--testhub", "--slow", "--list"].includes(name)) options[name.slice(2)] = true;
    else fail(`unknown option ${name}`);
  }
  if (options.list) return options;
  if (!options.pack) fail("--package is missing");
  if (!options.url) fail("--url is missing");
  if (options.pack.kind === "node" && options.browser) fail(`${options.pack.name} is made for Node`);
  if (options.pack.kind === "node" && options.transport !== "webSockets") fail(`${options.pack.name} knows WebSockets only`);
  if (options.transport === "foreverFrame" && !options.browser) fail("a forever frame needs a browser");
  // A frame reaches its page only if both have the same origin.
  if (options.transport === "foreverFrame") options.sameOrigin = true;
  return options;
}

function oneOf(list, name, value) {
  return list.find((item) => item.toLowerCase() === value.toLowerCase()) ?? fail(`${name} is one of ${list.join(", ")}`);
}

function address(text) {
  if (!URL.canParse(text) || new URL(text).protocol !== "http:") fail("--url is an http address");
  return text.replace(/\/+$/, "");
}

function path(text) {
  if (!/^\/[^?#]*[^/?#]$/.test(text)) fail("--path begins with a slash and ends with none");
  return text;
}

function fail(text) {
  throw new Error(text);
}
