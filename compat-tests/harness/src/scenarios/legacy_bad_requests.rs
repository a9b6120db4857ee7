//! Requests of legacy clients that are refused: status and body are those of the genuine server, or
//! those of a ruling where it breaks down with a status of 500.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::kit::{Answer, Hub, Legacy, Socket, Way, escape, http};
use crate::backend::conformance;
use crate::process::Server;

scenarios! {
    "legacy-bad-requests",
    "bad transports, tokens, users, hubs, forms and messages: status and body of each; nobody else is harmed",
    bad_requests();
    "legacy-bad-guests",
    "guarded and failing hubs, JSONP, and what comes after an abort",
    bad_guests();
    "legacy-versions",
    "each version is answered as clients want it; methods and odd queries do not matter",
    versions();
}

const DATA: &str = "connectionData=%5B%7B%22name%22%3A%22conformance%22%7D%5D";
const TRANSPORT: &str = "Protocol error: Unknown transport.";
const NO_TOKEN: &str = "Protocol error: Missing connection token.";
const BAD_TOKEN: &str = "The ConnectionId is in the incorrect format.";
const OTHER_USER: &str = "Unrecognized user identity.  The user identity cannot change during an active \
                          SignalR connection.";
const NO_SOCKET: &str = "Not a valid web socket request.";

/// Some text, in words of the service's own.
const ANY: &str = "*";

/// A request, and how it is refused.
struct Case {
    what: &'static str,
    /// Behind the endpoint.
    target: String,
    /// The form of a POST; a GET without one.
    form: Option<String>,
    status: u16,
    body: &'static str,
}

fn case(what: &'static str, target: impl Into<String>, status: u16, body: &'static str) -> Case {
    Case {
        what,
        target: target.into(),
        form: None,
        status,
        body,
    }
}

impl Case {
    fn with(self, form: impl Into<String>) -> Self {
        Self {
            form: Some(form.into()),
            ..self
        }
    }

    async fn check(&self, endpoint: &str) -> Result<()> {
        let method = if self.form.is_some() { "POST" } else { "GET" };
        let url = format!("{endpoint}{}", self.target);
        let form = self.form.as_deref().unwrap_or_default();
        let answer = http(method, &url, &[], form).await.context(self.what)?;
        refused(&answer, self.status, self.body).context(self.what)
    }
}

/// A short text without a type, and never a page or another address.
fn refused(answer: &Answer, status: u16, body: &str) -> Result<()> {
    let is_it = if body == ANY {
        !answer.body.is_empty() && answer.body.len() < 200 && !answer.body.contains('<')
    } else {
        answer.body == body
    };
    ensure!(answer.status == status && is_it, "{answer:?}");
    ensure!(answer.header("content-type").is_empty(), "{answer:?}");
    ensure!(
        answer.header("x-content-type-options") == "nosniff",
        "{answer:?}"
    );
    Ok(())
}

/// The last character but one is another.
fn forged(token: &str) -> String {
    let mut characters: Vec<char> = token.chars().collect();
    let at = characters.len().saturating_sub(2);
    if let Some(character) = characters.get_mut(at) {
        *character = if *character == 'A' { 'B' } else { 'A' };
    }
    characters.into_iter().collect()
}

async fn bad_requests() -> Result<()> {
    let server = conformance(&[]).await?;
    let other = conformance(&["--set", "keys.primary=\"the key of somebody else\""]).await?;
    let endpoint = format!("{}/signalr", server.url());
    let (alice, mut channel) = Legacy::start(&endpoint, Way::ServerSentEvents, "as=alice").await?;
    let url = format!("{}/signalr", other.url());
    let elsewhere = Legacy::negotiate(&url, Way::LongPolling, "as=alice")
        .await?
        .token;
    for case in transports(&alice.token)
        .into_iter()
        .chain(tokens(&alice.token, &elsewhere))
        .chain(hubs())
        .chain(messages(&alice.token))
    {
        case.check(&endpoint).await?;
    }
    // Its form is not even read for those who show no connection.
    let large = format!("data={}", "x".repeat(8 << 20));
    let sizes = [
        (
            format!(
                "/send?transport=serverSentEvents&as=alice&connectionToken={}",
                alice.token
            ),
            413,
            ANY,
        ),
        (
            "/send?transport=serverSentEvents&as=alice".to_owned(),
            400,
            NO_TOKEN,
        ),
        (
            format!(
                "/abort?transport=longPolling&as=alice&connectionToken={}",
                alice.token
            ),
            413,
            ANY,
        ),
    ];
    for (target, status, body) in sizes {
        case("a large form", target, status, body)
            .with(&large)
            .check(&endpoint)
            .await?;
    }

    // Whom all this was tried with notices nothing.
    let mut witness = Hub::connect(&format!("{}/conformance", server.url())).await?;
    witness
        .invoke("SendUser", json!(["alice", "still there"]))
        .await?;
    let got = channel.received().await?;
    ensure!(got == "still there", "{got}");
    let log = witness.invoke("Log", json!([alice.id])).await?;
    ensure!(log == json!(["connected"]), "{log}");
    Ok(())
}

fn transports(token: &str) -> Vec<Case> {
    let rest = format!("as=alice&connectionToken={token}&{DATA}");
    vec![
        case("the bare endpoint", "", 400, TRANSPORT),
        case(
            "a slash behind negotiate",
            format!("/negotiate/?{DATA}"),
            400,
            TRANSPORT,
        ),
        case("no transport", format!("/connect?{rest}"), 400, TRANSPORT),
        case(
            "an empty transport",
            format!("/connect?transport=&{rest}"),
            400,
            TRANSPORT,
        ),
        case(
            "an unknown transport",
            format!("/connect?transport=carrierPigeons&{rest}"),
            400,
            TRANSPORT,
        ),
        case(
            "a poll without one",
            format!("/poll?{rest}"),
            400,
            TRANSPORT,
        ),
        case(
            "a send without one",
            format!("/send?{rest}"),
            400,
            TRANSPORT,
        )
        .with("data=x"),
        case(
            "an abort without one",
            format!("/abort?{rest}"),
            400,
            TRANSPORT,
        )
        .with(""),
        case(
            "no upgrade",
            format!("/connect?transport=webSockets&{rest}"),
            400,
            NO_SOCKET,
        ),
        case(
            "no upgrade to come back",
            format!("/reconnect?transport=webSockets&{rest}"),
            400,
            NO_SOCKET,
        ),
        case(
            "a frame without number",
            format!("/connect?transport=foreverFrame&{rest}"),
            400,
            ANY,
        ),
        case(
            "a negative frame",
            format!("/connect?transport=foreverFrame&frameId=-1&{rest}"),
            400,
            ANY,
        ),
        case(
            "a frame in letters",
            format!("/connect?transport=foreverFrame&frameId=0x1&{rest}"),
            400,
            ANY,
        ),
    ]
}

fn tokens(token: &str, elsewhere: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for action in ["connect", "reconnect", "poll", "start", "send", "abort"] {
        let refused = |what, token: &str, status, body| {
            let target = format!("/{action}?transport=longPolling&{DATA}&{token}");
            case(what, target, status, body).with("data=%7B%7D")
        };
        let of = |user: &str, token: &str| format!("as={user}&connectionToken={token}");
        cases.extend([
            refused("no token", "as=alice", 400, NO_TOKEN),
            refused("an empty token", "as=alice&connectionToken=", 400, NO_TOKEN),
            refused("garbage", &of("alice", "garbage"), 400, BAD_TOKEN),
            refused(
                "one that is too long",
                &of("alice", &"x".repeat(3000)),
                400,
                BAD_TOKEN,
            ),
            refused(
                "a forged token",
                &of("alice", &forged(token)),
                400,
                BAD_TOKEN,
            ),
            refused(
                "a token with a tail",
                &of("alice", &format!("{token}A")),
                400,
                BAD_TOKEN,
            ),
            refused(
                "a token of elsewhere",
                &of("alice", elsewhere),
                400,
                BAD_TOKEN,
            ),
            refused(
                "a token of another user",
                &of("bob", token),
                403,
                OTHER_USER,
            ),
            refused(
                "a user's token of nobody",
                &format!("connectionToken={token}"),
                403,
                OTHER_USER,
            ),
        ]);
    }
    cases
}

fn hubs() -> Vec<Case> {
    let mut cases = Vec::new();
    for action in ["negotiate", "ping"] {
        let listed = |what, data: &str| {
            let target = format!(
                "/{action}?clientProtocol=2.1&connectionData={}",
                escape(data)
            );
            case(what, target, 400, ANY)
        };
        let too_many: Vec<Value> = (0..300).map(|n| json!({"name": format!("h{n}")})).collect();
        cases.extend([
            listed("an unknown hub", r#"[{"name":"nowhere"}]"#),
            listed(
                "an unknown hub beside a known one",
                r#"[{"name":"second"},{"name":"nowhere"}]"#,
            ),
            listed("a hub twice", r#"[{"name":"second"},{"Name":"SECOND"}]"#),
            listed("no JSON", "{"),
            listed("an object", r#"{"name":"second"}"#),
            listed("a text", r#""second""#),
            listed("a list of texts", r#"["second"]"#),
            listed("a hub without name", r#"[{"title":"second"}]"#),
            listed("a name that is none", r#"[{"name":7}]"#),
            listed("too many hubs", &Value::from(too_many).to_string()),
        ]);
    }
    cases
}

fn messages(token: &str) -> Vec<Case> {
    let target =
        format!("/send?transport=serverSentEvents&as=alice&connectionToken={token}&{DATA}");
    let sent = |what, message: &str| {
        case(what, target.clone(), 400, ANY).with(format!("data={}", escape(message)))
    };
    let state = json!({"H": "conformance", "M": "Void", "I": 0, "S": {"a": "x".repeat(5000)}});
    vec![
        case("no data", target.clone(), 400, ANY).with("date=x"),
        sent("no JSON", "{"),
        sent("nothing", ""),
        sent("a list", "[]"),
        sent("an unknown hub", r#"{"H":"nowhere","M":"Void","I":0}"#),
        sent("no hub", r#"{"M":"Void","I":0}"#),
        sent("no method", r#"{"H":"conformance","I":0}"#),
        sent(
            "arguments that are no list",
            r#"{"H":"conformance","M":"Void","A":{},"I":0}"#,
        ),
        sent("too much state", &state.to_string()),
        case(
            "a socket's send",
            target.replace("serverSentEvents", "webSockets"),
            400,
            NO_SOCKET,
        )
        .with("data=%7B%7D"),
    ]
}

async fn bad_guests() -> Result<()> {
    let server = conformance(&[]).await?;
    let endpoint = format!("{}/signalr", server.url());
    let guarded = "connectionData=%5B%7B%22name%22%3A%22guarded%22%7D%5D";
    case(
        "nobody at a guarded hub",
        format!("/negotiate?clientProtocol=2.1&{guarded}"),
        401,
        "",
    )
    .check(&endpoint)
    .await?;
    Legacy::negotiate_for(&endpoint, Way::LongPolling, &["guarded"], "as=alice").await?;
    // Beside another it is left out, and stays shut.
    let hubs = ["conformance", "guarded"];
    let client = Legacy::negotiate_for(&endpoint, Way::LongPolling, &hubs, "").await?;
    client.connect().await?;
    client.finish_start().await?;
    let shut = client
        .clone()
        .calling("guarded")
        .call("Who", json!([]))
        .await;
    ensure!(shut.is_err(), "a guarded hub answers {shut:?}");
    client.call("Echo", json!(["x"])).await?;

    let failing = Legacy::negotiate_for(&endpoint, Way::LongPolling, &["failing"], "").await?;
    failing.connect().await?;
    refused(&failing.get("start", "").await?, 500, "").context("a hub that fails at the start")?;

    let jsonp = format!("/negotiate?clientProtocol=2.1&{DATA}&callback=f");
    case("JSONP", &jsonp, 403, "").check(&endpoint).await?;
    let mut socket = Socket::connect(server.address()).await?;
    let request = format!("GET /signalr{jsonp} HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.send(request.as_bytes()).await?;
    let head = socket.head().await?;
    ensure!(
        head.starts_with("HTTP/1.1 403 Forbidden: JSONP is disabled.\r\n"),
        "{head}"
    );
    let open = conformance(&["--set", "legacy.jsonp=true"]).await?;
    let endpoint = format!("{}/signalr", open.url());
    for name in ["a-b", "alert(1)", "while", "a..b"] {
        let target = format!("/negotiate?{DATA}&callback={}", escape(name));
        case("a callback that is no name", target, 400, ANY)
            .check(&endpoint)
            .await?;
    }
    after_abort(&server).await
}

async fn after_abort(server: &Server) -> Result<()> {
    let endpoint = format!("{}/signalr", server.url());
    for way in Way::ALL {
        let (client, channel) = Legacy::start(&endpoint, way, "").await?;
        let seen = channel.seen.clone();
        ensure!(client.abort().await?.status == 200, "{way:?}");
        drop(channel);
        for again in ["connect", "reconnect", "poll"] {
            // Those who understand it read that it is over.
            let more = format!("&frameId=1&messageId={}", seen.cursor);
            let told = match way {
                Way::WebSockets => continue,
                _ => client.get(again, &more).await?,
            };
            let is_over =
                told.status == 200 && told.body.contains(r#"{"E":"This connection is over."}"#);
            ensure!(is_over, "{way:?} {again}: {told:?}");
        }
        let told = client.reconnect(&seen).await?.envelope().await?;
        ensure!(told["E"] == "This connection is over.", "{way:?}: {told}");
        // Those who do not get a status.
        let old = client.url(
            "reconnect",
            &format!("&frameId=1&messageId={}", seen.cursor),
        );
        let old = old.replace("clientProtocol=2.1", "clientProtocol=1.5");
        if way != Way::WebSockets {
            refused(&http("GET", &old, &[], "").await?, 404, ANY).context(way.name())?;
        }
        // A start fails with this status whatever the reason.
        refused(&client.get("start", "").await?, 500, "").context("a start")?;
        let call = r#"{"H":"conformance","M":"Void","I":0}"#;
        refused(&client.send(call).await?, 404, ANY).context("a call")?;
    }
    Ok(())
}

async fn versions() -> Result<()> {
    let server = conformance(&[]).await?;
    let endpoint = format!("{}/signalr", server.url());
    for (asked, answered) in [
        ("", "1.2"),
        ("clientProtocol=", "1.2"),
        ("clientProtocol=nonsense", "1.2"),
        ("clientProtocol=0.9", "1.2"),
        ("clientProtocol=1.2", "1.2"),
        ("clientProtocol=1.3", "1.3"),
        ("clientProtocol=1.3.0.0", "1.3.0.0"),
        ("clientProtocol=1.4", "1.4"),
        ("clientProtocol=1.5", "1.5"),
        ("clientProtocol=2.0", "2.0"),
        ("clientProtocol=2.1", "2.0"),
        ("clientProtocol=99.0", "2.0"),
        ("clientProtocol=1", "1.2"),
        ("clientProtocol=-1.5", "1.2"),
        ("clientProtocol=99999999999.0", "1.2"),
    ] {
        let answer = http(
            "GET",
            &format!("{endpoint}/negotiate?{asked}&{DATA}"),
            &[],
            "",
        )
        .await?;
        let version = answer.json()?["ProtocolVersion"].clone();
        ensure!(version == answered, "{asked} is answered with {version}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let answer = http(method, &format!("{endpoint}/negotiate?{DATA}"), &[], "").await?;
        ensure!(answer.status == 200, "{method}: {answer:?}");
    }
    // Characters that have no place there, empty pairs, a token from before.
    let target = "/x/signalr/negotiate?clientProtocol=2.1&&connectionData=[{%22name%22:%22Conformance%22}]\
                  &a=b|c,d&a=e&connectionToken=old&&";
    let mut socket = Socket::connect(server.address()).await?;
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n");
    socket.send(request.as_bytes()).await?;
    let head = socket.head().await?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    socket.until("\"Url\":\"/x/signalr\"").await?;
    let hubless = http(
        "GET",
        &format!("{endpoint}/negotiate?connectionData="),
        &[],
        "",
    )
    .await?;
    ensure!(hubless.status == 200, "{hubless:?}");
    Ok(())
}
