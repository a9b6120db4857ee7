//! Browsers of other origins.

use crate::http::request;
use crate::socket::Socket;
use crate::stage::{EVENTS, Ids, PAGE, Stage};

const NEGOTIATE: &str = "/listed/negotiate?negotiateVersion=1";
const FOREIGN: &str = "https://evil.test";

#[tokio::test]
async fn a_foreign_page_is_refused_everywhere() {
    let stage = Stage::start();
    let ids = stage.negotiate_at(NEGOTIATE).await;
    let target = format!("/listed?id={}", ids.token);
    for origin in [
        FOREIGN,
        "null",
        "http://page.test",
        "https://page.test.evil.test",
    ] {
        let header = [("Origin", origin)];
        for (method, target) in [
            ("POST", NEGOTIATE),
            ("OPTIONS", NEGOTIATE),
            ("GET", &target),
            ("POST", &target),
            ("DELETE", &target),
        ] {
            let answer = request(stage.address, method, target, &header, b"").await;
            assert_eq!(answer.status, 403, "{method} {target} {origin}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        for target in [target.as_str(), "/listed"] {
            let refused = Socket::open(stage.address, target, &header).await;
            assert_eq!(refused.err().unwrap().status, 403, "{target} {origin}");
        }
        let events = [("Origin", origin), EVENTS];
        let mut stream = stage.begin(&target, &events).await;
        assert_eq!(stream.head().await.0, 403);
    }
    assert_eq!(stage.door.connections(), 1);
}

#[tokio::test]
async fn a_listed_page_the_own_page_and_no_page_come_in() {
    let stage = Stage::start();
    for headers in [
        &[("Origin", PAGE)][..],
        &[("Origin", "http://hub.test")],
        &[],
    ] {
        let answer = request(stage.address, "POST", NEGOTIATE, headers, b"").await;
        assert_eq!(answer.status, 200);
        let target = format!("/listed?id={}", Ids::of(&answer).token);
        assert!(Socket::open(stage.address, &target, headers).await.is_ok());
    }
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_token() {
    let stage = Stage::start();
    let asked = [
        ("Origin", PAGE),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,x-custom"),
    ];
    for target in [
        "/client/negotiate?hub=h",
        "/secret/negotiate",
        "/listed?id=x",
    ] {
        let answer = request(stage.address, "OPTIONS", target, &asked, b"").await;
        assert_eq!(answer.status, 204, "{target}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization,x-custom")
        );
        let methods = answer.header("access-control-allow-methods").unwrap();
        for method in ["GET", "POST", "DELETE"] {
            assert!(methods.contains(method));
        }
    }
}

#[tokio::test]
async fn errors_can_be_read_by_the_page_too() {
    let stage = Stage::start();
    let header = [("Origin", PAGE)];
    for (method, target, status) in [
        ("GET", "/testhub?id=nope", 404),
        ("POST", "/tsethub/negotiate", 404),
        ("POST", "/testhub", 400),
        ("PUT", "/testhub", 405),
        ("GET", "/testhub/negotiate", 405),
        ("POST", "/client/negotiate", 400),
    ] {
        let answer = request(stage.address, method, target, &header, b"").await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}
