//! App servers that come, share and go.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::raw::Hub;
use super::{Scenario, until};
use crate::backend::{app, connection_string, service};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "server-killed",
        about: "clients of a killed app server are closed with reconnect allowed, and only those",
        run: || Box::pin(server_killed()),
    },
    Scenario {
        name: "two-servers",
        about: "groups and users reach across two app servers of one hub",
        run: || Box::pin(two_servers()),
    },
];

async fn server_killed() -> Result<()> {
    let service = service(&[]).await?;
    let connection = connection_string(&service);
    let mut doomed = app(&["--azure", &connection]).await?;
    let mut on_doomed = Hub::connect(&format!("{}/testhub", doomed.url())).await?;
    let doomed_id = on_doomed.invoke("Server", json!([])).await?;
    let staying = app(&["--azure", &connection]).await?;
    // New clients go to the least loaded link, so the second server gets one soon.
    let mut on_staying = until(
        "a client of the second server",
        Duration::from_secs(20),
        || async {
            let mut hub = Hub::connect(&format!("{}/testhub", staying.url())).await?;
            let id = hub.invoke("Server", json!([])).await?;
            Ok((id != doomed_id).then_some(hub))
        },
    )
    .await?;
    doomed.kill().await?;
    let close = on_doomed.close_message().await?;
    ensure!(close["allowReconnect"] == true, "closed with {close}");
    let echo = on_staying.invoke("Echo", json!(["still here"])).await?;
    ensure!(echo == "still here", "the other server's client got {echo}");
    Ok(())
}

async fn two_servers() -> Result<()> {
    let service = service(&[]).await?;
    let connection = connection_string(&service);
    let first = app(&["--azure", &connection]).await?;
    let second = app(&["--azure", &connection]).await?;
    let mut hubs = Vec::new();
    for n in 0..8 {
        let url = format!("{}/testhub?user=user{n}", [&first, &second][n % 2].url());
        hubs.push(Hub::connect(&url).await?);
    }
    let mut servers = Vec::new();
    for hub in &mut hubs {
        servers.push(hub.invoke("Server", json!([])).await?);
        hub.invoke("Join", json!(["everyone"])).await?;
    }
    servers.sort_by_key(ToString::to_string);
    servers.dedup();
    ensure!(servers.len() == 2, "all clients are on one server");
    hubs[0]
        .invoke("ToGroup", json!(["everyone", "to all"]))
        .await?;
    for hub in &mut hubs {
        ensure!(
            hub.called("Message").await? == json!(["to all"]),
            "the group's message differs"
        );
    }
    for n in 0..8 {
        let text = format!("to user {n}");
        hubs[(n + 1) % 8]
            .invoke("ToUser", json!([format!("user{n}"), text]))
            .await?;
        ensure!(
            hubs[n].called("Message").await? == json!([text]),
            "the user's message differs"
        );
    }
    Ok(())
}
