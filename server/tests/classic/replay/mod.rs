//! Everything that a genuine app server and its service said to each other, said again: the app's
//! side is played byte for byte, but for the ids of connections; that of the service must say the
//! same, but for listed departures; and clients must get what the app meant for them.

mod departures;
mod opening;
mod recording;
mod stagehand;

use self::stagehand::{Counts, Stagehand};

/// The recordings, in the order in which they were made: the connections of one go on in the next.
const PARTS: [&str; 7] = [
    "setup",
    "client",
    "outside",
    "open-errors",
    "acks",
    "loss",
    "shutdown",
];

#[tokio::test]
#[allow(clippy::print_stdout, reason = "says what is skipped")]
async fn recorded_app_server_and_its_clients_are_served() {
    if !recording::folder().exists() {
        println!(
            "skipped: no recordings at {}",
            recording::folder().display()
        );
        return;
    }
    let mut stagehand = Stagehand::new();
    for part in PARTS {
        stagehand.play(part).await;
    }
    stagehand.met.check();
    let Counts {
        recorded,
        sent,
        played,
        read,
    } = stagehand.counts;
    assert_eq!(sent + stagehand.met.unsaid(), recorded);
    println!(
        "{played} messages of the app, {sent} of {recorded} of the service, {read} for clients"
    );
    assert_eq!((recorded, played, read), (366, 318, 82));
}
