// The client libraries, under the names package.json gives them, and what each can do.

const FIRST = ["many-connections", "relay", "skip-negotiation", "stream-cancel"];
const THIRD = [...FIRST, "state", "send-queue", "connection-id", "auto-reconnect", "stream-up"];
const FIFTH = [...THIRD, "headers"];
const EIGHTH = [...FIFTH, "client-results", "stateful"];

/**
 * `send-queue` and `state` are not of the table; the first: calls that are not waited for are posted one after the other.
 * `needsGlobals`: written for browsers, so in Node the program supplies WebSocket, EventSource and XMLHttpRequest.
 * `needsSelf`: expects a browser's `self` wherever there is a global fetch, which Node had not at its time.
 * `msgpack5`: the browser build of its MessagePack protocol expects that library in the page.
 */
const PACKAGES = {
  "@aspnet/signalr@1.0.4": { client: "aspnet-signalr-1.0", messagepack: "aspnet-msgpack-1.0", features: FIRST, needsGlobals: true, msgpack5: true },
  "@aspnet/signalr@1.1.4": { client: "aspnet-signalr-1.1", messagepack: "aspnet-msgpack-1.1", features: [...FIRST, "state"], msgpack5: true },
  "@microsoft/signalr@3.1.31": { client: "signalr-3.1", messagepack: "signalr-msgpack-3.1", features: THIRD, msgpack5: true },
  "@microsoft/signalr@5.0.17": { client: "signalr-5.0", messagepack: "signalr-msgpack-5.0", features: FIFTH, needsSelf: true, msgpack5: true },
  "@microsoft/signalr@6.0.25": { client: "signalr-6.0", messagepack: "signalr-msgpack-6.0", features: FIFTH },
  "@microsoft/signalr@8.0.29": { client: "signalr-8.0", messagepack: "signalr-msgpack-8.0", features: EIGHTH },
  "@microsoft/signalr@10.0.11": { client: "signalr-10.0", messagepack: "signalr-msgpack-10.0", features: EIGHTH },
};

export const packageNames = Object.keys(PACKAGES);

/** What is known of a package, or undefined. */
export function packageOf(name) {
  const found = PACKAGES[name];
  return found && { name, ...found };
}

/** What a client can do with this transport, in Node or in a browser. */
export function featuresOf(pack, transport, browser) {
  const features = new Set(pack.features);
  if (transport !== "WebSockets") ["skip-negotiation", "stateful"].forEach((f) => features.delete(f));
  if (browser) {
    // Browsers let programs set headers of requests they make themselves, and only those.
    if (transport !== "LongPolling") features.delete("headers");
    // Six connections to a host, WebSockets apart.
    if (transport !== "WebSockets") features.delete("many-connections");
  }
  return features;
}
