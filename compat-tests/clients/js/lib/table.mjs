import { readFileSync } from "node:fs";

const TABLE = new URL("../../../scenarios.toml", import.meta.url);
const DEFAULT_LIMIT = 10;

/** The scenario table. Its values are written so that they are JSON too. */
export function readTable() {
  const table = [];
  for (const line of readFileSync(TABLE, "utf8").split("\n")) {
    if (line === "[[scenario]]") table.push({ needs: [], limit: DEFAULT_LIMIT, slow: false, alone: false });
    else if (line !== "" && !line.startsWith("#")) {
      const [, key, value] = /^(\w+) = (.+)$/.exec(line) ?? [];
      if (!key || table.length === 0) throw new Error(`scenarios.toml: cannot read "${line}"`);
      table.at(-1)[key] = JSON.parse(value);
    }
  }
  return table;
}
