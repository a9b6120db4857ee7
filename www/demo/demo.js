// The demo chat: two tabs in one hub, over the transport of choice.

const by = (id) => document.getElementById(id);
const hubUrl = new URL("../chat", document.baseURI).href;

let connection;

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
  by("state").textContent = text;
  by("state").className = online ? "online" : "offline";
  by("text").disabled = by("send").disabled = !online;
  by("connection-id").textContent = online ? connection.connectionId ?? "–" : "–";
  if (!online) by("in-use").textContent = "–";
}

// The client logs which transport it settled on, and has no other word for it.
function watchTransport(signalR) {
  return {
    log(level, message) {
      if (/WebSocket connected to/.test(message)) by("in-use").textContent = "WebSockets";
      else if (/SSE connected to/.test(message)) by("in-use").textContent = "server-sent events";
      else if (/\(LongPolling transport\)/.test(message)) by("in-use").textContent = "long polling";
      if (level >= signalR.LogLevel.Warning) console.warn(message);
    },
  };
}

async function connect(signalR) {
  const chosen = by("transport").value;
  const options = chosen === "auto" ? {} : { transport: signalR.HttpTransportType[chosen] };
  const mine = new signalR.HubConnectionBuilder()
    .withUrl(hubUrl, options)
    .withAutomaticReconnect()
    .configureLogging(watchTransport(signalR))
    .build();
  connection = mine;
  mine.on("receive", (author, text) => show(author, text));
  mine.onreconnecting(() => showState("reconnecting …", false));
  mine.onreconnected(() => showState("connected", true));
  mine.onclose((error) => {
    if (connection === mine) showState(error ? `closed: ${error.message}` : "not connected", false);
  });
  showState("connecting …", false);
  try {
    await mine.start();
    if (connection !== mine) return;
    showState("connected", true);
    show(null, `connected by ${by("in-use").textContent}`);
    by("text").focus();
  } catch (error) {
    if (connection === mine) showState(`failed: ${error.message}`, false);
  }
}

async function main() {
  by("name").value = localStorage.getItem("heliograph-name") ?? `guest ${Math.floor(Math.random() * 1000)}`;
  by("name").addEventListener("change", () => localStorage.setItem("heliograph-name", by("name").value));
  try {
    await import("./signalr.js");
  } catch {
    by("no-script").hidden = false;
    return;
  }
  const signalR = globalThis.signalR;
  by("transport").addEventListener("change", async () => {
    const old = connection;
    connection = undefined;
    await old?.stop();
    await connect(signalR);
  });
  by("compose").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = by("text").value.trim();
    if (text === "") return;
    try {
      await connection.invoke("Send", by("name").value || "guest", text);
      by("text").value = "";
    } catch (error) {
      show(null, `not sent: ${error.message}`);
    }
  });
  await connect(signalR);
}

await main();
