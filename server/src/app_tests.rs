use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::*;
use crate::config::Span;
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

#[test]
fn the_listener_keeps_to_the_settings() {
    let mut settings = Settings::default();
    settings.limits.connections = 7;
    settings.limits.header_bytes = 20_000;
    settings.timeouts.request_head = Span::seconds(8);
    settings.timeouts.dead_peer = Span::seconds(9);
    let options = listener_options(&settings, None);
    assert!(options.tls.is_none());
    assert_eq!(options.max_connections, 7);
    assert_eq!(options.max_header_bytes, 20_000);
    assert_eq!(options.head_timeout, Duration::from_secs(8));
    assert_eq!(options.dead_peer_timeout, Duration::from_secs(9));
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

#[tokio::test]
async fn a_service_on_all_addresses_shows_a_place_for_its_name() {
    let mut settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        ..Settings::default()
    };
    settings.keys.primary = Some(Secret("a key of some length".to_owned()));
    let doors = Doors {
        demo: Some("/demo/"),
        ..Doors::default()
    };
    let mut app = App::new(&settings, Drain::default(), doors, None).unwrap();
    assert!(!app.is_everywhere());
    assert_eq!(app.shown_url(), app.url());
    for address in ["0.0.0.0:8888", "[::]:8888"] {
        app.address = address.parse().unwrap();
        assert!(app.is_everywhere());
        assert_eq!(app.shown_url(), "http://<this host>:8888");
        assert_eq!(
            app.demo_url().as_deref(),
            Some("http://<this host>:8888/demo/")
        );
        assert_eq!(
            app.connection_string(&settings),
            "Endpoint=http://<this host>;Port=8888;AccessKey=<keys.primary>;Version=1.0;"
        );
        // What programs read is an address.
        assert_eq!(app.url(), format!("http://{address}"));
    }
}

#[test]
fn keys_are_checked_against_the_address_that_the_service_is_bound_to() {
    let keys = Keys::new(KeyPair::single(AccessKey::new(WELL_KNOWN_KEY)));
    let sources = Sources {
        file: None,
        flags: vec![("listen".to_owned(), "127.0.0.1:1".to_owned())],
    };
    assert!(reload_keys(&sources, ([127, 0, 0, 1], 1).into(), &keys).is_ok());
    let error = reload_keys(&sources, ([192, 0, 2, 1], 1).into(), &keys).unwrap_err();
    assert!(error.to_string().contains("everyone knows"), "{error}");
    let own = Keys::new(KeyPair::single(AccessKey::new("a key of some length")));
    let error = reload_keys(&sources, ([127, 0, 0, 1], 1).into(), &own).unwrap_err();
    assert!(error.to_string().contains("of your own"), "{error}");
    assert_eq!(own.current().primary.reveal(), "a key of some length");
}
