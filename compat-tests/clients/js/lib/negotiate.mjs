import { equal, isTrue } from "../../js-common/check.mjs";

const MOST_REDIRECTS = 3;

/** Where the app sends a client, as what a `Peer` may wish: `address`, and `token` if one is given. */
export async function redirection(scene) {
  const response = await fetch(`${scene.options.url}/testhub/negotiate?negotiateVersion=1`, { method: "POST", credentials: "include" });
  equal(200, response.status, "the status of negotiate");
  const { url, accessToken } = await response.json();
  isTrue(typeof url === "string", "the app does not redirect");
  return { address: url, token: accessToken && (() => accessToken) };
}

/** Negotiates at `/testhub` without the client under test, follows redirects as clients do, and returns the last answer. */
export async function negotiate(scene, query = "") {
  let [url, headers] = [`${scene.options.url}/testhub`, {}];
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const [path, given] = url.split("?");
    const all = [given, query].filter(Boolean).join("&");
    const address = `${path.replace(/\/$/, "")}/negotiate${all ? `?${all}` : ""}`;
    const response = await fetch(address, { method: "POST", headers, credentials: "include" });
    equal(200, response.status, "the status of negotiate");
    const answer = await response.json();
    isTrue(!answer.error, `negotiate answers with the error ${answer.error}`);
    if (!answer.url) return answer;
    url = answer.url;
    headers = answer.accessToken ? { Authorization: `Bearer ${answer.accessToken}` } : {};
  }
  throw new Error("too many redirects");
}
