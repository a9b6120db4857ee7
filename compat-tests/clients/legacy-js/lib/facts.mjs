/** What a driver must know of the server before it begins. */
export async function look({ url, path }) {
  const response = await fetch(`${url}${path}/negotiate?clientProtocol=2.1&connectionData=${encodeURIComponent('[{"name":"conformance"}]')}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`the status of negotiate is ${response.status}`);
  return { redirects: typeof JSON.parse(text).RedirectUrl === "string" };
}
