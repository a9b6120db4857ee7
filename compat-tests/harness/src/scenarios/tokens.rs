//! Keys that change and tokens that end.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::kit::{App, Claims, Hub, Meters, Protocol, Transport, follow, http};
use super::until;
use crate::backend::{KEY, service};
use crate::places;
use crate::process::Server;

scenarios! {
    "hs512",
    "tokens that are signed with HS512 are taken",
    hs512();
    "key-rotation",
    "keys change without an outage: both are taken, then the old one is refused; nobody is dropped",
    key_rotation();
    "token-lifetime",
    "an expired token is refused at the door and does not end a connection",
    token_lifetime();
    "close-on-expiry",
    "an app that wants it: clients are closed when their authentication ends, to reconnect",
    close_on_expiry();
}

async fn hs512() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--algorithm", "HS512"]).await?;
    let (_, token) = follow(&app.url("/testhub")).await?;
    let header = jsonwebtoken::decode_header(token.context("no token")?)?;
    ensure!(
        header.alg == Algorithm::HS512,
        "the token is {:?}",
        header.alg
    );
    let mut hub = Hub::connect(&app.url("/testhub?user=amy")).await?;
    let user = hub.invoke("UserId", json!([])).await?;
    ensure!(user == "amy", "the user is {user}");
    Ok(())
}

async fn negotiate_with(service: &Server, key: &str) -> Result<u16> {
    let mut claims = Claims::new(service.url(), "client", "testhub");
    key.clone_into(&mut claims.key);
    let bearer = format!("Bearer {}", claims.sign()?);
    let url = format!(
        "{}/client/negotiate?hub=testhub&negotiateVersion=1",
        service.url()
    );
    let answer = http("POST", &url, &[("authorization", &bearer)], "").await?;
    Ok(answer.status)
}

async fn key_rotation() -> Result<()> {
    const NEW: &str = "another key that nobody knows, of some length";
    let folder = std::env::temp_dir().join(format!("heliograph-keys-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("settings.toml");
    let write =
        |keys: &str| std::fs::write(&file, format!("listen = \"127.0.0.1:0\"\n[keys]\n{keys}"));
    write(&format!("primary = \"{KEY}\"\n"))?;
    let path = file.to_string_lossy().into_owned();
    let service = Server::start(&places::program("heliograph"), &["--config", &path]).await?;
    let app = App::start(&service, &[]).await?;
    let hub = Hub::connect(&app.url("/testhub")).await?;
    ensure!(
        negotiate_with(&service, NEW).await? == 401,
        "the new key is known already"
    );

    write(&format!("primary = \"{NEW}\"\nsecondary = \"{KEY}\"\n"))?;
    service.signal("HUP").await?;
    until("the new key", Duration::from_secs(5), || async {
        Ok((negotiate_with(&service, NEW).await? == 200).then_some(()))
    })
    .await?;
    ensure!(
        negotiate_with(&service, KEY).await? == 200,
        "the old key is refused"
    );
    let mut hubs = vec![hub];
    for transport in Transport::ALL {
        hubs.push(Hub::connect_by(&app.url("/testhub"), transport, Protocol::Json, &[]).await?);
    }

    write(&format!("primary = \"{NEW}\"\n"))?;
    service.signal("HUP").await?;
    until("the old key's end", Duration::from_secs(5), || async {
        Ok((negotiate_with(&service, KEY).await? == 401).then_some(()))
    })
    .await?;
    for hub in &mut hubs {
        let echo = hub.invoke("Echo", json!(["still here"])).await?;
        ensure!(echo == "still here", "got {echo}");
    }
    let links = Meters::read(&service).await?.links("testhub");
    ensure!(links == 5.0, "{links} links are left");

    // A broken file changes nothing.
    std::fs::write(&file, "keys = ")?;
    service.signal("HUP").await?;
    until("the complaint", Duration::from_secs(5), || async {
        Ok(service.log().contains("cannot be read again").then_some(()))
    })
    .await?;
    ensure!(
        negotiate_with(&service, NEW).await? == 200,
        "the key is lost"
    );
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn token_lifetime() -> Result<()> {
    let service = service(&["timeouts.clock_skew=\"1s\""]).await?;
    let app = App::start(&service, &["--token-lifetime", "3"]).await?;
    let (url, token) = follow(&app.url("/testhub")).await?;
    let token = token.context("no token")?;
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_aud = false;
    let key = DecodingKey::from_secret(KEY.as_bytes());
    let claims: Value = jsonwebtoken::decode(&token, &key, &rules)?.claims;
    let lifetime = claims["exp"].as_i64().unwrap_or(0) - claims["nbf"].as_i64().unwrap_or(0);
    ensure!(
        (2..=4).contains(&lifetime),
        "the token is good for {lifetime} s"
    );
    let mut hub = Hub::connect_at(&url, Some(&token)).await?;
    let negotiate = url.replacen("/client/?", "/client/negotiate?negotiateVersion=1&", 1);
    let bearer = format!("Bearer {token}");
    let answer = until("the token's end", Duration::from_secs(10), || async {
        let answer = http("POST", &negotiate, &[("authorization", &bearer)], "").await?;
        Ok((answer.status != 200).then_some(answer))
    })
    .await?;
    ensure!(answer.status == 401, "refused with {}", answer.status);
    ensure!(
        answer.header("www-authenticate").contains("expired"),
        "no reason"
    );
    let echo = hub.invoke("Echo", json!(["still here"])).await?;
    ensure!(echo == "still here", "got {echo}");
    Ok(())
}

async fn close_on_expiry() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--close-on-expiry", "1"]).await?;
    let mut ending = Hub::connect(&app.url("/testhub?user=amy&expires=3")).await?;
    let mut lasting = Hub::connect(&app.url("/testhub?user=bob")).await?;
    let start = std::time::Instant::now();
    let close = ending.close_message().await?;
    ensure!(close["allowReconnect"] == true, "closed with {close}");
    let after = start.elapsed();
    ensure!(
        (1000..8000).contains(&after.as_millis()),
        "closed after {after:?}"
    );
    app.happened(
        "disconnected",
        &ending.connection_id,
        Duration::from_secs(5),
    )
    .await?;
    let echo = lasting.invoke("Echo", json!(["still here"])).await?;
    ensure!(echo == "still here", "got {echo}");
    Ok(())
}
