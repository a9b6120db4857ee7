use proptest::prelude::*;

use super::super::{DecodeError, Decoded, Message, decode, encode};
use super::arbitrary::{message, seeds};
use crate::wire::{Deframer, ReadError, Writer};

/// The frame of a message, without its prefix.
fn frame(message: &Message<'_>) -> Vec<u8> {
    let mut framed = Vec::new();
    encode(message, &mut framed);
    let mut input = framed.as_slice();
    let mut deframer = Deframer::new(Deframer::DEFAULT_MAX_MESSAGE_BYTES);
    let frame = deframer.next_message(&mut input).unwrap().unwrap().to_vec();
    assert!(input.is_empty());
    frame
}

proptest! {
    #[test]
    fn every_message_survives(number in 1_u8..=43, seed in seeds()) {
        let message = message(number, &seed);
        prop_assert_eq!(message.number(), number);
        let frame = frame(&message);
        let decoded = decode(&frame);
        prop_assert!(decoded == Ok(Decoded::Message(message)), "{:?}", decoded);
    }

    #[test]
    fn every_truncation_is_an_error(number in 1_u8..=43, seed in seeds(), cut in any::<prop::sample::Index>()) {
        let frame = frame(&message(number, &seed));
        prop_assert!(decode(&frame[..cut.index(frame.len())]).is_err());
    }

    #[test]
    fn changed_bytes_never_panic(
        number in 1_u8..=43,
        seed in seeds(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut frame = frame(&message(number, &seed));
        let length = frame.len();
        for (at, byte) in changes {
            frame[at.index(length)] = byte;
        }
        if let Ok(Decoded::Message(message)) = decode(&frame) {
            encode(&message, &mut Vec::new());
        }
    }

    #[test]
    fn random_bytes_never_panic(
        number in 0_u8..50,
        elements in 0_u8..16,
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut frame = vec![0x90 | elements, number];
        frame.extend(rest);
        drop(decode(&frame));
        drop(decode(&frame[2..]));
    }

    #[test]
    fn surplus_elements_are_ignored(number in 1_u8..=43, seed in seeds()) {
        let message = message(number, &seed);
        // Pings take any number of elements, and acks have a shorter current form.
        prop_assume!(!matches!(message, Message::Ping { .. } | Message::Ack { .. }));
        let mut frame = frame(&message);
        frame[0] += 2;
        frame.extend([0x81, 1, 2, 0xc0]);
        prop_assert!(decode(&frame) == Ok(Decoded::Message(message)));
    }

    #[test]
    fn any_split_of_a_stream_yields_the_same_messages(
        numbers in prop::collection::vec(1_u8..=43, 1..6),
        seed in seeds(),
        piece in 1_usize..600,
    ) {
        let messages: Vec<_> = numbers.iter().map(|number| message(*number, &seed)).collect();
        let mut stream = Vec::new();
        messages.iter().for_each(|message| encode(message, &mut stream));
        let mut deframer = Deframer::new(Deframer::DEFAULT_MAX_MESSAGE_BYTES);
        let mut expected = messages.into_iter();
        for mut input in stream.chunks(piece) {
            while let Some(frame) = deframer.next_message(&mut input).unwrap() {
                prop_assert!(decode(frame).ok() == expected.next().map(Decoded::Message));
            }
        }
        prop_assert!(expected.next().is_none());
    }
}

#[test]
fn unknown_types_are_told_apart_from_broken_ones() {
    assert_eq!(decode(&[0x92, 0x63, 0xc1]), Ok(Decoded::Unknown(99)));
    assert_eq!(decode(&[0x91, 0xff]), Ok(Decoded::Unknown(-1)));
    assert_eq!(decode(&[0x91, 0]), Ok(Decoded::Unknown(0)));
    assert_eq!(decode(&[0x91, 44]), Ok(Decoded::Unknown(44)));
    assert!(matches!(decode(&[]), Err(DecodeError::Type(_))));
    assert!(matches!(decode(&[0x90]), Err(DecodeError::Type(_))));
    assert!(matches!(decode(&[0x91, 0xa0]), Err(DecodeError::Type(_))));
}

#[test]
fn form_shorter_than_any_sdk_wrote_is_an_error() {
    let error = decode(&[0x92, 6, 0xa0]).unwrap_err();
    assert_eq!(
        error,
        DecodeError::TooShort {
            message: "ConnectionData",
            elements: 2,
            min: 3
        }
    );
    assert_eq!(
        error.to_string(),
        "ConnectionData of 2 elements, at least 3 are needed"
    );
}

#[test]
fn errors_name_the_element_and_the_cause() {
    let error = decode(&[0x93, 6, 0xa0, 0xa0]).unwrap_err();
    assert_eq!(error.to_string(), "malformed payload in ConnectionData");
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "expected a byte string, found a string");
}

#[test]
fn ids_and_groups_must_not_be_nil() {
    assert!(decode(&[0x93, 11, 0xc0, 0xa1, b'g']).is_err());
    assert!(decode(&[0x93, 11, 0xa1, b'c', 0xc0]).is_err());
}

#[test]
fn deep_nesting_in_an_unknown_extension_is_an_error() {
    let mut frame = vec![0x94, 6, 0xa0, 0xc4, 0, 0x81, 99];
    frame.resize(frame.len() + 100_000, 0x91);
    frame.push(0xc0);
    assert!(matches!(
        decode(&frame),
        Err(DecodeError::Field {
            source: ReadError::TooDeep { .. },
            ..
        })
    ));
}

#[test]
fn huge_declared_lengths_are_refused_at_the_header() {
    for header in [
        [0xdd, 0xff, 0xff, 0xff, 0xff],
        [0xdf, 0xff, 0xff, 0xff, 0xff],
        [0xdb, 0xff, 0xff, 0xff, 0xff],
        [0xc6, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(decode(&header).is_err());
        for number in 1..=43 {
            let mut frame = Vec::new();
            Writer::new(&mut frame).array_len(8);
            frame.push(number);
            frame.extend(header);
            frame.extend([0xa0; 16]);
            assert!(decode(&frame).is_err(), "type {number}");
        }
    }
}

#[test]
fn debug_output_shows_no_content() {
    let message = Message::AccessKeyRequest {
        token: "secret",
        key_id: None,
    };
    assert_eq!(format!("{message:?}"), "AccessKeyRequest { .. }");
}
