import { Failed, Skipped, within } from "./check.mjs";

/** Runs one scenario in a scene of its own. Returns `{ outcome: "ok" | "fail" | "skip", why, milliseconds }`. */
export async function run(scene, scenario, limit) {
  const begin = Date.now();
  let result = { outcome: "ok", why: "" };
  try {
    await within(scenario(scene), limit, "not done");
  } catch (error) {
    if (error instanceof Skipped) result = { outcome: "skip", why: error.message };
    else if (error instanceof Failed) result = { outcome: "fail", why: error.message };
    else result = { outcome: "fail", why: `${error?.name ?? "error"}: ${error?.message ?? error}` };
  }
  result.milliseconds = Date.now() - begin;
  await scene.close();
  return result;
}
