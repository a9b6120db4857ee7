//! What no genuine client sends.

use anyhow::{Result, ensure};
use heliograph_protocol::hub::Encoding;
use serde_json::json;

use crate::raw_client::{Heard, RawClient};
use crate::servers::App;

pub(super) async fn malformed_message_closes_one_client() -> Result<()> {
    let app = App::embedded(&[]).await?;
    let url = format!("{}/testhub", app.server.url());
    let mut good = RawClient::connect(&url, Encoding::Json).await?;
    for bytes in [
        &b"{\"type\":1,\"target\"\x1e"[..],
        b"[]\x1e",
        b"{\"type\":\"1\"}\x1e",
    ] {
        let mut bad = RawClient::connect(&url, Encoding::Json).await?;
        bad.send_bytes(bytes).await?;
        let close = bad.heard().await?;
        ensure!(
            matches!(&close, Heard::Close { error: Some(_), .. }),
            "{}: {close:?}",
            String::from_utf8_lossy(bytes)
        );
        ensure!(
            matches!(bad.heard().await?, Heard::Ended(_)),
            "the connection goes on after its Close"
        );
    }
    ensure!(
        good.invoke("Echo", &[json!("well")]).await? == "well",
        "the other client is not served any more"
    );
    Ok(())
}
