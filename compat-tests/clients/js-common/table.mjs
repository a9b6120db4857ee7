import { readFileSync } from "node:fs";

const DEFAULT_LIMIT = 10;

/** A scenario table. Its values are written so that they are JSON too. `limit` is for those that give none. */
export function readTable(file, limit = DEFAULT_LIMIT) {
  const table = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line === "[[scenario]]") table.push({ needs: [], limit, slow: false, alone: false });
    else if (line !== "" && !line.startsWith("#")) {
      const [, key, value] = /^(\w+) = (.+)$/.exec(line) ?? [];
      if (!key || table.length === 0) throw new Error(`${file}: cannot read "${line}"`);
      table.at(-1)[key] = JSON.parse(value);
    }
  }
  return table;
}
