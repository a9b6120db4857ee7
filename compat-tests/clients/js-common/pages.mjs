import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".html": "text/html; charset=utf-8" };
// A page finds modules where they are among the drivers, so that the same ones load in Node.
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = /^\/(js-common|(legacy-)?js\/(lib|scenarios))\/[a-z-]+\.(mjs|html)$/;

/** Answers requests for modules and pages of the drivers, and for `libraries`: texts by path. Tells whether it was one. */
export async function answerPage(request, response, libraries) {
  const path = request.url.split("?")[0];
  const text = libraries[path] ?? (MODULES.test(path) ? await readFile(join(ROOT, path)) : undefined);
  if (text === undefined) return false;
  response.writeHead(200, { "Content-Type": TYPES[extname(path)] }).end(text);
  return true;
}
