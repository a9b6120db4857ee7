use std::future::poll_fn;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

type TestSocket = Socket<DuplexStream, Arc<[u8]>>;

const LIMIT: u64 = 1 << 20;

fn connected(leftover: &[u8]) -> (TestSocket, DuplexStream) {
    let (server, client) = duplex(64 * 1024);
    (Socket::new(server, leftover, LIMIT), client)
}

/// A client frame, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    [&[first, 0x80 | len, 0, 0, 0, 0], payload].concat()
}

async fn read(socket: &mut TestSocket) -> (Result<Received, SocketError>, Vec<u8>) {
    let mut data = Vec::new();
    let take = |fragment: Fragment<'_>, data: &mut Vec<u8>| data.extend_from_slice(fragment.bytes);
    let received = poll_fn(|cx| socket.poll_read(cx, |fragment| take(fragment, &mut data))).await;
    (received, data)
}

async fn finish(socket: &mut TestSocket) -> io::Result<()> {
    poll_fn(|cx| socket.poll_finish(cx)).await
}

#[tokio::test]
async fn what_followed_the_upgrade_request_is_read_first() {
    let (mut socket, mut client) = connected(&frame(0x81, b"one")[..8]);
    client.write_all(b"e").await.unwrap();
    client.write_all(&frame(0x81, b"two")).await.unwrap();
    let (received, data) = read(&mut socket).await;
    assert_eq!(
        (received.unwrap(), data.as_slice()),
        (Received::Some, b"on".as_slice())
    );
    let (received, data) = read(&mut socket).await;
    assert_eq!(
        (received.unwrap(), data.as_slice()),
        (Received::Some, b"etwo".as_slice())
    );
}

#[tokio::test]
async fn a_ping_is_answered_by_reading() {
    let (mut socket, mut client) = connected(b"");
    client.write_all(&frame(0x89, b"there?")).await.unwrap();
    assert_eq!(read(&mut socket).await.0.unwrap(), Received::Some);
    let mut answer = [0; 8];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"\x8a\x06there?");
}

#[tokio::test]
async fn pings_are_read_while_nobody_reads_the_pongs() {
    let (server, mut client) = duplex(64);
    let mut socket: TestSocket = Socket::new(server, b"", LIMIT);
    for _ in 0..1000 {
        client.write_all(&frame(0x89, b"there?")).await.unwrap();
        assert_eq!(read(&mut socket).await.0.unwrap(), Received::Some);
    }
}

#[tokio::test]
async fn the_end_of_the_stream_is_told() {
    let (mut socket, client) = connected(b"");
    drop(client);
    assert_eq!(read(&mut socket).await.0.unwrap(), Received::End);
}

#[tokio::test]
async fn a_close_frame_is_answered_and_the_stream_ended() {
    let (mut socket, mut client) = connected(b"");
    client
        .write_all(&frame(0x88, b"\x0f\xa0bye"))
        .await
        .unwrap();
    assert_eq!(
        read(&mut socket).await.0.unwrap(),
        Received::Close(CloseCode(4000))
    );
    socket.close(CloseCode::NORMAL);
    finish(&mut socket).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"\x88\x02\x03\xe8");
}

#[tokio::test]
async fn a_close_of_ours_waits_for_the_client_and_drops_its_data() {
    let (mut socket, mut client) = connected(b"");
    socket.close(CloseCode::NORMAL);
    let finished = tokio::spawn(async move { finish(&mut socket).await });

    let mut close = [0; 4];
    client.read_exact(&mut close).await.unwrap();
    assert_eq!(&close, b"\x88\x02\x03\xe8");
    client.write_all(&frame(0x81, b"late")).await.unwrap();
    tokio::task::yield_now().await;
    assert!(!finished.is_finished());
    client.write_all(&frame(0x88, b"\x03\xe8")).await.unwrap();
    finished.await.unwrap().unwrap();
    assert_eq!(client.read(&mut close).await.unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told_and_read_to_its_end() {
    let (mut socket, mut client) = connected(b"");
    client.write_all(&frame(0x81, b"good")).await.unwrap();
    client.write_all(b"\x81\x05Hello").await.unwrap();
    let (received, data) = read(&mut socket).await;
    let Err(SocketError::Protocol(error)) = received else {
        panic!("{received:?}")
    };
    assert_eq!(
        (error, data.as_slice()),
        (ReadError::Unmasked, b"good".as_slice())
    );

    socket.close(error.close_code());
    let finished = tokio::spawn(async move { finish(&mut socket).await });
    client.write_all(&[0; 1000]).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"\x88\x02\x03\xea");
    assert!(!finished.is_finished());
    drop(client);
    finished.await.unwrap().unwrap();
}

#[tokio::test]
async fn one_socket_is_read_while_another_gives_out_its_data() {
    let (mut outer, _client) = connected(&frame(0x81, b"outer"));
    let (mut inner, mut client) = connected(b"");
    client.write_all(&frame(0x81, b"inner")).await.unwrap();
    let mut data = Vec::new();
    poll_fn(|cx| {
        outer.poll_read(cx, |fragment| {
            let read = inner.poll_read(
                &mut Context::from_waker(std::task::Waker::noop()),
                |fragment| data.extend_from_slice(fragment.bytes),
            );
            assert!(read.is_ready());
            data.extend_from_slice(fragment.bytes);
        })
    })
    .await
    .unwrap();
    assert_eq!(data, b"innerouter");
}

#[test]
fn an_idle_socket_is_small() {
    let size = size_of::<Socket<(), Arc<[u8]>>>();
    println!("Socket beyond its stream: {size} bytes");
    assert!(size < 200);
}
