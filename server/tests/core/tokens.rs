//! Clients with tokens.

use std::time::{Duration, SystemTime};

use heliograph_relay::CloseReason;

use crate::http::request;
use crate::hub::Rule;
use crate::socket::{Frame, Socket};
use crate::stage::{ACCEPTED, CLOSE_AND_RECONNECT, EVENTS, HANDSHAKE, Ids, Stage};

const MINUTE: Duration = Duration::from_secs(60);
const PAGE: (&str, &str) = ("Origin", "https://page.test");

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_token_in_the_header_or_the_query_lets_a_client_in() {
    let stage = Stage::start();
    let token = stage.client_token("testhub", Some("ann"), &[], MINUTE);
    let bearer = bearer(&token);
    let in_header = [("Authorization", bearer.as_str())];
    let target = "/client/negotiate?hub=TestHub&negotiateVersion=1";
    let answer = request(stage.address, "POST", target, &in_header, b"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let ids = Ids::of(&answer);
    let target = format!("/client/?hub=testhub&id={}&access_token={token}", ids.token);
    let mut socket = Socket::open(stage.address, &target, &[]).await.unwrap();
    socket.send(HANDSHAKE).await;
    assert_eq!(socket.text().await, ACCEPTED);
    let opened = stage.hub.opened().await;
    assert_eq!(opened.client.user(), Some("ann"));
    assert_eq!(opened.client.id().as_str(), ids.id);
    assert!(
        !opened.request.query.contains(&token),
        "{}",
        opened.request.query
    );
    assert!(
        !opened.request.query.contains(&ids.token),
        "{}",
        opened.request.query
    );
    assert_eq!(&*opened.request.query, "hub=testhub");
}

#[tokio::test]
async fn bad_tokens_are_refused_with_a_challenge_that_the_page_may_read() {
    let stage = Stage::start();
    let hour_ago = SystemTime::now() - 60 * MINUTE;
    let expired = stage.token_of(hour_ago, "testhub", None, &[], MINUTE);
    let other_hub = stage.client_token("other", None, &[], MINUTE);
    for token in [
        None,
        Some("x.y.z".to_owned()),
        Some(expired),
        Some(other_hub),
    ] {
        let bearer = token.as_deref().map(bearer);
        let mut headers = vec![PAGE];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        for (method, target) in [
            ("POST", "/client/negotiate?hub=testhub"),
            ("POST", "/secret/negotiate"),
            ("GET", "/client?hub=testhub&id=nope"),
            ("DELETE", "/secret?id=nope"),
        ] {
            let answer = request(stage.address, method, target, &headers, b"").await;
            assert_eq!(answer.status, 401, "{method} {target} {token:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer error=\"invalid_token\""));
            assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE.1));
        }
        let refused = Socket::open(stage.address, "/client?hub=testhub", &headers).await;
        assert_eq!(refused.err().unwrap().status, 401);
    }
    assert_eq!(stage.door.connections(), 0);
}

#[tokio::test]
async fn the_service_path_wants_a_hub() {
    let stage = Stage::start();
    for target in [
        "/client/negotiate",
        "/client/negotiate?hub=",
        "/client?hub=",
    ] {
        assert_eq!(stage.post(target, "").await.status, 400, "{target}");
    }
}

#[tokio::test]
async fn one_token_opens_many_sockets_without_negotiation() {
    let stage = Stage::start();
    let token = stage.client_token("testhub", None, &[], MINUTE);
    let target = format!("/client?hub=testhub&access_token={token}");
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = Socket::open(stage.address, &target, &[]).await.unwrap();
        socket.send(HANDSHAKE).await;
        assert_eq!(socket.text().await, ACCEPTED);
        sockets.push(socket);
    }
    assert_eq!(stage.relay_hub().len(), 5);
    sockets.into_iter().for_each(drop);
    stage.empty().await;
}

#[tokio::test]
async fn another_user_cannot_take_over_what_was_negotiated() {
    let stage = Stage::start();
    let token = |user| stage.client_token("testhub", Some(user), &[], MINUTE);
    let (ann, bob) = (bearer(&token("ann")), bearer(&token("bob")));
    let target = "/client/negotiate?hub=testhub&negotiateVersion=1";
    let headers = [("Authorization", ann.as_str())];
    let ids = Ids::of(&request(stage.address, "POST", target, &headers, b"").await);
    let target = format!("/client?hub=testhub&id={}", ids.token);
    let headers = [("Authorization", bob.as_str())];
    let refused = Socket::open(stage.address, &target, &headers).await;
    assert_eq!(refused.err().unwrap().status, 403);
}

#[tokio::test]
async fn a_service_token_stays_at_the_door() {
    let stage = Stage::start();
    let token = stage.client_token("testhub", Some("ann"), &[], MINUTE);
    let header = bearer(&token);
    let by_query = format!("/client?hub=testhub&access_token={token}");
    let by_header: &[(&str, &str)] = &[("Authorization", &header)];
    for (target, headers) in [("/client?hub=testhub", by_header), (&by_query, &[])] {
        let mut socket = Socket::open(stage.address, target, headers).await.unwrap();
        socket.send(HANDSHAKE).await;
        let opened = stage.hub.opened().await;
        assert_eq!(opened.request.identity.user.as_deref(), Some("ann"));
        assert!(opened.request.bearer.is_none());
        let told = opened
            .request
            .headers
            .iter()
            .any(|(_, value)| value.contains(&token));
        assert!(!told && !opened.request.query.contains(&token));
    }
}

#[tokio::test]
async fn a_connected_client_outlives_its_token() {
    let stage = Stage::start();
    let token = stage.client_token("testhub", None, &[], Duration::from_secs(2));
    let path = "/client?hub=testhub";
    let negotiate =
        format!("/client/negotiate?hub=testhub&negotiateVersion=1&access_token={token}");
    let ids = Ids::of(&stage.post(&negotiate, "").await);
    let target = format!("{path}&id={}&access_token={token}", ids.token);
    assert_eq!(stage.get(&target).await.status, 200);
    let fresh = format!("{path}&id=nope&access_token={token}");
    crate::soon("expiry", async {
        while stage.get(&fresh).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_eq!(stage.post(&target, HANDSHAKE).await.status, 200);
    assert_eq!(stage.get(&target).await.text(), ACCEPTED);
}

#[tokio::test]
async fn a_token_can_ask_for_the_end_of_its_connection_when_it_expires() {
    let stage = Stage::start_with(heliograph::front::core::Options::default(), Rule::default());
    let at = SystemTime::now() + Duration::from_secs(1);
    let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let claims = [
        ("asrs.s.coae", "true".to_owned()),
        ("asrs.s.aeo", at.to_string()),
    ];
    let token = stage.client_token("testhub", None, &claims, MINUTE);
    let target = format!("/client?hub=testhub&access_token={token}");
    let mut socket = Socket::open(stage.address, &target, &[]).await.unwrap();
    socket.send(HANDSHAKE).await;
    assert_eq!(socket.text().await, ACCEPTED);
    assert_eq!(
        socket.next().await,
        Frame::Text(CLOSE_AND_RECONNECT.to_owned())
    );
    socket.closed(1000).await;
    assert_eq!(stage.hub.end().await, CloseReason::AuthExpired);
    stage.empty().await;
}

#[tokio::test]
async fn a_token_can_leave_out_transports() {
    let stage = Stage::start();
    // Server-sent events only.
    let claims = [("asrs.s.htt", "2".to_owned())];
    let token = stage.client_token("testhub", None, &claims, MINUTE);
    let target = format!("/client/negotiate?hub=testhub&negotiateVersion=1&access_token={token}");
    let answer = stage.post(&target, "").await;
    let offered = "\"availableTransports\":[{\"transport\":\"ServerSentEvents\",\
                   \"transferFormats\":[\"Text\"]}]}";
    assert!(answer.text().ends_with(offered), "{}", answer.text());
    let ids = Ids::of(&answer);
    let target = format!("/client?hub=testhub&id={}&access_token={token}", ids.token);
    let refused = Socket::open(stage.address, &target, &[])
        .await
        .err()
        .unwrap();
    let text = "WebSockets transport not supported by this end point type";
    assert_eq!((refused.status, refused.text()), (404, text));
    let refused = stage.get(&target).await;
    let text = "LongPolling transport not supported by this end point type";
    assert_eq!((refused.status, refused.text()), (404, text));
    assert!(refused.header("expires").is_some());
    let mut stream = stage.begin(&target, &[EVENTS]).await;
    assert_eq!(stream.head().await.0, 200);
}

#[tokio::test]
async fn secrets_do_not_show() {
    let stage = Stage::start();
    let token = stage.client_token("testhub", Some("ann"), &[], MINUTE);
    let target = format!("/client/negotiate?hub=testhub&negotiateVersion=1&access_token={token}");
    let ids = Ids::of(&stage.post(&target, "").await);
    let target = format!("/client?hub=testhub&id={}&access_token={token}", ids.token);
    let mut socket = Socket::open(stage.address, &target, &[]).await.unwrap();
    socket.send(HANDSHAKE).await;
    let opened = stage.hub.opened().await;
    for shown in [
        format!("{:?}", stage.door),
        format!("{:#?}", opened.request),
        format!("{:?}", opened.client),
        opened.handshake,
    ] {
        assert!(
            !shown.contains(&ids.token) && !shown.contains(&token),
            "{shown}"
        );
    }
}
