import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const require = createRequire(import.meta.url);
const FOLDER = fileURLToPath(new URL("..", import.meta.url));

/**
 * The scripts that put a client into a page, in order. They leave it in `window.jQuery`, or in `window.noJQuery` if it does
 * without.
 */
export function scriptsOf(pack) {
  if (pack.kind === "bundle") return [bundle(pack.client)];
  const folder = (name) => dirname(require.resolve(`${name}/package.json`));
  const files = [join(folder("jquery"), "dist/jquery.js"), join(folder(pack.client), "jquery.signalR.js")];
  return files.map((file) => readFileSync(file, "utf8"));
}

/** A library made of modules, as a script; its text stays what it is. */
function bundle(name) {
  const contents = `window.noJQuery = require("${name}");`;
  const { outputFiles } = buildSync({ stdin: { contents, resolveDir: FOLDER }, bundle: true, format: "iife", write: false });
  return outputFiles[0].text;
}
