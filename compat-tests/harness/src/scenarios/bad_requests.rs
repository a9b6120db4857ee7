//! Requests that the service refuses.

use anyhow::{Context, Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::kit::{
    Answer, App, Claims, Hub, Protocol, Socket, Stub, Transport, client_token, follow, http,
};
use crate::backend::service;
use crate::process::Server;

scenarios! {
    "bad-tokens",
    "bad tokens are refused with 401, a reason, and for web pages; none reaches the log",
    bad_tokens();
    "bad-requests",
    "requests for no hub, an unknown connection or another transport are refused",
    bad_requests();
    "forged-headers",
    "what a client says in the service's own headers does not reach the hub",
    forged_headers();
}

const NONE: &str = "eyJhbGciOiJub25lIn0";

async fn bad_tokens() -> Result<()> {
    let service = service(&[
        "log.level=\"debug\"",
        "hubs.chat.backend=\"embedded\"",
        "hubs.chat.auth=\"token\"",
        "hubs.chat.path=\"/guarded\"",
    ])
    .await?;
    let doors = [
        (
            "client",
            "chat",
            "/client/negotiate?hub=chat&negotiateVersion=1",
        ),
        ("client", "chat", "/guarded/negotiate?negotiateVersion=1"),
        ("server", "chat", "/server/?hub=chat&cid=link"),
    ];
    for (role, hub, path) in doors {
        let good = Claims::new(service.url(), role, hub);
        let method = if role == "server" { "GET" } else { "POST" };
        let url = format!("{}{path}", service.url());
        for (what, token) in bad(&good, &service)? {
            let bearer = token.map(|token| format!("Bearer {token}"));
            let mut headers = vec![("origin", "https://pages.example")];
            headers.extend(
                bearer
                    .iter()
                    .map(|bearer| ("authorization", bearer.as_str())),
            );
            let answer = http(method, &url, &headers, "").await?;
            refused(&answer, role == "client").with_context(|| format!("{path}, {what}"))?;
        }
        // And in the query, where browsers put it.
        let spoilt = good.clone().with("exp", json!(1)).sign()?;
        let answer = http(method, &format!("{url}&access_token={spoilt}"), &[], "").await?;
        ensure!(answer.status == 401, "{path}: {}", answer.status);
        let answer = http(
            method,
            &format!("{url}&access_token={}", good.sign()?),
            &[],
            "",
        )
        .await?;
        let fine = if role == "client" { 200 } else { 400 };
        ensure!(
            answer.status == fine,
            "{path}, a good token: {}",
            answer.status
        );
    }
    // A whole conversation at this level of the log.
    let mut stub = Stub::start(&service).await?;
    let token = client_token(service.url(), Stub::HUB)?;
    let url = format!("{}/client/?hub=stub&access_token={token}", service.url());
    let client = async {
        let mut hub = Hub::open_directly(&url).await?;
        hub.shake_hands().await?;
        anyhow::Ok(hub)
    };
    let (hub, id) = tokio::join!(client, stub.accept());
    drop(hub?);
    stub.closed(&id?).await?;
    ensure!(
        service.log().contains("DEBUG"),
        "there is no log to look at"
    );
    ensure!(
        service.leak().is_none(),
        "a token is in the log: {:?}",
        service.leak()
    );
    Ok(())
}

/// Every way to spoil a token.
fn bad(good: &Claims, service: &Server) -> Result<Vec<(&'static str, Option<String>)>> {
    let token = good.sign()?;
    let (head, signature) = token.rsplit_once('.').context("three parts")?;
    let body = head.split_once('.').context("three parts")?.1;
    let other_hub = Claims::new(service.url(), "client", "another").body["aud"].clone();
    let mut other_key = good.clone();
    other_key.key = "a key that is not ours, but long enough".to_owned();
    let mut other_algorithm = good.clone();
    other_algorithm.algorithm = Algorithm::HS384;
    Ok(vec![
        ("no token", None),
        ("no JSON Web Token", Some("nonsense".to_owned())),
        ("two parts", Some(head.to_owned())),
        ("no signature", Some(format!("{head}."))),
        ("a damaged signature", Some(format!("{head}.A{signature}"))),
        ("no algorithm", Some(format!("{NONE}.{body}."))),
        (
            "algorithm none, signed",
            Some(format!("{NONE}.{body}.{signature}")),
        ),
        ("another algorithm", Some(other_algorithm.sign()?)),
        ("another key", Some(other_key.sign()?)),
        (
            "expired",
            Some(good.clone().with("exp", json!(1_600_000_000)).sign()?),
        ),
        (
            "no expiry",
            Some(good.clone().with("exp", json!(null)).sign()?),
        ),
        (
            "not valid yet",
            Some(good.clone().with("nbf", json!(4_000_000_000_u64)).sign()?),
        ),
        (
            "another hub",
            Some(good.clone().with("aud", other_hub).sign()?),
        ),
        (
            "a strange audience",
            Some(good.clone().with("aud", json!({"a": [1]})).sign()?),
        ),
        (
            "too long",
            Some(good.clone().with("more", json!("x".repeat(4096))).sign()?),
        ),
    ])
}

fn refused(answer: &Answer, is_for_pages: bool) -> Result<()> {
    ensure!(
        answer.status == 401,
        "status {} {}",
        answer.status,
        answer.body
    );
    let challenge = answer.header("www-authenticate");
    ensure!(challenge.starts_with("Bearer"), "challenge '{challenge}'");
    ensure!(
        !challenge.contains("eyJ") && !answer.body.contains("eyJ"),
        "a token comes back"
    );
    if is_for_pages {
        let origin = answer.header("access-control-allow-origin");
        ensure!(
            origin == "https://pages.example",
            "allowed origin '{origin}'"
        );
        let credentials = answer.header("access-control-allow-credentials");
        ensure!(credentials == "true", "credentials '{credentials}'");
    }
    Ok(())
}

async fn bad_requests() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &[]).await?;
    let (url, token) = follow(&app.url("/testhub")).await?;
    let bearer = format!("Bearer {}", token.as_deref().context("no token")?);
    let auth = [("authorization", bearer.as_str())];
    let base = service.url();
    let cases = [
        (
            "POST",
            format!("{base}/client/negotiate?negotiateVersion=1"),
            400,
        ),
        (
            "POST",
            format!("{base}/client/negotiate?hub=&negotiateVersion=1"),
            400,
        ),
        ("GET", format!("{base}/client/?id=x"), 400),
        // A token for one hub does not open another one.
        (
            "POST",
            format!("{base}/client/negotiate?hub=other&negotiateVersion=1"),
            401,
        ),
        ("GET", format!("{url}&id=nobody"), 404),
        ("POST", format!("{url}&id=nobody"), 404),
        ("DELETE", format!("{url}&id=nobody"), 404),
        ("GET", url.clone(), 400),
        ("POST", url.clone(), 400),
        ("PUT", url.clone(), 405),
        (
            "GET",
            url.replacen("/client/?", "/client/negotiate?", 1),
            405,
        ),
        ("POST", format!("{base}/no-hub/negotiate"), 404),
        ("GET", format!("{base}/server/"), 400),
        // There is no path traversal to be had.
        ("GET", format!("{base}/client/../../etc/passwd"), 404),
    ];
    for (method, place, status) in cases {
        let answer = http(method, &place, &auth, "").await?;
        let shown = place.split("&asrs").next().unwrap_or_default();
        ensure!(
            answer.status == status,
            "{method} {shown}: {} instead of {status} {}",
            answer.status,
            answer.body
        );
    }
    // A connection keeps its transport.
    let hub = Hub::connect_by(
        &app.url("/testhub"),
        Transport::ServerSentEvents,
        Protocol::Json,
        &[],
    )
    .await?;
    let place = hub.place().context("no place")?;
    let answer = http("GET", &place.url, &place.headers(), "").await?;
    ensure!(answer.status == 400, "another transport: {}", answer.status);
    let answer = http("POST", &place.url, &[], "{}").await?;
    ensure!(answer.status == 401, "without a token: {}", answer.status);

    let mut socket = Socket::connect(service.address()).await?;
    let long = "x".repeat(40_000);
    let head = format!("GET /client/?hub={long} HTTP/1.1\r\nHost: h\r\n\r\n");
    socket.send(head.as_bytes()).await?;
    let answer = socket.head().await?;
    ensure!(answer.starts_with("HTTP/1.1 431"), "a long head: {answer}");
    let mut socket = Socket::connect(service.address()).await?;
    socket
        .send(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n")
        .await?;
    let answer = socket.read_to_end().await?;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "no HTTP: {answer}"
    );
    Ok(())
}

async fn forged_headers() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &[]).await?;
    let headers = [
        ("asrs-forged", "yes"),
        ("x-asrs-forged", "yes"),
        ("asrs-instance-id", "forged"),
        ("x-forwarded-for", "198.51.100.9, not an address, [::1"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-host", "evil.example"),
        ("x-test", "kept"),
    ];
    for transport in Transport::ALL {
        let url = app.url("/testhub?user=amy");
        let mut hub = Hub::connect_by(&url, transport, Protocol::Json, &headers).await?;
        let seen = hub.invoke("WhoAmI", json!([])).await?;
        let address = &seen["remoteIp"];
        ensure!(
            address == "127.0.0.1",
            "{transport:?}: the address is {address}"
        );
        let text = seen["headers"].to_string().to_lowercase();
        for forged in ["forged", "198.51.100.9", "evil.example", "gopher", "eyj"] {
            ensure!(!text.contains(forged), "{transport:?}: {forged} in {text}");
        }
        ensure!(
            text.contains("\"x-test\":[\"kept\"]"),
            "{transport:?}: {text}"
        );
    }
    Ok(())
}
