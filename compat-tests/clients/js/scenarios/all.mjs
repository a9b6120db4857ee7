import { ask } from "./ask.mjs";
import { connect } from "./connect.mjs";
import { ends } from "./ends.mjs";
import { identity } from "./identity.mjs";
import { errors, invoke } from "./invoke.mjs";
import { groups, sends } from "./sends.mjs";
import { order, sizes } from "./sizes.mjs";
import { stateful } from "./stateful.mjs";
import { streams } from "./streams.mjs";

/** Every scenario of the table by name. */
export const scenarios = { ...connect, ...invoke, ...errors, ...sends, ...groups, ...streams, ...ask, ...identity, ...sizes, ...order, ...ends, ...stateful };
