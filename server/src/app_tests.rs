use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::*;
use crate::drain::Stage;

const SOON: Duration = Duration::from_secs(10);

async fn get(address: SocketAddr, path: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, tcp.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn while_clients_are_closed_the_service_answers_that_it_is_draining() {
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        ..Settings::default()
    };
    let drain = Drain::default();
    let (release, released) = watch::channel(false);
    let (entered, mut entries) = watch::channel(false);
    drain.on(Stage::Clients, move || {
        entered.send_replace(true);
        let mut released = released.clone();
        Box::pin(async move {
            let _ = released.wait_for(|released| *released).await;
        })
    });
    let app = App::new(&settings, drain, Doors::default(), None).unwrap();
    let address = app.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(app.run(async {
        let _ = stopped.await;
        Instant::now() + SOON
    }));
    assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
    stop.send(()).unwrap();
    timeout(SOON, entries.wait_for(|entered| *entered))
        .await
        .unwrap()
        .unwrap();
    assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    release.send_replace(true);
    let drained = timeout(SOON, running).await.unwrap().unwrap();
    assert_eq!(
        drained,
        Drained {
            in_time: true,
            left: 0
        }
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn without_metrics_there_is_no_metrics_page() {
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        ..Settings::default()
    };
    let app = App::new(&settings, Drain::default(), Doors::default(), None).unwrap();
    let address = app.address();
    let running = tokio::spawn(app.run(std::future::pending()));
    assert!(get(address, "/metrics").await.starts_with("HTTP/1.1 404"));
    running.abort();
}
