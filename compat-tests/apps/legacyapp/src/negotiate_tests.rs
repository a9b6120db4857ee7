use std::path::Path;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::identity::Believer;
use heliograph::auth::{self, KeyPair, Keys, Verifier};
use http::HeaderMap;
use serde_json::Value;

use super::*;
use crate::endpoint::Endpoint;
use crate::link::Driver;

/// The connection string of the recorded app.
const AZURE: &str = "Endpoint=http://localhost;Port=9120;\
                     AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH=;Version=1.0;";
/// What answers may have that the recorded ones lack, and what is the server's own.
const OF_SERVERS: [&str; 6] = [
    "connection",
    "date",
    "transfer-encoding",
    "vary",
    "access-control-expose-headers",
    "x-content-type-options",
];

fn front(is_online: bool) -> Front {
    let azure = Endpoint::parse(AZURE).unwrap();
    let driver = Driver::new(0, &App::app_key("HelioApp"), &azure, "server");
    driver.link().set_up(is_online);
    let keys = Keys::new(KeyPair::single(azure.key().clone()));
    Front {
        app: App::new("HelioApp", vec![Arc::clone(driver.link())], false),
        redirect: Redirect {
            target: format!("{}/aspnetclient", azure.url()),
            key: azure.key().clone(),
            lifetime: Duration::from_secs(3600),
            believer: Believer(Verifier::new(keys, auth::Options::default())),
            app: Some("HelioApp".to_owned()),
        },
    }
}

async fn asked(front: Front, event: &Value) -> (u16, HeaderMap, String) {
    let method = event["method"].as_str().unwrap();
    let target = event["target"].as_str().unwrap();
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in event["requestHeaders"].as_object().unwrap() {
        // Here the cookie that names a user has another name.
        let value = value.as_str().unwrap().replace("user=", "as=");
        request = request.header(name, value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (head, body) = answer(State(front), request).await.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (head.status.as_u16(), head.headers, body)
}

/// The answer with the request's own number and the times of the token left out.
fn comparable(body: &str) -> Value {
    let Ok(mut answer) = serde_json::from_str::<Value>(body) else {
        return body.into();
    };
    let url = answer["RedirectUrl"].as_str().unwrap().to_owned();
    if let Some((before, after)) = url.split_once("asrs_request_id=") {
        let after = after.split_once('&').unwrap().1;
        answer["RedirectUrl"] = format!("{before}&{after}").into();
    }
    answer["AccessToken"] = claims(answer["AccessToken"].as_str().unwrap()).into();
    answer
}

/// The claims of a token in their order, but for its times.
fn claims(token: &str) -> Vec<String> {
    let payload = token.split('.').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    let pairs = payload.trim_matches(['{', '}']).split(',');
    let is_time = |pair: &&str| ["nbf", "exp", "iat"].iter().any(|name| pair.contains(name));
    pairs
        .filter(|pair| !is_time(pair))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn answers_are_those_of_a_genuine_app() {
    let vectors = "../../../server/protocol/vectors/legacy-appserver/negotiate.json";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(vectors);
    // It is no part of the repository.
    let Ok(recorded) = std::fs::read(&path) else {
        println!("skipped: no recording at {}", path.display());
        return;
    };
    let recorded: Value = serde_json::from_slice(&recorded).unwrap();
    let events = recorded["events"].as_array().unwrap();
    for event in events {
        let what = event["what"].as_str().unwrap();
        let (status, headers, body) = asked(front(true), event).await;
        assert_eq!(
            u64::from(status),
            event["status"].as_u64().unwrap(),
            "{what}"
        );
        let of_app = |name: &str| !OF_SERVERS.contains(&name);
        let got = headers.iter().filter(|(name, _)| of_app(name.as_str()));
        let mut got: Vec<_> = got
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let expected = event["headers"].as_object().unwrap().iter();
        let expected = expected.filter(|(name, _)| of_app(name));
        let mut expected: Vec<_> = expected
            .map(|(name, value)| (&**name, value.as_str().unwrap()))
            .collect();
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected, "{what}");
        let text = event["body"].as_str().unwrap();
        if what == "proxy script" {
            assert!(body.contains("conformance"), "{what}");
        } else {
            assert_eq!(comparable(&body), comparable(text), "{what}");
        }
    }
    assert_eq!(events.len(), 16);

    let (status, headers, body) = asked(front(false), &events[0]).await;
    let text = "Azure SignalR Service is not connected yet, please try again later.";
    assert_eq!((status, &*body), (500, text));
    assert!(!headers.contains_key(CONTENT_TYPE));
}
