//! The demo pages, as their readers have them: in a browser, in two tabs and one of the old kind.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::process::{self, Server};
use crate::{install, places};

/// The name of its only scenario, which takes a browser and the JavaScript clients' packages.
pub(super) const NAME: &str = "demo-page";

scenarios! {
    "demo-page",
    "two tabs of the demo page and one of its page for old clients chat over every transport, and show which one is in use",
    demo_page();
}

/// Less than a scenario may take, so that the browser is ended and its reason told.
const LIMIT: Duration = Duration::from_secs(100);

/// The page's script, from the packages of the JavaScript clients.
const SCRIPT: &str = "node_modules/signalr-10.0/dist/browser/signalr.min.js";
/// Those of the page for old clients, from the packages of theirs.
const LEGACY_SCRIPTS: [&str; 2] = [
    "node_modules/jquery/dist/jquery.min.js",
    "node_modules/signalr-2.4.3/jquery.signalR.min.js",
];

async fn demo_page() -> Result<()> {
    install::NPM.run().await?;
    install::LEGACY_NPM.run().await?;
    install::need(&install::CHROMIUM).await?;
    let folder = places::root().join(install::NPM.folder);
    let script = folder.join(SCRIPT);
    let script = script.to_str().context("the project's path is no text")?;
    let legacy = places::root().join(install::LEGACY_NPM.folder);
    let legacy = LEGACY_SCRIPTS.map(|script| legacy.join(script));
    let legacy = format!("demo_legacy_scripts={legacy:?}");
    let args = [
        "--listen",
        "127.0.0.1:0",
        "--demo-script",
        script,
        "--set",
        &legacy,
    ];
    let service = Server::start(&places::program("heliograph"), &args).await?;
    let mut command = Command::new("node");
    command
        .args(["demo-page.mjs", service.url(), "--legacy"])
        .current_dir(&folder);
    let done = process::run(command, LIMIT).await?;
    ensure!(done.is_success(), "{}", done.tail());
    Ok(())
}
