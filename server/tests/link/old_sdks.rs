//! App servers with an SDK before 1.26 (service protocol, 4.3 and 8.8), and real clients.

mod stub;

use self::stub::{OldSdk, Value, payloads};
use crate::support::until;
use crate::whole::{END, Got, Whole, WsClient};

const PING: &str = "{\"type\":6}\u{1e}";
const CALL: &str =
    "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[1]}\u{1e}";
const RESULT: &str = "{\"type\":3,\"invocationId\":\"1\",\"result\":1}\u{1e}";
const SEND: &str = "{\"type\":1,\"target\":\"m\",\"arguments\":[]}\u{1e}";
/// The same in MessagePack: an invocation without id, headers and arguments.
const SEND_PACKED: &[u8] = &[7, 0x95, 1, 0x80, 0xc0, 0xa1, b'm', 0x90];
const PING_PACKED: &[u8] = &[2, 0x91, 6];
/// A message of 200 bytes: its length takes two.
const LONG_PACKED: [u8; 202] = {
    let mut bytes = [b'x'; 202];
    let start = [0xc8, 1, 0x95, 1, 0x80, 0xc0, 0xa1, b'm', 0x91, 0xd9, 190];
    let mut at = 0;
    while at < start.len() {
        bytes[at] = start[at];
        at += 1;
    }
    bytes
};

/// A client past its handshake, which the app answers without saying what it is.
async fn connected(
    whole: &Whole,
    sdk: &mut OldSdk,
    user: &str,
    protocol: &str,
) -> (WsClient, String) {
    let mut client = whole.client(user, protocol, "").await;
    let (id, handshake) = sdk.opened().await;
    let expected = format!("{{\"protocol\":\"{protocol}\",\"version\":1}}{END}");
    assert_eq!(handshake, expected.as_bytes());
    sdk.send_data(&id, b"{}\x1e").await;
    let answer = format!("{{}}{END}");
    let answer = if protocol == "json" {
        Got::Text(answer)
    } else {
        Got::Binary(answer.into_bytes())
    };
    assert_eq!(client.next().await, answer);
    (client, id)
}

#[tokio::test]
async fn every_handshake_that_an_sdk_ever_sent_lets_it_carry_clients() {
    for handshake in [
        &[3, 0x92, 1, 1][..],
        &[5, 0x94, 1, 1, 0, 0xa0],
        &[6, 0x95, 1, 1, 0, 0xa0, 0],
        &[7, 0x96, 1, 1, 0, 0xa0, 0, 0x80],
    ] {
        let whole = Whole::start();
        let (mut sdk, answer) = OldSdk::connect(&whole.service, handshake).await;
        let empty = Value::Map(vec![]);
        let expected = [Value::Int(2), Value::from(""), empty, Value::Nil];
        assert_eq!(answer, expected, "{handshake:x?}");
        connected(&whole, &mut sdk, "ann", "json").await;
    }
}

#[tokio::test]
async fn other_versions_are_refused_in_the_short_form_too() {
    let whole = Whole::start();
    let (_sdk, answer) = OldSdk::connect(&whole.service, &[3, 0x92, 1, 2]).await;
    assert!(
        matches!(&answer[1], Value::Text(error) if !error.is_empty()),
        "{answer:?}"
    );
    assert!(whole.service.relay.find("chat").is_none());
}

#[tokio::test]
async fn a_json_client_gets_whole_messages_from_pieces_of_any_size() {
    let whole = Whole::start();
    let mut sdk = OldSdk::start(&whole.service).await;
    let (mut client, id) = connected(&whole, &mut sdk, "ann", "json").await;
    for framed in [CALL, PING] {
        client.send(framed).await;
        assert_eq!(sdk.data(&id).await, framed.as_bytes());
    }
    // The cut between two pieces is in the first message, between two, and in the last one.
    let stream = [RESULT, PING, SEND, SEND].concat();
    for size in [1, 7, 40, stream.len()] {
        for piece in stream.as_bytes().chunks(size) {
            sdk.send_data(&id, piece).await;
        }
        for expected in [RESULT, PING, SEND, SEND] {
            assert_eq!(client.text().await, expected, "pieces of {size}");
        }
    }
}

#[tokio::test]
async fn a_messagepack_client_gets_whole_messages_from_pieces_of_any_size() {
    let whole = Whole::start();
    let mut sdk = OldSdk::start(&whole.service).await;
    let (mut client, id) = connected(&whole, &mut sdk, "ann", "messagepack").await;
    let stream = [SEND_PACKED, &LONG_PACKED, PING_PACKED].concat();
    for size in [1, 9, 100, stream.len()] {
        for piece in stream.chunks(size) {
            sdk.send_data(&id, piece).await;
        }
        for expected in [SEND_PACKED, &LONG_PACKED, PING_PACKED] {
            let expected = Got::Binary(expected.to_vec());
            assert_eq!(client.next().await, expected, "pieces of {size}");
        }
    }
}

#[tokio::test]
async fn the_answer_to_a_handshake_may_come_in_pieces_and_with_messages_behind_it() {
    for protocol in ["json", "messagepack"] {
        let whole = Whole::start();
        let mut sdk = OldSdk::start(&whole.service).await;
        let mut client = whole.client("ann", protocol, "").await;
        let (id, _) = sdk.opened().await;
        let first = match protocol {
            "json" => SEND.as_bytes(),
            _ => SEND_PACKED,
        };
        sdk.send_data(&id, b"{").await;
        sdk.send_data(&id, &[b"}\x1e", first].concat()).await;
        if protocol == "json" {
            assert_eq!(client.text().await, format!("{{}}{END}"));
            assert_eq!(client.text().await, SEND);
        } else {
            assert_eq!(client.next().await, Got::Binary(b"{}\x1e".to_vec()));
            assert_eq!(client.next().await, Got::Binary(first.to_vec()));
        }
    }
}

#[tokio::test]
async fn a_refused_handshake_reaches_the_client_with_its_text() {
    let whole = Whole::start();
    let mut sdk = OldSdk::start(&whole.service).await;
    let mut client = whole.client("ann", "json", "").await;
    let (id, _) = sdk.opened().await;
    let refusal = format!("{{\"error\":\"not today\"}}{END}");
    sdk.send_data(&id, refusal.as_bytes()).await;
    sdk.send(vec![5.into(), id.as_str().into(), Value::Nil])
        .await;
    assert_eq!(client.text().await, refusal);
    assert_eq!(client.next().await, Got::Close(1000));
}

#[tokio::test]
async fn three_elements_close_a_client_after_what_it_was_sent() {
    let close = "{\"type\":7,\"error\":\"why\"}\u{1e}";
    // No error was nil in the beginning; headers came before the map at the end.
    for rest in [
        vec![Value::Nil],
        vec![Value::from("why")],
        vec![Value::from(""), Value::Map(vec![])],
    ] {
        let whole = Whole::start();
        let mut sdk = OldSdk::start(&whole.service).await;
        let (mut client, id) = connected(&whole, &mut sdk, "ann", "json").await;
        sdk.send_data(&id, close.as_bytes()).await;
        let mut message = vec![5.into(), id.as_str().into()];
        message.extend(rest);
        sdk.send(message).await;
        assert_eq!(client.text().await, close);
        assert_eq!(client.next().await, Got::Close(1000));
        client.close().await;
        // No CloseConnection comes back: the barrier's answer is the next message.
        sdk.barrier().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_told_in_elements_that_an_old_reader_takes() {
    let whole = Whole::start();
    let mut sdk = OldSdk::start(&whole.service).await;
    let (client, id) = connected(&whole, &mut sdk, "ann", "json").await;
    client.close().await;
    let close = sdk.next().await;
    let empty = || Value::Map(vec![]);
    let expected = [
        Value::Int(5),
        id.as_str().into(),
        "".into(),
        empty(),
        empty(),
    ];
    assert_eq!(close, expected);
    until("an empty hub", || whole.service.hub().is_empty()).await;
}

/// Three clients of two users, one of which reads MessagePack.
struct Scene {
    _whole: Whole,
    sdk: OldSdk,
    clients: Vec<WsClient>,
    ids: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let whole = Whole::start();
        let mut sdk = OldSdk::start(&whole.service).await;
        let (mut clients, mut ids) = (Vec::new(), Vec::new());
        for (user, protocol) in [("ann", "json"), ("bob", "json"), ("bob", "messagepack")] {
            let (client, id) = connected(&whole, &mut sdk, user, protocol).await;
            clients.push(client);
            ids.push(id);
        }
        Self {
            _whole: whole,
            sdk,
            clients,
            ids,
        }
    }

    fn id(&self, index: usize) -> Value {
        self.ids[index].as_str().into()
    }

    /// Who gets a send: each client is sent a ping of its own afterwards, and what comes before
    /// that is counted.
    async fn reached_by(&mut self, message: Vec<Value>) -> Vec<usize> {
        self.sdk.send(message).await;
        let mut reached = Vec::new();
        for index in 0..self.clients.len() {
            let (send, ping, bytes) = if index == 2 {
                let got = |bytes: &[u8]| Got::Binary(bytes.to_vec());
                (got(SEND_PACKED), got(PING_PACKED), PING_PACKED)
            } else {
                let got = |text: &str| Got::Text(text.to_owned());
                (got(SEND), got(PING), PING.as_bytes())
            };
            self.sdk.send_data(&self.ids[index], bytes).await;
            loop {
                let got = self.clients[index].next().await;
                if got == ping {
                    break;
                }
                assert_eq!(got, send);
                reached.push(index);
            }
        }
        reached
    }
}

fn both() -> Value {
    payloads(&[("json", SEND.as_bytes()), ("messagepack", SEND_PACKED)])
}

fn list(items: &[Value]) -> Value {
    Value::List(items.to_vec())
}

#[tokio::test]
async fn sends_in_their_short_forms_reach_those_that_they_name() {
    let mut scene = Scene::new().await;
    let (first, second, third) = (scene.id(0), scene.id(1), scene.id(2));
    let none = || list(&[]);
    let broadcast = vec![10.into(), none(), both()];
    assert_eq!(scene.reached_by(broadcast).await, [0, 1, 2]);
    let except = vec![10.into(), list(std::slice::from_ref(&second)), both()];
    assert_eq!(scene.reached_by(except).await, [0, 2]);
    let connections = vec![7.into(), list(&[first.clone(), third.clone()]), both()];
    assert_eq!(scene.reached_by(connections).await, [0, 2]);
    let user = vec![8.into(), "bob".into(), both()];
    assert_eq!(scene.reached_by(user).await, [1, 2]);
    let users = vec![9.into(), list(&["ann".into(), "eve".into()]), both()];
    assert_eq!(scene.reached_by(users).await, [0]);
    for member in [&first, &third] {
        let join = vec![11.into(), member.clone(), "g".into()];
        scene.sdk.send(join).await;
    }
    let group = |except: &[Value]| vec![13.into(), "g".into(), list(except), both()];
    assert_eq!(scene.reached_by(group(&[])).await, [0, 2]);
    let group_except = group(std::slice::from_ref(&first));
    assert_eq!(scene.reached_by(group_except).await, [2]);
    let groups = vec![14.into(), list(&["g".into(), "h".into()]), both()];
    assert_eq!(scene.reached_by(groups).await, [0, 2]);
    let leave = vec![12.into(), first, "g".into()];
    scene.sdk.send(leave).await;
    assert_eq!(scene.reached_by(group(&[])).await, [2]);
    let user_joins = vec![16.into(), "ann".into(), "g".into()];
    scene.sdk.send(user_joins).await;
    assert_eq!(scene.reached_by(group(&[])).await, [0, 2]);
    let user_leaves = vec![17.into(), "ann".into(), "g".into()];
    scene.sdk.send(user_leaves).await;
    assert_eq!(scene.reached_by(group(&[])).await, [2]);
}

#[tokio::test]
async fn a_send_in_one_protocol_passes_those_by_that_read_another() {
    let mut scene = Scene::new().await;
    let json = payloads(&[("json", SEND.as_bytes())]);
    let broadcast = vec![10.into(), list(&[]), json];
    assert_eq!(scene.reached_by(broadcast).await, [0, 1]);
}

#[tokio::test]
async fn joins_in_four_elements_get_an_ack_of_five() {
    let mut scene = Scene::new().await;
    let member = scene.id(0);
    let ok = [0x95, 0x14, 7, 1, 0xa0, 0x80];
    let not_found = [0x95, 0x14, 7, 2, 0xa0, 0x80];
    for (number, id, ack) in [
        (18, member.clone(), ok),
        (18, "nobody".into(), not_found),
        (19, member.clone(), ok),
        (19, "nobody".into(), not_found),
        (18, member, ok),
    ] {
        let question = vec![number.into(), id, "g".into(), 7.into()];
        scene.sdk.send(question).await;
        assert_eq!(scene.sdk.next_bytes().await, ack, "{number}");
    }
    let group = vec![13.into(), "g".into(), list(&[]), both()];
    assert_eq!(scene.reached_by(group).await, [0]);
}
