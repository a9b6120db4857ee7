const CALLS = ["cut", "armCut", "armedCut", "sockets", "nextSocket", "stall", "resume", "longestTarget"];

/** In the driver: opens relays for a page, and does what the page asks of them. */
export async function answerRelays(seat, what, open, ...args) {
  if (what === "open relays") {
    const relays = await open();
    return { number: seat.relays.push(relays) - 1, url: relays.url };
  }
  const [number, ...rest] = args;
  return seat.relays[number][what](...rest);
}

/** In a page: relays of the driver's, which closes them with the page. */
export async function askForRelays(askDriver) {
  const { number, url } = await askDriver("open relays");
  return relaysOf(askDriver, number, url);
}

/** In a page: the relays that the driver opened under this number. */
export function relaysOf(askDriver, number, url) {
  const calls = CALLS.map((name) => [name, (...args) => askDriver(name, number, ...args)]);
  return { url, close: async () => {}, ...Object.fromEntries(calls) };
}
