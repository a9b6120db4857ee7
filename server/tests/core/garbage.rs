//! Random bytes and random cuts: nothing panics, and every connection ends.

use crate::http::Exchange;
use crate::hub::Rule;
use crate::socket::{Frame, Socket, frame};
use crate::stage::{ACCEPTED, EVENTS, HANDSHAKE, Stage, echo, echoed};

/// A small generator of the same numbers every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> usize {
        (self.next() % limit) as usize
    }

    fn bytes(&mut self, limit: u64) -> Vec<u8> {
        let len = self.below(limit);
        // Half of it from what the protocols are made of.
        let pick = b"{}[]\":,\x1e\x00\x01\x81type67\xff";
        (0..len)
            .map(|_| match self.below(2) {
                0 => pick[self.below(pick.len() as u64)],
                _ => self.next() as u8,
            })
            .collect()
    }
}

fn stage() -> Stage {
    let rule = Rule {
        max_message_bytes: 2000,
        ..Rule::default()
    };
    Stage::start_with(heliograph::front::core::Options::default(), rule)
}

async fn read_to_end(mut socket: Socket) {
    while socket.next().await != Frame::End {}
}

#[tokio::test]
async fn raw_bytes_on_a_websocket() {
    let stage = stage();
    let mut random = Random(0x1234_5678);
    for round in 0..60 {
        let mut socket = stage.socket().await;
        if round % 2 == 0 {
            socket.send(HANDSHAKE).await;
        }
        for _ in 0..4 {
            let bytes = random.bytes(3000);
            if !socket.try_send_bytes(&bytes).await {
                break;
            }
        }
        socket.reset();
    }
    stage.empty().await;
    assert_eq!(stage.hub.closed().len(), stage.hub.open_count());
}

#[tokio::test]
async fn random_payloads_in_proper_frames() {
    let stage = stage();
    let mut random = Random(0xfeed_beef);
    for round in 0..60 {
        let mut socket = stage.socket().await;
        let protocol = ["json", "messagepack", "blazorpack"][round % 3];
        let handshake = format!("{{\"protocol\":\"{protocol}\",\"version\":1}}\u{1e}");
        socket.send(&handshake).await;
        for _ in 0..4 {
            let opcode = [2, 2, 9, 10][random.below(4)];
            let limit = if opcode == 2 { 3000 } else { 126 };
            let bytes = frame(opcode, true, &random.bytes(limit));
            if !socket.try_send_bytes(&bytes).await {
                break;
            }
        }
        let close = frame(8, true, &1000_u16.to_be_bytes());
        socket.try_send_bytes(&close).await;
        read_to_end(socket).await;
    }
    stage.empty().await;
    assert_eq!(stage.hub.closed().len(), stage.hub.open_count());
}

#[tokio::test]
async fn good_messages_in_random_cuts() {
    let stage = stage();
    let mut random = Random(42);
    for _ in 0..20 {
        let calls: String = (0..20).map(|id| echo(id, "abc")).collect();
        let stream = HANDSHAKE.to_owned() + &calls;
        let mut framed = Vec::new();
        let mut rest = stream.as_bytes();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + random.below(rest.len().min(90) as u64));
            framed.extend(frame(2, true, piece));
            rest = behind;
        }
        let mut socket = stage.socket().await;
        let mut rest = framed.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + random.below(rest.len().min(300) as u64));
            socket.send_bytes(piece).await;
            rest = behind;
        }
        assert_eq!(socket.text().await, ACCEPTED);
        for id in 0..20 {
            assert_eq!(socket.text().await, echoed(id, "abc"));
        }
    }
    stage.empty().await;
}

#[tokio::test]
async fn random_posts() {
    let stage = stage();
    let mut random = Random(7);
    for round in 0..40 {
        let ids = stage.negotiate().await;
        let mut stream = stage.begin(&ids.target(), &[EVENTS]).await;
        assert_eq!(stream.head().await.0, 200);
        if round % 2 == 0 {
            assert_eq!(stage.post(&ids.target(), HANDSHAKE).await.status, 200);
        }
        for _ in 0..3 {
            let body = random.bytes(3000);
            let target = ids.target();
            let mut post = Exchange::send(stage.address, "POST", &target, &[], Some(&body)).await;
            let status = post.answer("POST").await.status;
            assert!([200, 404].contains(&status), "{status}");
        }
        stream.reset();
    }
    stage.empty().await;
    assert_eq!(stage.hub.closed().len(), stage.hub.open_count());
}

#[tokio::test]
async fn random_targets_and_heads() {
    let stage = stage();
    let mut random = Random(99);
    for _ in 0..100 {
        let ascii: String = random
            .bytes(60)
            .iter()
            .map(|byte| char::from(33 + byte % 94))
            .filter(|c| !['#', '?'].contains(c))
            .collect();
        let method = ["GET", "POST", "DELETE", "OPTIONS", "HEAD"][random.below(5)];
        let target = format!("/testhub/{ascii}?id={ascii}&negotiateVersion={ascii}");
        let mut exchange = Exchange::send(
            stage.address,
            method,
            &target,
            &[("Accept", &ascii)],
            Some(b""),
        )
        .await;
        let (status, _) = exchange.head().await;
        assert!((200..500).contains(&status), "{method} {target}: {status}");
    }
    assert_eq!(stage.door.connections(), 0);
}
