import { auth, context } from "./identity.mjs";
import { call } from "./call.mjs";
import { callback } from "./callback.mjs";
import { connect } from "./connect.mjs";
import { error } from "./error.mjs";
import { group, send } from "./send.mjs";
import { reconnect } from "./reconnect.mjs";
import { slow } from "./slow.mjs";
import { state } from "./state.mjs";
import { stop } from "./stop.mjs";

/** Every scenario of the table by name. */
export const scenarios = { ...connect, ...stop, ...call, ...error, ...state, ...callback, ...send, ...group, ...context, ...auth, ...reconnect, ...slow };
