use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 1 << 20;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An event with the borders of pieces taken out.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Message(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    Error(ReadError),
}

/// A client frame whose first byte is given.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(len @ ..=125), _) => bytes.push(0x80 | len),
        (_, Ok(len)) => {
            bytes.push(0x80 | 126);
            bytes.extend(len.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// Reads pieces that end at the cuts, and checks what holds for every sequence of events.
fn read(bytes: &[u8], cuts: &[usize]) -> Vec<Seen> {
    let mut reader = Reader::new(LIMIT);
    let mut seen = Vec::new();
    let mut message = None;
    let mut begin = 0;
    let mut ends = cuts.to_vec();
    ends.push(bytes.len());
    ends.sort_unstable();
    for end in ends {
        let end = end.clamp(begin, bytes.len());
        let mut piece = bytes[begin..end].to_vec();
        let mut input = piece.as_mut_slice();
        begin = end;
        loop {
            let event = match reader.next_event(&mut input) {
                Ok(None) => break,
                Ok(Some(event)) => event,
                Err(error) => {
                    seen.push(Seen::Error(error));
                    continue;
                }
            };
            seen.push(match event {
                Event::Data(Fragment {
                    bytes,
                    kind,
                    first,
                    last,
                }) => {
                    assert_eq!(first, message.is_none(), "first is said once");
                    let (_, payload) = message.get_or_insert((kind, Vec::new()));
                    payload.extend_from_slice(bytes);
                    if !last {
                        continue;
                    }
                    let (kind, payload) = message.take().unwrap();
                    Seen::Message(kind, payload)
                }
                Event::Ping(payload) => Seen::Ping(payload.to_vec()),
                Event::Pong(payload) => Seen::Pong(payload.to_vec()),
                Event::Close { code, reason } => Seen::Close(code.0, reason.to_owned()),
            });
        }
        assert!(input.is_empty(), "all input is used");
    }
    seen
}

fn read_whole(bytes: &[u8]) -> Vec<Seen> {
    read(bytes, &[])
}

fn read_bytewise(bytes: &[u8]) -> Vec<Seen> {
    read(bytes, &(0..bytes.len()).collect::<Vec<_>>())
}

fn fails_with(bytes: &[u8], error: ReadError) {
    assert_eq!(read_whole(bytes), [Seen::Error(error)]);
    assert_eq!(read_bytewise(bytes), [Seen::Error(error)]);
}

fn text(text: &str) -> Seen {
    Seen::Message(MessageKind::Text, text.into())
}

#[test]
fn the_frames_of_the_rfc_are_read() {
    let hello = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(read_whole(&hello), [text("Hello")]);
    let pong = [
        0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(read_whole(&pong), [Seen::Pong(b"Hello".to_vec())]);
}

#[test]
fn data_is_passed_on_before_its_frame_is_complete() {
    let mut bytes = frame(0x82, &[9; 1000]);
    let mut reader = Reader::new(LIMIT);
    let mut input = &mut bytes[..100];
    let event = reader.next_event(&mut input).unwrap();
    let fragment = Fragment {
        bytes: &[9; 92],
        kind: MessageKind::Binary,
        first: true,
        last: false,
    };
    assert_eq!(event, Some(Event::Data(fragment)));
    assert_eq!(reader.next_event(&mut input), Ok(None));
}

#[test]
fn every_form_of_length_is_read() {
    for len in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
        let payload = vec![b'x'; len];
        let expected = [Seen::Message(MessageKind::Binary, payload.clone())];
        assert_eq!(read_whole(&frame(0x82, &payload)), expected, "{len} bytes");
    }
}

#[test]
fn control_frames_come_between_fragments() {
    let bytes = [
        frame(0x01, b"a"),
        frame(0x89, b"?"),
        frame(0x00, b""),
        frame(0x80, b"b"),
    ]
    .concat();
    let expected = [Seen::Ping(b"?".to_vec()), text("ab")];
    assert_eq!(read_whole(&bytes), expected);
    assert_eq!(read_bytewise(&bytes), expected);
}

#[test]
fn an_empty_last_fragment_ends_the_message() {
    let bytes = [frame(0x01, b""), frame(0x80, b""), frame(0x81, b"")].concat();
    assert_eq!(read_whole(&bytes), [text(""), text("")]);
}

#[test]
fn a_collected_control_frame_is_let_go() {
    let mut bytes = frame(0x89, b"are you there");
    let mut reader = Reader::new(LIMIT);
    let (mut front, mut back) = bytes.split_at_mut(10);
    assert_eq!(reader.next_event(&mut front), Ok(None));
    assert!(reader.control.is_some());
    assert_eq!(
        reader.next_event(&mut back),
        Ok(Some(Event::Ping(b"are you there")))
    );
    assert_eq!(reader.next_event(&mut back), Ok(None));
    assert!(reader.control.is_none());
}

#[test]
fn nothing_is_said_after_a_close_frame() {
    let bytes = [frame(0x88, b"\x03\xe8bye"), frame(0x81, b"more")].concat();
    assert_eq!(read_whole(&bytes), [Seen::Close(1000, "bye".into())]);
    assert_eq!(read_bytewise(&bytes), [Seen::Close(1000, "bye".into())]);
}

#[test]
fn a_close_frame_may_be_empty() {
    assert_eq!(
        read_whole(&frame(0x88, b"")),
        [Seen::Close(1005, String::new())]
    );
}

#[test]
fn a_close_frame_needs_a_whole_code_that_may_be_sent() {
    fails_with(&frame(0x88, b"\x03"), ReadError::BadClose);
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        fails_with(&frame(0x88, &code.to_be_bytes()), ReadError::BadClose);
    }
    for code in [1000u16, 1003, 1007, 1011, 1014, 3000, 4999] {
        let seen = read_whole(&frame(0x88, &code.to_be_bytes()));
        assert_eq!(seen, [Seen::Close(code, String::new())]);
    }
}

#[test]
fn a_close_reason_is_utf8() {
    fails_with(&frame(0x88, b"\x03\xe8\xff"), ReadError::NotUtf8);
    fails_with(&frame(0x88, b"\x03\xe8\xe2\x82"), ReadError::NotUtf8);
}

#[test]
fn a_frame_without_a_mask_is_refused() {
    fails_with(b"\x81\x05Hello", ReadError::Unmasked);
    fails_with(b"\x81\x00", ReadError::Unmasked);
}

#[test]
fn reserved_bits_and_opcodes_are_refused() {
    for bit in [0x40, 0x20, 0x10] {
        fails_with(&frame(0x81 | bit, b""), ReadError::ReservedBits);
    }
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        fails_with(&frame(0x80 | opcode, b""), ReadError::UnknownOpcode(opcode));
    }
}

#[test]
fn a_control_frame_is_whole_and_short() {
    for opcode in [0x8, 0x9, 0xa] {
        fails_with(&frame(opcode, b""), ReadError::BadControlFrame);
        fails_with(&frame(0x80 | opcode, &[0; 126]), ReadError::BadControlFrame);
    }
}

#[test]
fn fragments_keep_their_order() {
    fails_with(&frame(0x80, b"x"), ReadError::BadFragment);
    fails_with(
        &[frame(0x01, b"x"), frame(0x81, b"y")].concat(),
        ReadError::BadFragment,
    );
    fails_with(
        &[frame(0x02, b"x"), frame(0x01, b"y")].concat(),
        ReadError::BadFragment,
    );
}

#[test]
fn a_frame_over_the_limit_is_refused_by_its_header() {
    let header = |len: u64| [&[0x82, 0xff], &len.to_be_bytes()[..], &MASK].concat();
    assert_eq!(read_whole(&header(LIMIT)), []);
    fails_with(&header(LIMIT + 1), ReadError::TooLong(LIMIT + 1));

    let mut unlimited = Reader::new(u64::MAX);
    let mut bytes = header(1 << 63);
    let error = unlimited.next_event(&mut bytes.as_mut_slice());
    assert_eq!(error, Err(ReadError::TooLong(1 << 63)));
}

#[test]
fn text_that_is_not_utf8_is_refused_at_its_first_wrong_byte() {
    fails_with(&frame(0x81, b"\xce\xba\xed\xa0\x80"), ReadError::NotUtf8);
    // The frame is neither complete nor final.
    fails_with(
        &frame(0x01, b"ok \xf4\x90 and more")[..11],
        ReadError::NotUtf8,
    );
}

#[test]
fn text_that_ends_inside_a_character_is_refused() {
    fails_with(&frame(0x81, b"\xe2\x82"), ReadError::NotUtf8);
    fails_with(
        &[frame(0x01, b"\xe2"), frame(0x00, b"\x82"), frame(0x80, b"")].concat(),
        ReadError::NotUtf8,
    );
}

#[test]
fn a_character_may_span_fragments_and_a_ping() {
    let bytes = [
        frame(0x01, b"\xe2\x82"),
        frame(0x89, b"\xff"),
        frame(0x80, b"\xac"),
        frame(0x81, b"a"),
    ]
    .concat();
    assert_eq!(
        read_bytewise(&bytes),
        [Seen::Ping(vec![0xff]), text("€"), text("a")]
    );
}

#[test]
fn each_error_has_its_close_code() {
    assert_eq!(
        ReadError::BadFragment.close_code(),
        CloseCode::PROTOCOL_ERROR
    );
    assert_eq!(ReadError::NotUtf8.close_code(), CloseCode::INVALID_PAYLOAD);
    assert_eq!(ReadError::TooLong(1).close_code(), CloseCode::TOO_BIG);
}

#[test]
fn an_idle_reader_is_small() {
    let size = size_of::<Reader>();
    println!("Reader: {size} bytes");
    assert!(size <= 40);
}

fn message() -> impl Strategy<Value = (Vec<u8>, Vec<Seen>)> {
    let fragments = prop::collection::vec((".{0,40}", any::<bool>()), 1..4);
    (fragments, any::<bool>(), 0usize..20, "[a-zé]{0,60}").prop_map(
        |(fragments, is_text, repeat, ping)| {
            let last = fragments.len() - 1;
            let kind = if is_text {
                MessageKind::Text
            } else {
                MessageKind::Binary
            };
            let (mut bytes, mut seen, mut whole) = (Vec::new(), Vec::new(), Vec::new());
            for (index, (part, pinged)) in fragments.iter().enumerate() {
                let part = part.repeat(repeat);
                let opcode = if index == 0 {
                    Opcode::from(kind).bits()
                } else {
                    0
                };
                let end = if index == last { 0x80 } else { 0 };
                bytes.extend(frame(end | opcode, part.as_bytes()));
                whole.extend_from_slice(part.as_bytes());
                if *pinged && index < last {
                    bytes.extend(frame(0x89, ping.as_bytes()));
                    seen.push(Seen::Ping(ping.clone().into_bytes()));
                }
            }
            seen.push(Seen::Message(kind, whole));
            (bytes, seen)
        },
    )
}

/// Frames that are mostly right.
fn careless_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81u8, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a, 0x88]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        ".{0,30}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..150),
        Just(b"\x03\xe8".to_vec()),
    ];
    (first, payload).prop_map(|(first, payload)| frame(first, &payload))
}

proptest! {
    #[test]
    fn messages_are_read_in_any_pieces(
        messages in prop::collection::vec(message(), 0..4),
        cuts in prop::collection::vec(0usize..4000, 0..12),
    ) {
        let bytes = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect::<Vec<_>>();
        let expected = messages.into_iter().flat_map(|(_, seen)| seen).collect::<Vec<_>>();
        prop_assert_eq!(read(&bytes, &cuts), expected);
    }

    #[test]
    fn any_pieces_of_any_frames_give_the_same_events(
        frames in prop::collection::vec(careless_frame(), 0..6),
        cuts in prop::collection::vec(0usize..600, 0..12),
        missing in 0usize..20,
    ) {
        let bytes = frames.concat();
        let bytes = &bytes[..bytes.len().saturating_sub(missing)];
        let whole = read_whole(bytes);
        prop_assert_eq!(&read(bytes, &cuts), &whole);
        prop_assert_eq!(&read_bytewise(bytes), &whole);
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        cuts in prop::collection::vec(0usize..400, 0..8),
    ) {
        prop_assert_eq!(read(&bytes, &cuts), read_whole(&bytes));
    }
}
