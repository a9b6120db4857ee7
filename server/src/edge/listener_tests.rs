use std::pin::pin;

use axum::Extension;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

const SOON: Duration = Duration::from_secs(10);

struct Running {
    address: SocketAddr,
    drain: oneshot::Sender<()>,
    served: JoinHandle<usize>,
}

fn start(router: Router, options: Options, patience: Duration) -> Running {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), options).unwrap();
    let address = listener.local_addr().unwrap();
    let (drain, drained) = oneshot::channel();
    let drained = async move {
        drained.await.unwrap_or(());
        Instant::now() + patience
    };
    let served = tokio::spawn(listener.serve(router, drained));
    Running {
        address,
        drain,
        served,
    }
}

fn echo_peer() -> Router {
    Router::new().route(
        "/",
        get(|Extension(Peer(peer)): Extension<Peer>| async move { peer.to_string() }),
    )
}

async fn exchange(tcp: &mut TcpStream, request: &str) -> String {
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, tcp.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn requests_carry_the_address_of_their_peer() {
    let running = start(echo_peer(), Options::default(), SOON);
    let mut tcp = TcpStream::connect(running.address).await.unwrap();
    let own = tcp.local_addr().unwrap().to_string();
    let answer = exchange(
        &mut tcp,
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with(&own), "{answer}");
}

#[tokio::test]
async fn a_body_that_no_handler_reads_does_not_cost_the_connection() {
    let running = start(echo_peer(), Options::default(), SOON);
    let mut tcp = TcpStream::connect(running.address).await.unwrap();
    const LENGTH: usize = 4 << 20;
    let head = format!("POST /none HTTP/1.1\r\nhost: x\r\ncontent-length: {LENGTH}\r\n\r\n");
    tcp.write_all(head.as_bytes()).await.unwrap();
    // The answer comes while the body is still to be sent.
    let mut answer = [0; 12];
    let read = timeout(SOON, tcp.read_exact(&mut answer)).await;
    read.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
    let body = vec![b'z'; LENGTH];
    timeout(SOON, tcp.write_all(&body)).await.unwrap().unwrap();
    let request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = exchange(&mut tcp, request).await;
    assert!(answers.contains("HTTP/1.1 200"), "{answers}");
}

#[tokio::test]
async fn long_heads_pass_and_longer_ones_get_431() {
    let options = Options {
        max_header_bytes: 32 * 1024,
        ..Options::default()
    };
    let running = start(echo_peer(), options, SOON);
    for (length, status) in [(16 * 1024, "200"), (31 * 1024, "200"), (33 * 1024, "431")] {
        let mut tcp = TcpStream::connect(running.address).await.unwrap();
        let token = "t".repeat(length);
        let request =
            format!("GET /?access_token={token} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = exchange(&mut tcp, &request).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{length}: {answer}");
    }
}

#[tokio::test]
async fn connection_over_the_bound_is_closed_and_its_place_is_free_again() {
    let options = Options {
        max_connections: 1,
        ..Options::default()
    };
    let running = start(echo_peer(), options, SOON);
    let mut first = TcpStream::connect(running.address).await.unwrap();
    first
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    first.readable().await.unwrap();

    let mut second = TcpStream::connect(running.address).await.unwrap();
    let read = timeout(SOON, second.read(&mut [0; 8])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");

    drop(first);
    let answered = async {
        loop {
            let mut tcp = TcpStream::connect(running.address).await.unwrap();
            let mut head = [0; 12];
            let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
            if tcp.write_all(request).await.is_ok() && tcp.read_exact(&mut head).await.is_ok() {
                return head;
            }
        }
    };
    assert_eq!(&timeout(SOON, answered).await.unwrap(), b"HTTP/1.1 200");
}

#[tokio::test]
async fn slow_head_ends_the_connection() {
    let options = Options {
        head_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let running = start(echo_peer(), options, SOON);
    let mut tcp = TcpStream::connect(running.address).await.unwrap();
    tcp.write_all(b"GET / HT").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(SOON, tcp.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "still open");
}

#[tokio::test]
async fn drain_lets_a_request_finish_and_takes_no_new_ones() {
    let (entered, mut entries) = tokio::sync::mpsc::channel::<oneshot::Sender<()>>(1);
    let router = Router::new().route(
        "/",
        get(move || async move {
            let (release, released) = oneshot::channel();
            entered.send(release).await.unwrap();
            released.await.unwrap();
            "done"
        }),
    );
    let running = start(router, Options::default(), SOON);
    let mut tcp = TcpStream::connect(running.address).await.unwrap();
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let release = timeout(SOON, entries.recv()).await.unwrap().unwrap();

    running.drain.send(()).unwrap();
    assert_eq!(
        timeout(SOON, idle.read(&mut [0; 8]))
            .await
            .unwrap()
            .unwrap(),
        0
    );
    assert!(TcpStream::connect(running.address).await.is_err());
    release.send(()).unwrap();
    let mut answer = String::new();
    timeout(SOON, tcp.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    assert_eq!(timeout(SOON, running.served).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn drain_is_bounded_and_cuts_what_is_left() {
    let (entered, mut entries) = tokio::sync::mpsc::channel::<()>(1);
    let router = Router::new().route(
        "/",
        get(move || async move {
            entered.send(()).await.unwrap();
            std::future::pending::<()>().await;
        }),
    );
    let running = start(router, Options::default(), Duration::from_millis(50));
    let mut tcp = TcpStream::connect(running.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    timeout(SOON, entries.recv()).await.unwrap().unwrap();
    running.drain.send(()).unwrap();
    assert_eq!(timeout(SOON, running.served).await.unwrap().unwrap(), 1);
    let mut rest = Vec::new();
    assert!(
        timeout(SOON, tcp.read_to_end(&mut rest)).await.is_ok(),
        "still open"
    );
}

#[tokio::test]
async fn upgraded_connections_hand_out_the_stream_and_keep_their_place() {
    let (upgraded, mut upgrades) = tokio::sync::mpsc::channel::<Stream>(1);
    let router = Router::new().route(
        "/",
        get(move |request: axum::extract::Request| async move {
            tokio::spawn(async move {
                let io = hyper::upgrade::on(request).await.unwrap();
                let parts = io.downcast::<TokioIo<Stream>>().unwrap();
                upgraded.send(parts.io.into_inner()).await.unwrap();
            });
            (
                http::StatusCode::SWITCHING_PROTOCOLS,
                [("upgrade", "x"), ("connection", "upgrade")],
            )
        }),
    );
    let running = start(router, Options::default(), SOON);
    let mut tcp = TcpStream::connect(running.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
        .await
        .unwrap();
    let mut stream = timeout(SOON, upgrades.recv()).await.unwrap().unwrap();
    stream.write_all(b"!").await.unwrap();
    running.drain.send(()).unwrap();
    let mut served = pin!(running.served);
    tokio::select! {
        biased;
        _ = &mut served => panic!("the drain did not wait for the upgraded connection"),
        read = async {
            let mut seen = Vec::new();
            while !seen.ends_with(b"!") {
                seen.push(tcp.read_u8().await.unwrap());
            }
        } => read,
    }
    drop(stream);
    assert_eq!(timeout(SOON, served).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn connections_are_tuned_so_that_a_vanished_peer_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(listener.accept(), TcpStream::connect(address));
    let ((tcp, _), _far) = (near.unwrap(), far.unwrap());
    tune(&tcp, Duration::from_secs(60)).unwrap();
    let socket = SockRef::from(&tcp);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    // Silence of half the time, and three probes in the other half.
    assert_eq!(socket.tcp_keepalive_time().unwrap().as_secs(), 30);
    assert_eq!(socket.tcp_keepalive_interval().unwrap().as_secs(), 10);
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    // And what was sent is acknowledged in time.
    #[cfg(target_os = "linux")]
    assert_eq!(
        socket.tcp_user_timeout().unwrap(),
        Some(Duration::from_secs(60))
    );
}
