//! Stateful reconnect: recorded conversations over cut links, and the two machines against each
//! other.

use std::collections::HashMap;

use heliograph_protocol::hub::negotiate::{NegotiateAnswer, parse_answer};
use heliograph_protocol::hub::replay::{Receipt, SequenceError};
use heliograph_protocol::hub::{
    Deframer, Encoding, HandshakeRequest, MessageType, ReceiveCounter, SendBuffer, scan,
    sequence_id,
};
use proptest::prelude::*;

use crate::live::{exchanges, payload};
use crate::support::read;

/// One direction of a recorded connection, over all its links.
struct Direction {
    deframer: Deframer,
    sent: SendBuffer<Vec<u8>>,
    received: ReceiveCounter,
    /// What the sender must repeat next on this link.
    to_repeat: Vec<Vec<u8>>,
    fatal: Option<SequenceError>,
    acks: usize,
}

impl Direction {
    fn new(encoding: Encoding) -> Self {
        Self {
            deframer: Deframer::new(encoding, usize::MAX),
            sent: SendBuffer::new(SendBuffer::<Vec<u8>>::DEFAULT_MAX_BYTES),
            received: ReceiveCounter::new(),
            to_repeat: Vec::new(),
            fatal: None,
            acks: 0,
        }
    }
}

/// Both directions: what the client sends and what the server sends.
struct Connection {
    encoding: Encoding,
    directions: [Direction; 2],
    links: usize,
}

/// Whether a client follows the algorithm, or was written by hand to break it.
#[derive(Clone, Copy, PartialEq)]
enum Client {
    Genuine,
    ByHand,
}

impl Connection {
    /// Follows the data that one side sent; `from` is its place in `directions`.
    fn feed(&mut self, from: usize, mut input: &[u8], client: Client) {
        let checked = from == 1 || client == Client::Genuine;
        let encoding = self.encoding;
        while let Some(frame) = self.directions[from]
            .deframer
            .next_frame(&mut input)
            .unwrap()
        {
            let message_type = scan(encoding, &frame).unwrap();
            let number = || sequence_id(encoding, &frame).unwrap();
            if message_type == MessageType::Ack {
                let acked = &mut self.directions[1 - from];
                if checked {
                    assert_eq!(acked.received.ack_due(), Some(number()));
                }
                acked.sent.ack(number());
                acked.acks += 1;
            } else if message_type == MessageType::Sequence {
                let direction = &mut self.directions[from];
                if checked {
                    assert_eq!(number(), direction.sent.resume_at());
                    direction.to_repeat = direction.sent.unacked().rev().cloned().collect();
                }
                direction.fatal = direction.received.on_sequence(number()).err();
            } else if message_type.is_counted() {
                let direction = &mut self.directions[from];
                let receipt = direction.received.on_message();
                if let Some(expected) = direction.to_repeat.pop() {
                    assert_eq!(*expected, *frame);
                    assert_eq!(receipt, Receipt::Skip);
                } else if checked {
                    let bytes = frame.len();
                    direction.sent.push(frame.into_owned(), bytes);
                    assert_eq!(receipt, Receipt::Deliver);
                }
            }
        }
    }
}

/// Follows the stateful connections of a recording and returns, for each, its number of links and
/// of acks in either direction.
fn follow(name: &str, client: Client) -> Vec<(usize, usize, usize)> {
    let file = read(&format!("core-live/{name}.json"));
    let mut granted = Vec::new();
    let mut connections: HashMap<String, Connection> = HashMap::new();
    let mut order = Vec::new();
    for exchange in exchanges(&file) {
        let target = exchange["request"]["target"].as_str().unwrap();
        if let Some(body) = exchange["response"]["body"]["text"].as_str()
            && let Ok(NegotiateAnswer::Connect(offer)) = parse_answer(body.as_bytes())
            && offer.use_stateful_reconnect
        {
            granted.push(offer.id().to_owned());
        }
        let (Some((_, token)), Some(frames)) =
            (target.split_once("id="), exchange["frames"].as_array())
        else {
            continue;
        };
        let mut frames: &[_] = frames;
        if !connections.contains_key(token) {
            let request = payload(&frames[0]).unwrap();
            let request = HandshakeRequest::parse(&request).unwrap();
            if request.version != 2 || !granted.iter().any(|granted| granted == token) {
                continue;
            }
            let encoding = Encoding::from_name(&request.protocol).unwrap();
            let directions = [Direction::new(encoding), Direction::new(encoding)];
            connections.insert(
                token.to_owned(),
                Connection {
                    encoding,
                    directions,
                    links: 0,
                },
            );
            order.push(token.to_owned());
            frames = &frames[2..];
        }
        let connection = connections.get_mut(token).unwrap();
        connection.links += 1;
        for frame in frames {
            if let Some(payload) = payload(frame) {
                connection.feed(usize::from(frame["from"] == "server"), &payload, client);
            }
        }
        let fatal = connection.directions[0].fatal.is_some();
        let closed = frames
            .iter()
            .any(|frame| frame.to_string().contains("closed with an error"));
        assert_eq!(fatal, closed);
    }
    let seen = |token| {
        let connection: &Connection = &connections[token];
        (
            connection.links,
            connection.directions[1].acks,
            connection.directions[0].acks,
        )
    };
    order.iter().map(seen).collect()
}

#[test]
fn typescript_client_and_server_resume_as_recorded() {
    assert_eq!(follow("stateful-js-json", Client::Genuine), [(4, 4, 5)]);
    assert_eq!(
        follow("stateful-js-messagepack", Client::Genuine),
        [(4, 4, 5)]
    );
}

#[test]
fn dotnet_client_and_server_resume_as_recorded() {
    assert_eq!(follow("stateful-dotnet-json", Client::Genuine), [(4, 0, 0)]);
    assert_eq!(
        follow("stateful-dotnet-messagepack", Client::Genuine),
        [(2, 1, 1)]
    );
}

#[test]
fn server_resumes_for_a_client_that_breaks_the_rules() {
    let seen = follow("stateful-by-hand", Client::ByHand);
    assert_eq!(seen[..3], [(1, 0, 1), (5, 0, 2), (1, 1, 0)]);
}

#[test]
fn buffer_is_full_at_its_limit_until_an_ack_frees_it() {
    let mut sent = SendBuffer::new(10);
    assert_eq!(sent.push('a', 6), 1);
    assert!(!sent.is_full());
    assert_eq!(sent.push('b', 4), 2);
    assert!(sent.is_full());
    sent.ack(3);
    assert_eq!(
        sent.held_bytes(),
        10,
        "an ack of what was not sent is ignored"
    );
    sent.ack(1);
    assert_eq!((sent.held_bytes(), sent.resume_at()), (4, 2));
    sent.ack(1);
    sent.ack(-1);
    assert_eq!(sent.unacked().collect::<Vec<_>>(), [&'b']);
    sent.ack(2);
    assert_eq!(
        (sent.held_bytes(), sent.resume_at(), sent.newest()),
        (0, 3, 2)
    );
}

#[test]
fn sequence_beyond_the_next_message_is_fatal() {
    let mut received = ReceiveCounter::new();
    assert_eq!(received.on_sequence(2), Err(SequenceError));
    assert_eq!(received.on_message(), Receipt::Deliver);
    assert_eq!(received.on_sequence(2), Ok(()));
    assert_eq!(received.on_message(), Receipt::Deliver);
    assert_eq!(received.on_sequence(1), Ok(()));
    assert_eq!(
        [(); 3].map(|()| received.on_message()),
        [Receipt::Skip, Receipt::Skip, Receipt::Deliver]
    );
    let text = "Sequence ID greater than amount of messages we've received.";
    assert_eq!(SequenceError.to_string(), text);
}

#[test]
fn client_skips_what_comes_before_the_sequence() {
    let mut received = ReceiveCounter::new();
    received.await_sequence();
    assert_eq!(received.on_message(), Receipt::Skip);
    assert_eq!(received.on_sequence(1), Ok(()));
    assert_eq!(received.on_message(), Receipt::Deliver);
    assert_eq!(received.ack_due(), Some(1));
    assert_eq!(received.ack_due(), None);
}

/// One step of a sender, a receiver and the link between them.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send,
    /// The receiver takes one message off the link.
    Deliver,
    Ack,
    /// The link is lost with what is on it, and a new one is opened.
    Reconnect,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_message_arrives_once_and_in_order(steps in prop::collection::vec(
        prop_oneof![
            4 => Just(Step::Send),
            4 => Just(Step::Deliver),
            1 => Just(Step::Ack),
            1 => Just(Step::Reconnect),
        ],
        0..200,
    )) {
        let mut sent = SendBuffer::new(usize::MAX);
        let mut received = ReceiveCounter::new();
        let mut link = std::collections::VecDeque::new();
        let mut delivered = Vec::new();
        let mut next = 0_u32;
        let end = [Step::Reconnect].into_iter().chain([Step::Deliver; 400]);
        for step in steps.into_iter().chain(end) {
            match step {
                Step::Send => {
                    next += 1;
                    sent.push(next, 1);
                    link.push_back(next);
                }
                Step::Deliver => {
                    if let Some(message) = link.pop_front()
                        && received.on_message() == Receipt::Deliver
                    {
                        delivered.push(message);
                    }
                }
                Step::Ack => {
                    if let Some(number) = received.ack_due() {
                        sent.ack(number);
                    }
                }
                Step::Reconnect => {
                    link = sent.unacked().copied().collect();
                    prop_assert_eq!(received.on_sequence(sent.resume_at()), Ok(()));
                }
            }
        }
        prop_assert_eq!(delivered, (1..=next).collect::<Vec<_>>());
    }
}
