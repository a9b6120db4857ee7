// The demo chat as a page of ASP.NET SignalR had it: proxies from the script of legacy.path.

const by = (id) => document.getElementById(id);
const NAMES = {
  webSockets: "WebSockets",
  serverSentEvents: "server-sent events",
  foreverFrame: "forever frame",
  longPolling: "long polling",
};

function show(author, text) {
  const line = document.createElement("li");
  if (author === null) {
    line.className = "note";
    line.textContent = text;
  } else {
    const name = document.createElement("b");
    name.textContent = author;
    line.append(name, " ", text);
  }
  by("messages").append(line);
  line.scrollIntoView({ block: "end" });
}

function showState(text, online) {
  const hub = $.connection.hub;
  by("state").textContent = text;
  by("state").className = online ? "online" : "offline";
  by("text").disabled = by("send").disabled = !online;
  by("connection-id").textContent = online ? hub.id : "–";
  by("in-use").textContent = online ? NAMES[hub.transport.name] : "–";
}

function connect() {
  const transport = by("transport").value;
  showState("connecting …", false);
  return $.connection.hub
    .start({ transport })
    .done(() => {
      showState("connected", true);
      show(null, `connected by ${by("in-use").textContent}`);
      by("text").focus();
    })
    .fail((error) => showState(`failed: ${error.message}`, false));
}

function main() {
  if (!globalThis.$?.connection) {
    by("no-script").hidden = false;
    return;
  }
  if (!$.connection.chat) {
    by("no-hub").hidden = false;
    return;
  }
  by("name").value = localStorage.getItem("heliograph-name") ?? `guest ${Math.floor(Math.random() * 1000)}`;
  by("name").addEventListener("change", () => localStorage.setItem("heliograph-name", by("name").value));
  const { chat, hub } = $.connection;
  chat.client.receive = (author, text) => show(author, text);
  hub.reconnecting(() => showState("reconnecting …", false));
  hub.reconnected(() => showState("connected", true));
  hub.disconnected(() => showState("not connected", false));
  by("transport").addEventListener("change", () => {
    hub.stop();
    connect();
  });
  by("compose").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = by("text").value.trim();
    if (text === "") return;
    chat.server
      .send(by("name").value || "guest", text)
      .done(() => (by("text").value = ""))
      .fail((error) => show(null, `not sent: ${error.message}`));
  });
  connect();
}

main();
