//! Requests that the service refuses.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::kit::{
    Answer, App, Claims, Hub, Protocol, Socket, Stub, Transport, client_token, follow, http,
};
use super::until;
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

const MISSING: &str = "the access token is missing";
const MALFORMED: &str = "the access token is malformed";
const ALGORITHM: &str = "the access token is not signed with HS256 or HS512";
const SIGNATURE: &str = "the signature of the access token is invalid";
const EXPIRED: &str = "the access token has expired";
const NO_EXPIRY: &str = "the access token has no expiry";
const NOT_YET: &str = "the access token is not valid yet";
const AUDIENCE: &str = "the audience of the access token does not fit this request";
const TOO_LONG: &str = "the access token is too long";

/// The header of a token without algorithm.
const NONE: &str = "eyJhbGciOiJub25lIn0";

async fn bad_tokens() -> Result<()> {
    let mut service = service(&[
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
        for (what, token, why) in bad(&good, &service)? {
            let bearer = token.map(|token| format!("Bearer {token}"));
            let mut headers = vec![("origin", "https://pages.example")];
            headers.extend(
                bearer
                    .iter()
                    .map(|bearer| ("authorization", bearer.as_str())),
            );
            let answer = http(method, &url, &headers, "").await?;
            refused(&answer, why, role == "client").with_context(|| format!("{path}, {what}"))?;
        }
        // And in the query, where browsers put it.
        let spoilt = good.clone().with("exp", json!(1)).sign()?;
        let answer = http(method, &format!("{url}&access_token={spoilt}"), &[], "").await?;
        refused(&answer, EXPIRED, false).with_context(|| format!("{path}, in the query"))?;
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
    service.signal("TERM").await?;
    service.ended(Duration::from_secs(10)).await?;
    until("the end of the log", Duration::from_secs(5), || async {
        Ok(service.log().ends_with("ended").then_some(()))
    })
    .await?;
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

/// How a token is spoilt, the token, and what is said of it.
type Bad = (&'static str, Option<String>, &'static str);

/// Every way to spoil a token.
fn bad(good: &Claims, service: &Server) -> Result<Vec<Bad>> {
    let token = good.sign()?;
    let (head, signature) = token.rsplit_once('.').context("three parts")?;
    let body = head.split_once('.').context("three parts")?.1;
    let other_hub = Claims::new(service.url(), "client", "another").body["aud"].clone();
    let mut other_key = good.clone();
    other_key.key = "a key that is not ours, but long enough".to_owned();
    let mut other_algorithm = good.clone();
    other_algorithm.algorithm = Algorithm::HS384;
    Ok(vec![
        ("no token", None, MISSING),
        ("no JSON Web Token", Some("nonsense".to_owned()), MALFORMED),
        ("two parts", Some(head.to_owned()), MALFORMED),
        ("no signature", Some(format!("{head}.")), SIGNATURE),
        (
            "a damaged signature",
            Some(format!("{head}.A{signature}")),
            SIGNATURE,
        ),
        ("no algorithm", Some(format!("{NONE}.{body}.")), ALGORITHM),
        (
            "algorithm none, signed",
            Some(format!("{NONE}.{body}.{signature}")),
            ALGORITHM,
        ),
        (
            "another algorithm",
            Some(other_algorithm.sign()?),
            ALGORITHM,
        ),
        ("another key", Some(other_key.sign()?), SIGNATURE),
        (
            "expired",
            Some(good.clone().with("exp", json!(1_600_000_000)).sign()?),
            EXPIRED,
        ),
        (
            "no expiry",
            Some(good.clone().with("exp", json!(null)).sign()?),
            NO_EXPIRY,
        ),
        (
            "not valid yet",
            Some(good.clone().with("nbf", json!(4_000_000_000_u64)).sign()?),
            NOT_YET,
        ),
        (
            "another hub",
            Some(good.clone().with("aud", other_hub).sign()?),
            AUDIENCE,
        ),
        (
            "a strange audience",
            Some(good.clone().with("aud", json!({"a": [1]})).sign()?),
            MALFORMED,
        ),
        (
            "too long",
            Some(good.clone().with("more", json!("x".repeat(4096))).sign()?),
            TOO_LONG,
        ),
    ])
}

fn refused(answer: &Answer, why: &str, is_for_pages: bool) -> Result<()> {
    ensure!(
        answer.status == 401,
        "status {} {}",
        answer.status,
        answer.body
    );
    let challenge = answer.header("www-authenticate");
    let expected = format!("Bearer error=\"invalid_token\", error_description=\"{why}\"");
    ensure!(challenge == expected, "challenge '{challenge}'");
    ensure!(answer.body == why, "the body is '{}'", answer.body);
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
    let no_hub = "The query parameter 'hub' is missing or is no name of a hub.";
    let nobody = "No Connection with that ID";
    let no_id = "Connection ID required";
    let nothing = "Nothing is served at this path.";
    let cases = [
        (
            "POST",
            format!("{base}/client/negotiate?negotiateVersion=1"),
            400,
            no_hub,
        ),
        (
            "POST",
            format!("{base}/client/negotiate?hub=&negotiateVersion=1"),
            400,
            no_hub,
        ),
        ("GET", format!("{base}/client/?id=x"), 400, no_hub),
        // A token for one hub does not open another one.
        (
            "POST",
            format!("{base}/client/negotiate?hub=other&negotiateVersion=1"),
            401,
            AUDIENCE,
        ),
        ("GET", format!("{url}&id=nobody"), 404, nobody),
        ("POST", format!("{url}&id=nobody"), 404, nobody),
        ("DELETE", format!("{url}&id=nobody"), 404, nobody),
        ("GET", url.clone(), 400, no_id),
        ("POST", url.clone(), 400, no_id),
        (
            "PUT",
            url.clone(),
            405,
            "This method is not allowed here, only GET, POST, DELETE.",
        ),
        (
            "GET",
            url.replacen("/client/?", "/client/negotiate?", 1),
            405,
            "This method is not allowed here, only POST.",
        ),
        ("POST", format!("{base}/no-hub/negotiate"), 404, nothing),
        (
            "GET",
            format!("{base}/server/"),
            400,
            "The query parameter 'hub' is missing.",
        ),
        // There is no path traversal to be had.
        (
            "GET",
            format!("{base}/client/../../etc/passwd"),
            404,
            nothing,
        ),
    ];
    for (method, place, status, why) in cases {
        let answer = http(method, &place, &auth, "").await?;
        let shown = place.split("&asrs").next().unwrap_or_default();
        ensure!(
            (answer.status, answer.body.as_str()) == (status, why),
            "{method} {shown}: {} {} instead of {status} {why}",
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
    ensure!(
        (answer.status, answer.body.as_str()) == (400, "Cannot change transports mid-connection"),
        "another transport: {} {}",
        answer.status,
        answer.body
    );
    let answer = http("POST", &place.url, &[], "{}").await?;
    refused(&answer, MISSING, false).context("without a token")?;

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
        ("x-forwarded-prefix", "/evil.example"),
        ("x-forwarded-port", "19851"),
        ("x-original-for", "198.51.100.9"),
        ("x-real-ip", "198.51.100.9"),
        ("forwarded", "for=198.51.100.9;host=evil.example"),
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
        for forged in [
            "forged",
            "198.51.100.9",
            "evil.example",
            "19851",
            "gopher",
            "eyj",
        ] {
            ensure!(!text.contains(forged), "{transport:?}: {forged} in {text}");
        }
        ensure!(
            text.contains("\"x-test\":[\"kept\"]"),
            "{transport:?}: {text}"
        );
    }
    Ok(())
}
