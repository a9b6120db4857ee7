//! Negotiation beyond what the recordings show.

use std::collections::HashSet;

use heliograph::backend::Refusal;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use crate::http::request;
use crate::stage::{Ids, Stage};

const ID_CHARS: usize = 22;

fn is_unguessable(id: &str) -> bool {
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    id.len() == ID_CHARS && id.chars().all(is_base64url)
}

#[tokio::test]
async fn ids_and_tokens_are_unguessable_and_differ_in_version_1() {
    let stage = Stage::start();
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let ids = stage.negotiate().await;
        assert!(
            is_unguessable(&ids.id) && is_unguessable(&ids.token),
            "{ids:?}"
        );
        assert!(seen.insert(ids.id) && seen.insert(ids.token));
    }
}

#[tokio::test]
async fn version_0_has_one_id_that_opens_the_connection() {
    let stage = Stage::start();
    let answer = stage.post("/testhub/negotiate", "").await;
    assert!(!answer.text().contains("connectionToken"));
    let ids = Ids::of(&answer);
    assert!(is_unguessable(&ids.id));
    assert!(stage.socket_of(&ids).await.is_ok());
}

#[tokio::test]
async fn the_first_of_doubled_parameters_counts() {
    // A redirected client adds its own parameters to those of the app.
    let stage = Stage::start();
    let target = "/testhub/negotiate?negotiateVersion=1&negotiateVersion=x&negotiateVersion=0";
    let answer = stage.post(target, "").await;
    assert!(
        answer.text().starts_with("{\"negotiateVersion\":1,"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn slashes_and_case_of_the_path_do_not_matter() {
    let stage = Stage::start();
    for path in [
        "/testhub/negotiate/",
        "/TESTHUB/NEGOTIATE",
        "/testHub/negotiate//",
    ] {
        assert_eq!(stage.post(path, "").await.status, 200, "{path}");
    }
    let ids = stage.negotiate().await;
    for path in ["/TestHub/", "/TESTHUB"] {
        let target = format!("{path}?ID={}", ids.token);
        assert_eq!(stage.post(&target, "").await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn the_answer_of_a_hub_that_refuses_is_passed_on() {
    let stage = Stage::start();
    let mut headers = HeaderMap::new();
    headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
    stage.hub.refuse_negotiate(Refusal {
        status: StatusCode::UNAUTHORIZED,
        headers,
        body: b"who are you".to_vec(),
    });
    let origin = [("Origin", "https://page.test")];
    let target = "/testhub/negotiate?negotiateVersion=1";
    let answer = request(stage.address, "POST", target, &origin, b"").await;
    assert_eq!((answer.status, answer.text()), (401, "who are you"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://page.test")
    );
    assert_eq!(stage.hub.negotiate_count(), 1);
    assert_eq!(stage.door.connections(), 0);
}

#[tokio::test]
async fn a_bad_version_makes_no_connection() {
    let stage = Stage::start();
    for version in ["x", "", "-1", "1.5", "99999999999"] {
        let target = format!("/testhub/negotiate?negotiateVersion={version}");
        let answer = stage.post(&target, "").await;
        let json: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 200);
        assert!(json["error"].is_string(), "{version}: {json}");
    }
    assert_eq!(stage.door.connections(), 0);
}

#[tokio::test]
async fn nothing_is_served_elsewhere() {
    let stage = Stage::start();
    for path in [
        "/",
        "/nohub",
        "/nohub/negotiate",
        "/testhub/x",
        "/testhub/negotiate/x",
    ] {
        assert_eq!(stage.post(path, "").await.status, 404, "{path}");
    }
}
