//! Several app servers of one hub, and their ends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heliograph_protocol::hub::Encoding;
use serde_json::{Value, json};

use crate::raw_client::{Heard, RawClient};
use crate::servers::{App, Heliograph, connection_string};
use crate::tcp_cut::TcpCut;
use crate::wait;

/// How long an app server may take to notice that its links are gone, and to come back.
const COMES_BACK: Duration = Duration::from_secs(60);

/// A client whose negotiation this app has answered; any app server of the hub may serve it.
async fn client_from(app: &App) -> Result<RawClient> {
    let url = format!("{}/testhub", app.server.url());
    RawClient::connect(&url, Encoding::Json).await
}

/// A client that this app serves: the service takes the least loaded link, so every app server gets
/// one before long.
async fn client_of(app: &App) -> Result<RawClient> {
    let id = app.server.id()?.to_string();
    let mut others = Vec::new();
    wait::until("a client of this app server", COMES_BACK, async || {
        let mut client = client_from(app).await?;
        if client.invoke("Server", &[]).await? == id.as_str() {
            return Ok(Some(client));
        }
        // It stays, so that its server counts as loaded.
        others.push(client);
        Ok(None)
    })
    .await
}

async fn next_message(client: &mut RawClient) -> Result<Value> {
    match client.heard().await? {
        Heard::Call { target, arguments } if target == "Message" => {
            arguments.into_iter().next().context("no argument")
        }
        other => anyhow::bail!("{other:?} instead of a message"),
    }
}

pub(super) async fn two_servers_share_groups() -> Result<()> {
    let service = Heliograph::start::<&str>(&[]).await?;
    let first = App::azure(&service, &[]).await?;
    let second = App::azure(&service, &[]).await?;
    let mut one = client_of(&first).await?;
    let mut two = client_of(&second).await?;
    for client in [&mut one, &mut two] {
        client.invoke("Join", &[json!("shared")]).await?;
    }
    one.invoke("ToGroup", &[json!("shared"), json!("from one")])
        .await?;
    second
        .send(&json!({"hub": "test", "to": "groups", "ids": ["shared"], "args": ["from outside"]}))
        .await?;
    for client in [&mut one, &mut two] {
        let mut got = [next_message(client).await?, next_message(client).await?];
        got.sort_by_key(ToString::to_string);
        ensure!(got == ["from one", "from outside"], "a client got {got:?}");
    }
    Ok(())
}

pub(super) async fn killed_server_closes_only_its_clients() -> Result<()> {
    let service = Heliograph::start::<&str>(&[]).await?;
    let mut first = App::azure(&service, &[]).await?;
    let second = App::azure(&service, &[]).await?;
    let mut lost = client_of(&first).await?;
    let mut kept = client_of(&second).await?;
    first.server.kill().await?;
    let close = lost.heard().await?;
    ensure!(
        matches!(
            close,
            Heard::Close {
                allow_reconnect: true,
                ..
            }
        ),
        "the client of the killed server got {close:?}"
    );
    ensure!(
        kept.invoke("Echo", &[json!("still here")]).await? == "still here",
        "the other client is not served any more"
    );
    let mut new = client_from(&second).await?;
    let id = second.server.id()?.to_string();
    ensure!(
        new.invoke("Server", &[]).await? == id.as_str(),
        "a new client is on a server that is gone"
    );
    Ok(())
}

pub(super) async fn app_server_comes_back_after_a_cut() -> Result<()> {
    let service = Heliograph::start::<&str>(&[]).await?;
    let relay = TcpCut::start(service.server.address()).await?;
    let app = App::azure_at(&connection_string(&relay.url()), &[]).await?;
    let mut before = client_from(&app).await?;
    relay.cut();
    ensure!(
        !matches!(before.heard().await?, Heard::Call { .. }),
        "a client outlived the links of its app server"
    );
    let mut after = wait::until("a client that is served again", COMES_BACK, async || {
        Ok(client_from(&app).await.ok())
    })
    .await?;
    ensure!(
        after.invoke("Echo", &[json!("back")]).await? == "back",
        "the client is not served"
    );
    Ok(())
}
