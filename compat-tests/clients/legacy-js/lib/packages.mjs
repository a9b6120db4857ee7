// The client libraries, under the names package.json gives them, and what each can do.

const JQUERY = [
  "any-transport", "connection-id", "cookies", "error-data", "progress", "query", "reconnect", "relay",
  "replay", "restart", "several-hubs", "state", "stop-told", "unlisted", "user",
];
// It asks to negotiate without the program's query, and gives its `/abort` no headers.
const NODE = ["bearer", "connection-id", "cookies", "headers", "reconnect", "relay", "restart", "several-hubs", "stop-told", "user"];

/**
 * `kind`: `jquery` is loaded by a script, after jQuery; `bundle` is made a script first; `node` loads in Node, and only there.
 * `redirect`: follows a redirect, to `bare` addresses only or with a `query`. `unload`: what the server hears when its page goes away:
 * version 2.4.0 sends a request that the browser may drop, older ones one that it refuses.
 */
const PACKAGES = {
  "signalr@2.2.1": { kind: "jquery", client: "signalr-2.2.1", unload: "quiet-unload" },
  "signalr@2.2.3": { kind: "jquery", client: "signalr-2.2.3", unload: "quiet-unload" },
  "signalr@2.3.0": { kind: "jquery", client: "signalr-2.3.0", unload: "quiet-unload" },
  "signalr@2.4.0": { kind: "jquery", client: "signalr-2.4.0", redirect: "bare" },
  "signalr@2.4.3": { kind: "jquery", client: "signalr-2.4.3", redirect: "query", unload: "unload-told" },
  "signalr-no-jquery@0.2.1": { kind: "bundle", client: "signalr-no-jquery", redirect: "query", unload: "unload-told" },
  "signalr-client@0.0.20": { kind: "node", client: "signalr-client" },
};

export const packageNames = Object.keys(PACKAGES);

/** What is known of a package, or undefined. */
export function packageOf(name) {
  const found = PACKAGES[name];
  return found && { name, ...found };
}

/** What a client can do with these options, against a server of which this is known. */
export function featuresOf({ pack, transport, browser, classic, testhub }, facts) {
  const features = new Set(pack.kind === "node" ? NODE : JQUERY);
  if (!testhub) features.add("contract");
  if (classic) features.add("classic");
  if (pack.kind === "node") return features;
  // Browsers let programs set headers of requests they make themselves, and only those.
  if (transport === "longPolling") ["bearer", "headers"].forEach((f) => features.add(f));
  if (browser) features.add("page");
  if (browser && pack.unload) features.add(pack.unload);
  // The query of the redirect takes the place of the program's, if there is one.
  if (facts.redirects && pack.redirect === "bare") features.delete("query");
  return features;
}
