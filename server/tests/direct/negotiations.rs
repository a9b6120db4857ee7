use axum::response::IntoResponse as _;
use heliograph::backend::direct::{Direct, Options, OptionsError};
use http::StatusCode;

use crate::front::{Front, options};
use crate::stub::{OFFER, Stub, header, json};

#[tokio::test]
async fn the_client_gets_the_hubs_id_and_never_its_token() {
    let mut stub = Stub::start().await;
    let front = Front::start(options(&stub.url()));
    let answer = front.negotiate("negotiateVersion=1", &[]).await.json();
    assert_eq!(answer["connectionId"], "hub-id");
    assert_eq!(answer["availableTransports"].as_array().unwrap().len(), 3);
    let token = answer["connectionToken"].as_str().unwrap();
    assert_ne!(token, "hub-token");
    stub.negotiation().await;

    let mut visitor = front.connect_with(&format!("id={token}&a=1"), &[]).await;
    visitor
        .send("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    let upgrade = stub.request().await;
    assert_eq!(upgrade.uri.path(), "/chat");
    assert_eq!(upgrade.uri.query(), Some("id=hub-token&a=1"));
    stub.greeted().await;
    assert_eq!(visitor.text().await, "{}\u{1e}");
}

#[tokio::test]
async fn query_and_headers_reach_the_hub() {
    let mut stub = Stub::start().await;
    let front = Front::start(Options {
        pass_headers: vec!["X-Tenant".into()],
        ..options(&format!("{}?own=1", stub.url()))
    });
    let headers = [
        ("authorization", "Bearer t0ken"),
        ("cookie", "a=1; b=2"),
        ("user-agent", "test/1"),
        ("x-tenant", "7"),
        ("x-other", "8"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "spoofed.test"),
    ];
    let query = "negotiateVersion=1&useStatefulReconnect=true&room=blue%20sky";
    let answer = front.negotiate(query, &headers).await.json();
    assert_eq!(answer["useStatefulReconnect"], true);
    let seen = stub.negotiation().await;
    assert_eq!(
        seen.uri.query(),
        Some("negotiateVersion=1&own=1&room=blue%20sky")
    );
    for (name, value) in [
        ("authorization", "Bearer t0ken"),
        ("cookie", "a=1; b=2"),
        ("user-agent", "test/1"),
        ("x-tenant", "7"),
        ("x-other", ""),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", &*front.address.to_string()),
        ("x-requested-with", "XMLHttpRequest"),
        ("host", &*stub.address.to_string()),
    ] {
        assert_eq!(header(&seen, name), value, "{name}");
    }

    let token = answer["connectionToken"].as_str().unwrap();
    let mut visitor = front.connect_with(&format!("id={token}"), &headers).await;
    visitor
        .send("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    let seen = stub.request().await;
    assert_eq!(seen.uri.query(), Some("id=hub-token&own=1"));
    for (name, value) in &headers[..5] {
        let expected = if *name == "x-other" { "" } else { value };
        assert_eq!(header(&seen, name), expected, "{name}");
    }
}

#[tokio::test]
async fn a_token_in_the_query_stays_in_the_query() {
    let mut stub = Stub::start().await;
    let front = Front::start(options(&stub.url()));
    front.negotiate("access_token=a%2Bb&x=1", &[]).await;
    let seen = stub.negotiation().await;
    assert_eq!(
        seen.uri.query(),
        Some("negotiateVersion=1&x=1&access_token=a%2Bb")
    );
    assert_eq!(header(&seen, "authorization"), "");
}

#[tokio::test]
async fn cookies_of_the_negotiation_reach_the_client_and_come_back() {
    let mut stub = Stub::answering(|_| {
        let cookies = [("set-cookie", "node=7; path=/; HttpOnly")];
        (cookies, json(OFFER)).into_response()
    })
    .await;
    let front = Front::start(options(&stub.url()));
    let answer = front.negotiate("negotiateVersion=1", &[]).await;
    assert_eq!(answer.headers["set-cookie"], "node=7; path=/; HttpOnly");
    stub.negotiation().await;
    let answer = answer.json();
    let token = answer["connectionToken"].as_str().unwrap();
    // This client keeps no cookies.
    let headers = [("cookie", "a=1")];
    let mut visitor = front.connect_with(&format!("id={token}"), &headers).await;
    visitor
        .send("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    assert_eq!(header(&stub.request().await, "cookie"), "a=1; node=7");
}

#[tokio::test]
async fn refusals_of_the_hub_pass() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let stub = Stub::answering(move |_| {
            let challenge = [("www-authenticate", "Bearer"), ("x-internal", "1")];
            (status, challenge, "not you").into_response()
        })
        .await;
        let front = Front::start(options(&stub.url()));
        let answer = front.negotiate("negotiateVersion=1", &[]).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert!(!answer.headers.contains_key("x-internal"));
        assert_eq!(answer.body, "not you");
    }
}

#[tokio::test]
async fn an_error_of_the_hub_passes() {
    let stub = Stub::answering(|_| json(r#"{"error":"no \"room\""}"#)).await;
    let front = Front::start(options(&stub.url()));
    let answer = front.negotiate("negotiateVersion=1", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.body, r#"{"error":"no \"room\""}"#);
}

#[tokio::test]
async fn redirects_are_followed_with_their_token_and_without_credentials() {
    let mut target = Stub::start().await;
    let url = format!("{}?hub=x", target.url());
    let body = format!(r#"{{"url":"{url}","accessToken":"given"}}"#);
    let stub = Stub::answering(move |_| json(&body)).await;
    let front = Front::start(options(&stub.url()));
    let headers = [("authorization", "Bearer own"), ("cookie", "a=1")];
    let answer = front
        .negotiate("negotiateVersion=1&room=1", &headers)
        .await
        .json();
    assert_eq!(answer["connectionId"], "hub-id");
    let seen = target.negotiation().await;
    assert_eq!(seen.uri.query(), Some("negotiateVersion=1&hub=x"));
    assert_eq!(header(&seen, "authorization"), "Bearer given");
    assert_eq!(header(&seen, "cookie"), "");

    let token = answer["connectionToken"].as_str().unwrap();
    let mut visitor = front.connect_with(&format!("id={token}"), &headers).await;
    visitor
        .send("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    let seen = target.request().await;
    assert_eq!(seen.uri.query(), Some("id=hub-token&hub=x"));
    assert_eq!(header(&seen, "authorization"), "Bearer given");
    assert_eq!(header(&seen, "cookie"), "");
    target.greeted().await;
    assert_eq!(visitor.text().await, "{}\u{1e}");
}

#[test]
fn unusable_options_are_refused() {
    let url = Direct::new("chat", options("chat")).unwrap_err();
    assert!(matches!(url, OptionsError::Url { .. }));
    assert!(url.to_string().contains("hub 'chat'"), "{url}");
    let header = Options {
        pass_headers: vec!["Host".into()],
        ..options("http://localhost/chat")
    };
    assert_eq!(
        Direct::new("chat", header).unwrap_err(),
        OptionsError::Header("Host".into())
    );
}
