/** What a redirect is called in the answer to a negotiate. */
export const REDIRECT_FIELD = "RedirectUrl";

/** Requests whose answers carry messages from the server, WebSockets apart. */
export const CHANNELS = /\/(connect|reconnect|poll)\?/;
