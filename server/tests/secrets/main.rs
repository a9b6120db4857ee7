//! What must never be in the log, at its most talkative level: tokens, keys, cookies, and what
//! lets a client speak for its connection.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "../cli/program.rs"]
mod program;
#[path = "../direct/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

mod visit;

use axum::response::IntoResponse as _;
use program::Service;
use stub::Stub;

use visit::{Credentials, Doorway, Secrets};

const KEY: &str = "a key of some length that is only ours";

/// A token as `heliograph token` makes it.
fn token(arguments: &[&str]) -> String {
    let arguments = [&["token"], arguments].concat();
    let output = program::run(&arguments, &[("HELIOGRAPH_KEYS__PRIMARY", KEY)]);
    program::text(&output.stdout).trim().to_owned()
}

fn start(hub: &Stub, settings: &[&str]) -> Service {
    let url = format!("hubs.far.url=\"{}?own-secret=query-secret\"", hub.url());
    let mut arguments = vec!["--log-level", "trace,heliograph=trace"];
    for setting in [
        "hubs.far.backend=direct",
        &url,
        "hubs.bench.backend=embedded",
        "hubs.bench.auth=token",
        "hubs.bench.path=/guarded",
        "timeouts.wait_for_server=0s",
    ]
    .iter()
    .chain(settings)
    {
        arguments.extend(["--set", setting]);
    }
    Service::start(&arguments, &[("HELIOGRAPH_KEYS__PRIMARY", KEY)])
}

/// A hub that accepts everyone, sets a cookie, and answers each handshake.
async fn hub() -> Stub {
    Stub::answering(|parts| {
        let id = if parts.uri.to_string().contains("negotiateVersion=1") {
            stub::OFFER.replace("hub-token", "the-hubs-own-token")
        } else {
            stub::OFFER.to_owned()
        };
        let cookie = [("set-cookie", "node=set-cookie-secret; path=/")];
        (cookie, stub::json(&id)).into_response()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_door_tells_the_log_a_secret() {
    let hub = hub().await;
    let service = start(&hub, &[]);
    let answering = hub.greet_all();
    let mut secrets = Secrets::default();
    secrets.add("the key", KEY);
    secrets.add("the cookie", "cookie-secret");
    secrets.add("the hub's cookie", "set-cookie-secret");
    secrets.add("the hub's connection token", "the-hubs-own-token");
    secrets.add("the query of the hub's URL", "query-secret");
    secrets.add("a claim", "hush-hush");

    let (claim, user) = (["--claim", "dept=hush-hush"], ["--user", "amy"]);
    for (path, name) in [
        ("/client/?hub=rooms", "rooms"),
        ("/guarded", "bench"),
        ("/far", "far"),
    ] {
        let base = ["client", "--hub", name];
        let token = token(&[&base[..], &claim, &user].concat());
        secrets.add_token(&token);
        let door = Doorway::new(&service.address, path);
        for credentials in [Credentials::header(&token), Credentials::query(&token)] {
            for version in [0, 1] {
                door.visit(&credentials, version, &mut secrets).await;
            }
        }
        for bad in bad_tokens(&token) {
            secrets.add_token(&bad);
            door.knock(&Credentials::header(&bad)).await;
            door.knock(&Credentials::query(&bad)).await;
        }
        secrets.add("an id that nobody has", "an-id-that-nobody-has");
        door.guess("an-id-that-nobody-has", &Credentials::query(&token))
            .await;
    }
    let token = token(&["server", "--hub", "rooms"]);
    secrets.add_token(&token);
    let door = Doorway::new(&service.address, "/server/?hub=rooms&cid=link");
    door.serve(&Credentials::header(&token)).await;
    door.serve(&Credentials::query(&token)).await;
    for bad in bad_tokens(&token) {
        secrets.add_token(&bad);
        door.knock(&Credentials::header(&bad)).await;
        door.knock(&Credentials::query(&bad)).await;
    }

    service.signal("TERM");
    let (_, log) = service.wait();
    answering.abort();
    // It is the log of all that, and not of nothing.
    for said in ["connection ended", "client refused", "link opened", "DEBUG"] {
        assert!(log.contains(said), "no '{said}' in\n{log}");
    }
    secrets.assert_absent(&log);
}

/// Tokens that are refused: damaged, expired, for another hub, none at all.
fn bad_tokens(good: &str) -> Vec<String> {
    let (head, signature) = good.rsplit_once('.').unwrap();
    vec![
        format!("{head}.A{signature}"),
        format!("{head}."),
        "a-secret-that-is-no-token".to_owned(),
        format!("{good}{}", "x".repeat(5000)),
        token(&["client", "--hub", "another-hub"]),
        token(&["client", "--hub", "rooms", "--audience", "http://elsewhere"]),
    ]
}
