import Module, { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Loads a client library and, if wanted, its MessagePack protocol. */
export function loadClient(pack, protocol, features) {
  if (pack.needsGlobals) {
    globalThis.WebSocket = require("ws");
    globalThis.EventSource = require("eventsource");
    globalThis.XMLHttpRequest = require("xhr2");
    // It warns of each poll, which the client gives an empty body.
    console.warn = () => {};
  }
  if (pack.needsSelf) globalThis.self = globalThis;
  const signalR = require(pack.client);
  if (protocol === "json") return { signalR, features };
  lead(pack);
  return { signalR, features, MessagePackHubProtocol: require(pack.messagepack).MessagePackHubProtocol };
}

/** Makes the MessagePack package, which asks for the client by its real name, get the one under test. */
function lead(pack) {
  const realName = pack.name.slice(0, pack.name.lastIndexOf("@"));
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, ...rest) {
    return resolve.call(this, request === realName ? pack.client : request, ...rest);
  };
}
