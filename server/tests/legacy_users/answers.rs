//! Answers of apps that say nothing of a client.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use heliograph::config::{Settings, Span};
use http::StatusCode;
use tokio::net::TcpListener;

use crate::client::Who;
use crate::http::Answer;
use crate::stage::{KEY, Stage, asked, classic_redirect_with, mint, redirect_with, status};
use crate::stub::{self, Stub};
use crate::support::log;

const MINUTE: Duration = Duration::from_secs(60);
const FOREIGN_KEY: &str = "another key, which is not that of the service";

/// What an app answers, and what is wrong with it.
type Row = (fn() -> Response, &'static str);

/// Whatever kind of app it is.
const ANSWERS: [Row; 10] = [
    (|| status(500), "it answered 500 Internal Server Error"),
    (|| status(404), "it answered 404 Not Found"),
    (
        || status(302),
        "it answered 302 Found, and redirects are not followed",
    ),
    (|| status(204), "it answered 204 No Content"),
    (
        || {
            (
                [("content-type", "text/html; charset=utf-8")],
                "<html>secret page",
            )
                .into_response()
        },
        "it answered with an HTML page",
    ),
    (|| stub::json("secret, no JSON"), "cannot be read"),
    (|| stub::json("{}"), "cannot be read"),
    (|| stub::json(""), "cannot be read"),
    (
        || {
            let chunks =
                futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1024]));
            Body::from_stream(chunks).into_response()
        },
        "too large",
    ),
    (
        || {
            Body::from_stream(futures_util::stream::pending::<
                Result<Vec<u8>, std::io::Error>,
            >())
            .into_response()
        },
        "it did not answer in time",
    ),
];

const OF_CORE: [Row; 6] = [
    (
        || redirect_with(&mint(FOREIGN_KEY, MINUTE).client("chat", None, &[]).unwrap()),
        "the signature of the access token is invalid",
    ),
    (
        || redirect_with(&mint(KEY, MINUTE).client("stock", None, &[]).unwrap()),
        "the audience of the access token does not fit",
    ),
    (
        || redirect_with(&mint(KEY, MINUTE).legacy_client(None, &[]).unwrap()),
        "the audience of the access token does not fit",
    ),
    (
        || redirect_with("secret.secret.secret"),
        "the access token is malformed",
    ),
    (
        || stub::json(r#"{"url":"http://localhost/client/?hub=chat"}"#),
        "without an access token",
    ),
    (
        || stub::json(r#"{"ProtocolVersion":"2.0","RedirectUrl":"http://a/","AccessToken":"t"}"#),
        "cannot be read",
    ),
];

const OF_CLASSIC: [Row; 6] = [
    (
        || classic_redirect_with(&mint(FOREIGN_KEY, MINUTE).legacy_client(None, &[]).unwrap()),
        "the signature of the access token is invalid",
    ),
    (
        || classic_redirect_with(&mint(KEY, MINUTE).client("chat", None, &[]).unwrap()),
        "the audience of the access token does not fit",
    ),
    (
        || classic_redirect_with("secret.secret.secret"),
        "the access token is malformed",
    ),
    (|| classic_redirect_with(""), "without an access token"),
    (
        || stub::json(r#"{"Url":"/signalr","ConnectionToken":"secret","ConnectionId":"i"}"#),
        "it serves its clients itself",
    ),
    (|| stub::json(stub::OFFER), "cannot be read"),
];

/// Starts a service that asks an app, and changes how.
type Start = fn(&str, fn(&mut Settings)) -> Stage;

/// A service that asks a Core app.
fn core(url: &str, change: fn(&mut Settings)) -> Stage {
    Stage::with(vec![("chat", asked(url))], change)
}

/// A service that asks a classic app.
fn classic(url: &str, change: fn(&mut Settings)) -> Stage {
    let app = url.to_owned();
    Stage::with(Vec::new(), |settings: &mut Settings| {
        settings.legacy.app_url = Some(app);
        change(settings);
    })
}

/// For apps that never answer.
fn impatient(settings: &mut Settings) {
    settings.legacy.ask = Span(Duration::from_millis(200));
}

fn assert_unavailable(refused: &Answer, app: SocketAddr, why: &str) {
    assert_eq!(refused.status, 503, "{why}");
    assert_eq!(refused.text(), "The hub is not available.", "{why}");
    assert_eq!(refused.header("location"), None);
    let place = format!("asked at http://{app}/chat");
    assert!(
        log::has(&["WARN", "not admitted", why, &place]),
        "{why} at {place} in\n{}",
        log::text()
    );
}

#[tokio::test]
async fn whoever_answers_nonsense_is_unavailable_and_the_log_says_why() {
    log::capture();
    let kinds: [(Start, &[Row]); 2] = [(core, &OF_CORE), (classic, &OF_CLASSIC)];
    for (start, own) in kinds {
        for (answer, why) in ANSWERS.iter().chain(own) {
            let app = Stub::answering(|_| answer()).await;
            let is_silent = why.contains("in time");
            let stage = start(&app.url(), if is_silent { impatient } else { |_| {} });
            for protocol in ["2.1", "1.5"] {
                let who = Who::direct(&["chat"]).version(protocol);
                let refused = who.negotiate(stage.address).await.unwrap_err();
                assert_unavailable(&refused, app.address, why);
            }
        }
    }
    let log = log::text();
    let is_ours = |line: &&str| line.contains("heliograph");
    for line in log.lines().filter(is_ours) {
        assert!(!line.contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn an_app_that_is_not_there_or_silent_is_unavailable() {
    log::capture();
    for start in [core as Start, classic] {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent_address = silent.local_addr().unwrap();
        for (address, why) in [
            (address, "it cannot be reached"),
            (silent_address, "it did not answer in time"),
        ] {
            let stage = start(&format!("http://{address}/chat"), impatient);
            let who = Who::direct(&["chat"]);
            let refused = who.negotiate(stage.address).await.unwrap_err();
            assert_unavailable(&refused, address, why);
        }
    }
}

#[tokio::test]
async fn refusals_come_through_without_their_bodies() {
    for start in [core as Start, classic] {
        for (answer, expected) in [(401, 401), (403, 403)] {
            let app = Stub::answering(move |_| {
                let headers = [("www-authenticate", "Negotiate"), ("set-cookie", "a=1")];
                let status = StatusCode::from_u16(answer).unwrap();
                (status, headers, "<html>").into_response()
            })
            .await;
            let stage = start(&app.url(), |_| {});
            let refused = Who::direct(&["chat"]).negotiate(stage.address).await;
            let refused = refused.unwrap_err();
            assert_eq!((refused.status, refused.text()), (expected, ""));
            assert_eq!(refused.header("set-cookie"), None);
        }
    }
}

#[tokio::test]
async fn an_apps_own_word_reaches_the_client() {
    let kinds: [(Start, &str); 2] = [
        (core, r#"{"error":"Closed on \"Sundays\"."}"#),
        (
            classic,
            r#"{"ProtocolVersion":"2.0","Error":"Closed on \"Sundays\"."}"#,
        ),
    ];
    for (start, answer) in kinds {
        let app = Stub::answering(move |_| stub::json(answer)).await;
        let stage = start(&app.url(), |_| {});
        let ask = |protocol| {
            let who = Who::direct(&["chat"]).version(protocol);
            async move { who.get(stage.address, "negotiate", &[]).await }
        };
        let told = ask("2.1").await;
        let expected = r#"{"ProtocolVersion":"2.0","Error":"Closed on \"Sundays\"."}"#;
        assert_eq!((told.status, told.text()), (200, expected));
        assert_eq!(
            told.header("content-type"),
            Some("application/json; charset=UTF-8")
        );
        let told = ask("1.5").await;
        assert_eq!((told.status, told.text()), (403, "Closed on \"Sundays\"."));
        assert_eq!(told.header("content-type"), None);
    }
}
