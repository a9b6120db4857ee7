import http from "node:http";
import net from "node:net";
import { answerPage } from "../../js-common/pages.mjs";

/**
 * A reverse proxy that gives pages and server one origin: what is no page goes to the server, and comes back piece by piece.
 * Ends on either side reach the other.
 */
export function openFront(url, libraries) {
  const { hostname, port } = new URL(url);
  const server = http.createServer(async (request, response) => {
    if (await answerPage(request, response, libraries)) return;
    const { method, url: path, headers } = request;
    const onward = http.request({ hostname, port, method, path, headers });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.on("upgrade", (request, near, head) => {
    const far = net.connect({ host: hostname, port: Number(port || 80), noDelay: true });
    const lines = request.rawHeaders.flatMap((text, i, all) => (i % 2 === 0 ? [`${text}: ${all[i + 1]}`] : []));
    far.write([`${request.method} ${request.url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
    far.write(head);
    near.pipe(far).pipe(near);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  return server;
}
