//! What must hold for all messages and for all bytes.

use heliograph_protocol::hub::negotiate::parse_answer;
use heliograph_protocol::hub::sse::{self, EventParser};
use heliograph_protocol::hub::{
    Arguments, CancelInvocation, Close, Completion, Deframer, Encoding, HandshakeRequest,
    HandshakeResponse, Headers, Invocation, Message, MessageType, Outcome, Raw, StreamInvocation,
    StreamItem, parse, scan, sequence_id, write,
};
use heliograph_protocol::wire::Writer;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

/// A message whose values are JSON, from which it can be made in either encoding.
#[derive(Debug, Clone)]
struct Sample {
    message_type: MessageType,
    headers: Vec<(String, String)>,
    id: String,
    target: String,
    values: Vec<Value>,
    stream_ids: Vec<String>,
    error: Option<String>,
    number: i64,
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z\"\\\\\u{e9}]{0,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    (
        (1..=9_i64).prop_map(MessageType::from),
        prop::collection::vec((".{1,4}", ".{1,4}"), 0..3),
        ".{1,6}",
        ".{1,6}",
        prop::collection::vec(value(), 1..7),
        prop::collection::vec(".{1,4}", 0..3),
        prop::option::of(".{1,8}"),
        any::<i64>(),
    )
        .prop_map(
            |(message_type, headers, id, target, values, stream_ids, error, number)| Sample {
                message_type,
                headers,
                id,
                target,
                values,
                stream_ids,
                error,
                number,
            },
        )
}

fn encoding() -> impl Strategy<Value = Encoding> {
    prop_oneof![Just(Encoding::Json), Just(Encoding::MessagePack)]
}

impl Sample {
    /// The frame, and whether reading it gave the message it was made from.
    fn frame(&self, encoding: Encoding) -> (Vec<u8>, bool) {
        let values: Vec<Vec<u8>> = self
            .values
            .iter()
            .map(|value| encode(encoding, value))
            .collect();
        let message = self.message(encoding, &values);
        let mut frame = Vec::new();
        write::message(encoding, &mut frame, &message).unwrap();
        let same = parse(encoding, &frame).as_ref() == Ok(&message);
        (frame, same)
    }

    fn message<'a>(&'a self, encoding: Encoding, values: &'a [Vec<u8>]) -> Message<'a> {
        let pairs = self
            .headers
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let headers: Headers<'_> = pairs.collect();
        let invocation_id = self.id.as_str().into();
        let target = self.target.as_str().into();
        let mut arguments = Arguments::new(encoding);
        values.iter().for_each(|value| arguments.push(value));
        let stream_ids = self
            .stream_ids
            .iter()
            .map(|id| id.as_str().into())
            .collect();
        let first = Ok(Raw::new(encoding, &values[0]));
        let error = self.error.as_deref().map(Into::into);
        match self.message_type {
            MessageType::Invocation => Message::Invocation(Invocation {
                headers,
                invocation_id: (self.number % 2 == 0).then_some(invocation_id),
                target,
                arguments: Ok(arguments),
                stream_ids,
            }),
            MessageType::StreamInvocation => Message::StreamInvocation(StreamInvocation {
                headers,
                invocation_id,
                target,
                arguments: Ok(arguments),
                stream_ids,
            }),
            MessageType::StreamItem => Message::StreamItem(StreamItem {
                headers,
                invocation_id,
                item: first,
            }),
            MessageType::Completion => {
                let outcome = match error {
                    Some(error) => Outcome::Error(error),
                    None if self.number % 2 == 0 => Outcome::Void,
                    None => Outcome::Result(first),
                };
                Message::Completion(Completion {
                    headers,
                    invocation_id,
                    outcome,
                })
            }
            MessageType::CancelInvocation => Message::CancelInvocation(CancelInvocation {
                headers,
                invocation_id,
            }),
            MessageType::Ping => Message::Ping,
            MessageType::Close => Message::Close(Close {
                error,
                allow_reconnect: self.number % 2 == 0,
            }),
            MessageType::Ack => Message::Ack(self.number),
            MessageType::Sequence => Message::Sequence(self.number),
            MessageType::Unknown(number) => Message::Unknown(number),
        }
    }
}

fn encode(encoding: Encoding, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match encoding {
        Encoding::Json => out = serde_json::to_vec(value).unwrap(),
        Encoding::MessagePack => messagepack(&mut Writer::new(&mut out), value),
    }
    out
}

fn messagepack(writer: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Null => writer.nil(),
        Value::Bool(value) => writer.bool(*value),
        Value::Number(number) => writer.i64(number.as_i64().unwrap()),
        Value::String(text) => writer.str(text),
        Value::Array(values) => {
            writer.array_len(values.len());
            values.iter().for_each(|value| messagepack(writer, value));
        }
        Value::Object(entries) => {
            writer.map_len(entries.len());
            for (key, value) in entries {
                writer.str(key);
                messagepack(writer, value);
            }
        }
    }
}

/// Pieces of JSON, whole and broken.
const TOKENS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"a\"",
    "\"a\":",
    "\"\\n\\u00e9\"",
    "\"\\x\"",
    "\"",
    "\\",
    " ",
    "\n",
    "\u{1}",
    "\"\u{1f}\"",
    "\" \"",
    "0",
    "12",
    "-",
    ".5",
    "e+1",
    "E",
    "true",
    "null",
    "nul",
    "false",
    "[]",
    "{}",
    "[1,2]",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn message_survives(sample in sample(), encoding in encoding()) {
        let (frame, same) = sample.frame(encoding);
        prop_assert!(same, "{}", String::from_utf8_lossy(&frame));
        prop_assert_eq!(scan(encoding, &frame), Ok(sample.message_type));
        if matches!(sample.message_type, MessageType::Ack | MessageType::Sequence) {
            prop_assert_eq!(sequence_id(encoding, &frame), Ok(sample.number));
        }
    }

    #[test]
    fn keys_may_come_in_any_order(sample in sample(), seed in any::<usize>()) {
        let (frame, _) = sample.frame(Encoding::Json);
        let record = frame.strip_suffix(b"\x1e").unwrap();
        let Value::Object(fields) = serde_json::from_slice(record).unwrap() else {
            panic!("not an object");
        };
        let mut keys: Vec<_> = fields.keys().collect();
        let count = keys.len();
        keys.rotate_left(seed % count);
        keys.swap(0, seed % count);
        let pairs = keys.iter().map(|key| format!("{} : {}", Value::from(key.as_str()), fields[*key]));
        let shuffled = format!("{{ {} }}", pairs.collect::<Vec<_>>().join(" ,\n"));
        let message = parse(Encoding::Json, shuffled.as_bytes()).unwrap();
        prop_assert_eq!(message.message_type(), sample.message_type);
        prop_assert_eq!(scan(Encoding::Json, shuffled.as_bytes()), Ok(sample.message_type));
    }

    #[test]
    fn any_split_gives_the_same_frames(
        samples in prop::collection::vec(sample(), 1..5),
        encoding in encoding(),
        sizes in prop::collection::vec(1..40_usize, 1..20),
    ) {
        let frames: Vec<_> = samples.iter().map(|sample| sample.frame(encoding).0).collect();
        let stream = frames.concat();
        let mut deframer = Deframer::new(encoding, usize::MAX);
        let mut found = Vec::new();
        let mut rest = &*stream;
        for size in sizes.iter().cycle() {
            let (mut piece, after) = rest.split_at((*size).min(rest.len()));
            rest = after;
            while let Some(frame) = deframer.next_frame(&mut piece).unwrap() {
                found.push(frame.into_owned());
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, frames);
        prop_assert!(!deframer.is_mid_message());
    }

    #[test]
    fn truncated_message_is_incomplete_and_no_message(sample in sample(), encoding in encoding()) {
        let (frame, _) = sample.frame(encoding);
        for cut in 0..frame.len() {
            let mut deframer = Deframer::new(encoding, usize::MAX);
            prop_assert_eq!(deframer.next_frame(&mut &frame[..cut]), Ok(None));
            // A JSON object is whole without its separator, too.
            if encoding == Encoding::MessagePack || cut + 1 < frame.len() {
                prop_assert!(parse(encoding, &frame[..cut]).is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn mangled_message_never_panics(
        sample in sample(),
        encoding in encoding(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (mut frame, _) = sample.frame(encoding);
        let at = at.index(frame.len());
        frame[at] = byte;
        read_everything(&frame);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&bytes);
    }

    #[test]
    fn random_json_tokens_never_panic(text in "([\\[\\]{}:,\"\\\\ a1-]|\"type\"|null|true|\\\\u){0,40}") {
        read_everything(text.as_bytes());
    }

    #[test]
    fn what_is_json_is_judged_as_by_another_parser(tokens in prop::collection::vec(
        prop::sample::select(TOKENS),
        0..14,
    )) {
        let text = format!("{{\"type\":6,\"x\":{}}}", tokens.concat());
        let ours = parse(Encoding::Json, text.as_bytes()).is_ok();
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<IgnoredAny>();
        prop_assert_eq!(ours, values.next().is_some_and(|value| value.is_ok()), "{}", text);
    }

    #[test]
    fn event_survives(lines in prop::collection::vec("[^\n\r]{0,12}", 1..5), size in 1..30_usize) {
        let payload = lines.join("\n");
        let mut stream = sse::OPENING.to_vec();
        sse::write_event(&mut stream, payload.as_bytes());
        sse::write_event(&mut stream, b"next");
        let mut parser = EventParser::new(1000);
        let mut events = Vec::new();
        for mut piece in stream.chunks(size) {
            while let Some(event) = parser.next_event(&mut piece).unwrap() {
                events.push(event);
            }
        }
        prop_assert_eq!(events, [payload.as_bytes(), b"next"]);
    }
}

/// Hands the same bytes to every reader there is.
fn read_everything(bytes: &[u8]) {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let _ = scan(encoding, bytes);
        let _ = sequence_id(encoding, bytes);
        if let Ok(message) = parse(encoding, bytes) {
            let mut out = Vec::new();
            let _ = write::message(encoding, &mut out, &message);
            if let Message::Invocation(call) = &message {
                for argument in call.arguments.iter().flat_map(Arguments::iter) {
                    let _ = argument.decode::<Value>();
                }
            }
        }
        let mut deframer = Deframer::new(encoding, 100);
        for mut piece in bytes.chunks(7) {
            while let Ok(Some(_)) = deframer.next_frame(&mut piece) {}
        }
    }
    let _ = HandshakeRequest::parse(bytes);
    let _ = HandshakeResponse::parse(bytes);
    let _ = parse_answer(bytes);
    let mut parser = EventParser::new(100);
    let mut rest = bytes;
    while let Ok(Some(_)) = parser.next_event(&mut rest) {}
}
