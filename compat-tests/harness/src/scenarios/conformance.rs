//! The conformance hubs, as Core clients see them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::kit::{Hub, Protocol, Transport, http};
use super::until;
use crate::backend::{conformance, conformance_at};
use crate::process::Server;

scenarios! {
    "conformance-values",
    "values, errors and what the hub knows of a caller, in both protocols",
    values();
    "conformance-sends",
    "to the caller, others, connections, users and groups, now and later, and by two hubs",
    sends();
    "conformance-identity",
    "a user by query, cookie and bearer text; guarded methods and hubs; a hub that refuses all",
    identity();
    "conformance-from-outside",
    "sends and aborts by HTTP reach those that they are for; the program ends when it is told to",
    from_outside();
    "conformance-redirect",
    "a legacy negotiate sends the client elsewhere with a token that the hubs believe",
    redirect();
    "conformance-restart",
    "a legacy client comes back to a restarted program with its id, its user and its groups",
    restart();
}

const SOON: Duration = Duration::from_secs(10);

async fn open(server: &Server, path_and_query: &str) -> Result<Hub> {
    Hub::connect(&format!("{}{path_and_query}", server.url())).await
}

/// The text of the next `received`.
async fn received(hub: &mut Hub) -> Result<String> {
    let arguments = hub.called("received").await?;
    Ok(arguments[0].as_str().context("no text")?.to_owned())
}

/// The error of a call.
async fn error(hub: &mut Hub, target: &str, arguments: Value) -> Result<String> {
    let id = hub.begin(1, target, arguments).await?;
    let completion = hub.completion(&id).await?;
    let error = completion["error"].as_str();
    Ok(error
        .with_context(|| format!("{target} gave {completion}"))?
        .to_owned())
}

/// The log of a connection, once it has more than its beginning.
async fn ended_log(watcher: &mut Hub, id: &str) -> Result<Value> {
    let deadline = Instant::now() + SOON;
    loop {
        let log = watcher.invoke("Log", json!([id])).await?;
        if log != json!(["connected"]) || Instant::now() > deadline {
            return Ok(log);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn values() -> Result<()> {
    let server = conformance(&[]).await?;
    let url = format!("{}/conformance?probe=a%20b%26c&many=1&many=2", server.url());
    let headers = [("x-probe", "seen"), ("cookie", "theme=dark; probe=c=d")];
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        let transport = Transport::WebSockets;
        let mut hub = Hub::connect_by(&url, transport, protocol, &headers).await?;
        let ann = json!({"Name": "Ann", "Age": 7, "Tags": ["a"], "Born": "2001-02-03T04:05:06Z",
            "Friend": {"Name": "Bob", "Age": 0, "Tags": [], "Born": null, "Friend": null}});
        let id = hub.connection_id.clone();
        for (target, arguments, result) in [
            (
                "echo",
                json!(["h\u{e9}llo \u{1f600}"]),
                json!("h\u{e9}llo \u{1f600}"),
            ),
            ("Echo", json!([null]), json!(null)),
            ("Add", json!([2, 3]), json!(5)),
            (
                "Types",
                json!([true, -7, 9_007_199_254_740_991_i64, 1.5, "text", [1, 2, 3]]),
                json!({"B": true, "I": -7, "L": 9_007_199_254_740_991_i64, "D": 1.5, "S": "text",
                    "List": [1, 2, 3], "Sum": 6}),
            ),
            ("EchoPerson", json!([ann]), ann.clone()),
            ("Void", json!([]), json!(null)),
            ("Null", json!([]), json!(null)),
            ("Slow", json!([20]), json!(20)),
            ("Large", json!([3]), json!("xxx")),
            ("Length", json!(["\u{1f600}"]), json!(2)),
            ("renamedMethod", json!([]), json!("renamed")),
            ("Progress", json!([3]), json!("done 3")),
            ("ConnectionId", json!([]), json!(id)),
            ("UserName", json!([]), json!(null)),
            ("Query", json!(["probe"]), json!("a b&c")),
            ("Query", json!(["many"]), json!("1,2")),
            ("Query", json!(["none"]), json!(null)),
            ("Header", json!(["X-Probe"]), json!("seen")),
            ("CookieValue", json!(["probe"]), json!("c=d")),
            ("CookieValue", json!(["none"]), json!(null)),
            ("Log", json!([id]), json!(["connected"])),
            ("Log", json!(["somebody else"]), json!([])),
        ] {
            let got = hub.invoke(target, arguments).await?;
            ensure!(got == result, "{protocol:?}: {target} gave {got}");
        }
        let generic = |target: &str| {
            format!("An unexpected error occurred invoking '{target}' on the server.")
        };
        let hidden = error(&mut hub, "Throw", json!(["secret"])).await?;
        ensure!(hidden == generic("Throw"), "{hidden}");
        for (target, arguments) in [
            ("ThrowHub", json!(["shown"])),
            ("ThrowHubData", json!(["shown", "code", "42"])),
        ] {
            let shown = error(&mut hub, target, arguments).await?;
            ensure!(
                shown == format!("{} HubException: shown", generic(target)),
                "{shown}"
            );
        }
        let missing = error(&mut hub, "Missing", json!([])).await?;
        for absent in ["NextCount", "Overload"] {
            let absent_error = error(&mut hub, absent, json!([])).await?;
            ensure!(
                absent_error == missing.replace("Missing", absent),
                "{absent_error}"
            );
        }
        let large = error(&mut hub, "Large", json!([u32::MAX])).await?;
        ensure!(large.contains("more than"), "{large}");
    }
    let server = conformance(&["--detailed", "1"]).await?;
    let mut hub = open(&server, "/conformance").await?;
    let shown = error(&mut hub, "Throw", json!(["secret"])).await?;
    ensure!(
        shown.ends_with("InvalidOperationException: secret"),
        "{shown}"
    );
    Ok(())
}

async fn sends() -> Result<()> {
    let server = conformance(&[]).await?;
    let mut one = open(&server, "/conformance").await?;
    let mut two = open(&server, "/conformance?as=two").await?;
    let (first, second) = (one.connection_id.clone(), two.connection_id.clone());

    one.invoke("CallbackArgs", json!([])).await?;
    let many = one.called("many").await?;
    ensure!(
        many == json!([1, "two", {"Three": 3}, [4, 5], null, true]),
        "{many}"
    );
    let slow = one.begin(1, "Slow", json!([500])).await?;
    one.invoke("PushLater", json!([300, 2, "later"])).await?;
    one.invoke("Burst", json!([3, "n"])).await?;
    for text in ["n0", "n1", "n2", "later0", "later1"] {
        let got = received(&mut one).await?;
        ensure!(got == text, "{got} instead of {text}");
    }
    one.completion(&slow).await?;

    one.invoke("JoinGroup", json!(["g"])).await?;
    two.invoke("JoinGroup", json!(["g"])).await?;
    two.invoke("JoinGroup", json!(["G"])).await?;
    for (target, arguments) in [
        ("Callback", json!(["own"])),
        ("Broadcast", json!(["all"])),
        ("BroadcastOthers", json!(["others"])),
        ("BroadcastExcept", json!(["but two", [second]])),
        ("SendConnection", json!([second, "to two"])),
        ("SendUser", json!(["two", "to the user"])),
        ("SendUser", json!(["TWO", "to nobody"])),
        ("SendGroup", json!(["g", "group"])),
        ("SendGroup", json!(["G", "other group"])),
        ("SendGroupExcept", json!(["g", "group but one", [first]])),
        ("SendOthersInGroup", json!(["g", "group but me"])),
        ("LeaveGroup", json!(["g"])),
        ("SendGroup", json!(["g", "without one"])),
        ("Broadcast", json!(["end"])),
    ] {
        one.invoke(target, arguments).await?;
    }
    for (hub, texts) in [
        (&mut one, &["own", "all", "but two", "group", "end"][..]),
        (
            &mut two,
            &[
                "all",
                "others",
                "to two",
                "to the user",
                "group",
                "other group",
                "group but one",
                "group but me",
                "without one",
                "end",
            ],
        ),
    ] {
        for text in texts {
            let got = received(hub).await?;
            ensure!(got == *text, "{got} instead of {text}");
        }
    }

    let mut other = open(&server, "/second").await?;
    other.invoke("Broadcast", json!(["x"])).await?;
    let echo = other.invoke("Echo", json!(["y"])).await?;
    let got = received(&mut other).await?;
    ensure!(got == "second:x" && echo == "second:y", "{got}, {echo}");
    let log = one.invoke("Log", json!([other.connection_id])).await?;
    ensure!(log == json!(["second-connected"]), "{log}");
    let mut greeter = open(&server, "/greeter").await?;
    let hello = received(&mut greeter).await?;
    ensure!(hello == "hello", "{hello}");
    Ok(())
}

async fn identity() -> Result<()> {
    let server = conformance(&[]).await?;
    let connect = async |query: &str, headers: &[(&str, &str)]| {
        let url = format!("{}/conformance?{query}", server.url());
        Hub::connect_by(&url, Transport::WebSockets, Protocol::Json, headers).await
    };
    let cookie = ("cookie", "as=carol; role=admin");
    let form = ("authorization", "Bearer as=alice&role=admin");
    for (query, headers, user, is_admin) in [
        ("as=bob", &[cookie][..], "bob", false),
        ("as=bob&role=admin", &[], "bob", true),
        ("", &[cookie], "carol", true),
        ("as=bob", &[cookie, form], "alice", true),
        ("", &[("authorization", "Bearer dave")], "dave", false),
    ] {
        let mut hub = connect(query, headers).await?;
        for target in ["UserName", "Secret"] {
            let name = hub.invoke(target, json!([])).await?;
            ensure!(name == user, "{target} of {user} is {name}");
        }
        let admin = hub.invoke("AdminOnly", json!([])).await;
        ensure!(admin.is_ok() == is_admin, "{user}: {admin:?}");
    }
    let mut nobody = connect("role=admin", &[]).await?;
    for target in ["Secret", "AdminOnly"] {
        let refused = error(&mut nobody, target, json!([])).await?;
        ensure!(refused.contains("unauthorized"), "{refused}");
    }

    let negotiate = async |path: &str| {
        let url = format!("{}{path}", server.url());
        http("POST", &url, &[], "").await
    };
    let refused = negotiate("/guarded/negotiate").await?;
    ensure!(refused.status == 401, "{refused:?}");
    let mut guarded = open(&server, "/guarded?as=alice").await?;
    let who = guarded.invoke("Who", json!([])).await?;
    ensure!(who == "alice", "{who}");
    let forged = "/conformance/negotiate?access_token=eyJhbGciOiJIUzI1NiJ9.e30.c2ln";
    let forged = negotiate(forged).await?;
    ensure!(forged.status == 401, "{forged:?}");

    let mut failing = open(&server, "/failing").await?;
    let close = failing.close_message().await?;
    ensure!(close["allowReconnect"].is_null(), "{close}");
    Ok(())
}

async fn from_outside() -> Result<()> {
    let mut server = conformance(&[]).await?;
    let mut one = open(&server, "/conformance?as=one").await?;
    let mut two = open(&server, "/conformance").await?;
    let base = server.url().to_owned();
    let post = async |path: &str| {
        Ok::<_, anyhow::Error>(
            http("POST", &format!("{base}{path}"), &[], "")
                .await?
                .status,
        )
    };
    two.invoke("JoinGroup", json!(["a group"])).await?;
    for (to, text) in [
        ("all".to_owned(), "1"),
        ("user&name=one".to_owned(), "2"),
        ("group&name=a+group".to_owned(), "3"),
        (format!("connection&name={}", two.connection_id), "4"),
        ("all".to_owned(), "5"),
    ] {
        let status = post(&format!("/send?hub=conformance&to={to}&text={text}")).await?;
        ensure!(status == 200, "{to}: {status}");
    }
    for (hub, texts) in [
        (&mut one, &["1", "2", "5"][..]),
        (&mut two, &["1", "3", "4", "5"]),
    ] {
        for text in texts {
            let got = received(hub).await?;
            ensure!(got == *text, "{got} instead of {text}");
        }
    }
    let bad = [
        post("/send?hub=none&to=all&text=x").await?,
        post("/send?hub=second&to=some&text=x").await?,
        post("/abort?id=none").await?,
    ];
    ensure!(bad == [404, 400, 404], "{bad:?}");

    let id = one.connection_id.clone();
    ensure!(post(&format!("/abort?id={id}")).await? == 200, "no abort");
    one.close_message().await?;
    let mut three = open(&server, "/conformance").await?;
    three.send(&json!({"type": 7})).await?;
    for (id, end) in [
        (id, "disconnected:false"),
        (three.connection_id.clone(), "disconnected:true"),
    ] {
        let log = ended_log(&mut two, &id).await?;
        ensure!(log == json!(["connected", end]), "{log}");
    }

    ensure!(post("/shutdown").await? == 202, "no shutdown");
    let started = Instant::now();
    two.close_message().await?;
    drop((one, two, three));
    ensure!(server.ended(SOON).await?.success(), "it failed");
    let last = "the last line";
    until(last, SOON, async || {
        Ok(server.log().contains("STOPPED").then_some(()))
    })
    .await?;
    let took = started.elapsed();
    ensure!(took < SOON / 2, "it took {took:?} to stop");

    let mut server = conformance(&[]).await?;
    server.signal("TERM").await?;
    ensure!(server.ended(SOON).await?.success(), "it failed");
    Ok(())
}

async fn redirect() -> Result<()> {
    let server = conformance(&["--redirect", "1"]).await?;
    let negotiate = async |query: &str| {
        let url = format!("{}/redirect/signalr/negotiate?{query}", server.url());
        let headers = [("origin", "http://page.test")];
        let answer = http("GET", &url, &headers, "").await?;
        ensure!(answer.status == 200, "{answer:?}");
        let origin = answer.header("access-control-allow-origin");
        ensure!(origin == "http://page.test", "{answer:?}");
        answer.json()
    };
    let query = "clientProtocol=2.1&as=alice&role=admin&connectionData=%5B%5D";
    let answer = negotiate(query).await?;
    // Between its own parameters and the path the app has a request id, which may be anything.
    let url = answer["RedirectUrl"].as_str().unwrap_or_default();
    let start = format!("{}/aspnetclient?as=alice&role=admin&", server.url());
    let is_whole = url.starts_with(&start) && url.ends_with("asrs.op=%2Fredirect%2Fsignalr");
    ensure!(is_whole, "{url}");
    ensure!(answer["ProtocolVersion"] == "2.0", "{answer}");
    let token = answer["AccessToken"].as_str().context("no token")?;
    let mut hub = Hub::connect_at(&format!("{}/conformance", server.url()), Some(token)).await?;
    let admin = hub.invoke("AdminOnly", json!([])).await?;
    ensure!(admin == "alice", "{admin}");

    let answer = negotiate("clientProtocol=1.5").await?;
    ensure!(
        answer["RedirectUrl"] == format!("{}/aspnetclient", server.url()),
        "{answer}"
    );
    let token = answer["AccessToken"].as_str().context("no token")?;
    let mut hub = Hub::connect_at(&format!("{}/conformance", server.url()), Some(token)).await?;
    let name = hub.invoke("UserName", json!([])).await?;
    ensure!(name.is_null(), "{name}");

    let other = conformance(&[
        "--redirect",
        "1",
        "--redirect-to",
        "http://service/aspnetclient",
    ])
    .await?;
    let url = format!("{}/redirect/signalr/negotiate", other.url());
    let answer = http("GET", &url, &[], "").await?.json()?;
    ensure!(
        answer["RedirectUrl"] == "http://service/aspnetclient",
        "{answer}"
    );
    Ok(())
}

/// A legacy client that polls: what it says with each request.
struct Poller {
    base: String,
    query: String,
    id: String,
}

impl Poller {
    async fn negotiate(server: &Server, user: &str) -> Result<Self> {
        let base = format!("{}/signalr", server.url());
        let hubs = "connectionData=%5B%7B%22name%22%3A%22conformance%22%7D%5D";
        let query = format!("clientProtocol=2.1&transport=longPolling&as={user}&{hubs}");
        let answer = http("GET", &format!("{base}/negotiate?{query}"), &[], "").await?;
        let answer = answer.json()?;
        let text = |name: &str| answer[name].as_str().context(answer.to_string());
        let query = format!("{query}&connectionToken={}", text("ConnectionToken")?);
        let id = text("ConnectionId")?.to_owned();
        Ok(Self { base, query, id })
    }

    async fn get(&self, action: &str, more: &str) -> Result<Value> {
        let url = format!("{}/{action}?{}{more}", self.base, self.query);
        let answer = http("GET", &url, &[], "").await?;
        answer.json().context(format!("{action} {}", answer.status))
    }

    /// Calls a method of the hub and gives its result.
    async fn invoke(&self, method: &str, arguments: Value) -> Result<Value> {
        let call = json!({"H": "conformance", "M": method, "A": arguments, "I": 0});
        let url = format!("{}/send?{}", self.base, self.query);
        let answer = http("POST", &url, &[], &format!("data={call}"))
            .await?
            .json()?;
        ensure!(
            answer["E"].is_null() && answer["I"] == "0",
            "{method}: {answer}"
        );
        Ok(answer["R"].clone())
    }
}

async fn restart() -> Result<()> {
    let key = [
        "--set",
        "keys.primary=one-key-for-both-runs-of-this-program",
    ];
    let mut server = conformance(&key).await?;
    let address = server.address().to_owned();
    let client = Poller::negotiate(&server, "alice").await?;
    let begun = client.get("connect", "").await?;
    ensure!(begun["S"] == 1, "{begun}");
    client.get("start", "").await?;
    client.invoke("JoinGroup", json!(["kept"])).await?;
    let cursor =
        |answer: &Value| format!("&messageId={}", answer["C"].as_str().unwrap_or_default());
    let joined = client.get("poll", &cursor(&begun)).await?;
    let groups = joined["G"].as_str().context(joined.to_string())?;
    let seen = format!("{}&groupsToken={groups}", cursor(&joined));
    server.signal("TERM").await?;
    ensure!(server.ended(SOON).await?.success(), "it failed");

    let server = conformance_at(&address, &key).await?;
    let back = client.get("reconnect", &seen).await?;
    let seen = format!("{}&groupsToken={groups}", cursor(&back));
    let (id, user) = (
        client.invoke("ConnectionId", json!([])).await?,
        client.invoke("UserName", json!([])).await?,
    );
    ensure!(id == client.id && user == "alice", "{id}, {user}");
    client
        .invoke("SendGroup", json!(["kept", "still in"]))
        .await?;
    let got = client.get("poll", &seen).await?;
    ensure!(got["M"][0]["A"] == json!(["still in"]), "{got}");
    let log = client.invoke("Log", json!([id])).await?;
    ensure!(log == json!(["reconnected"]), "{log}");
    drop(server);
    Ok(())
}
