use proptest::prelude::*;

use super::*;

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out));
    out
}

/// Every kind of value, nested a little, as encoded bytes.
fn any_value() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(vec![0xc0]),
        any::<bool>().prop_map(|v| written(|w| w.bool(v))),
        any::<i64>().prop_map(|v| written(|w| w.i64(v))),
        any::<u64>().prop_map(|v| written(|w| w.u64(v))),
        any::<f64>().prop_map(|v| written(|w| w.f64(v))),
        ".{0,40}".prop_map(|v| written(|w| w.str(&v))),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|v| written(|w| w.bin(&v))),
        (any::<i8>(), prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(kind, v)| written(|w| w.ext(kind, &v))),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(|items| written(|w| {
                w.array_len(items.len());
                items.iter().for_each(|item| w.raw_value(item));
            })),
            prop::collection::vec((inner.clone(), inner), 0..20).prop_map(|items| written(|w| {
                w.map_len(items.len());
                for (key, value) in &items {
                    w.raw_value(key);
                    w.raw_value(value);
                }
            })),
        ]
    })
}

/// Calls every reading function on the same bytes.
fn read_in_every_way(bytes: &[u8]) {
    let ways: [fn(&mut Reader<'_>) -> bool; 12] = [
        |r| r.array_len().is_ok(),
        |r| r.map_len().is_ok(),
        |r| r.i64().is_ok(),
        |r| r.u64().is_ok(),
        |r| r.i32().is_ok(),
        |r| r.bool().is_ok(),
        |r| r.f64().is_ok(),
        |r| r.str().is_ok(),
        |r| r.str_or_nil().is_ok(),
        |r| r.bin().is_ok(),
        |r| r.ext().is_ok(),
        |r| r.raw_value().is_ok(),
    ];
    for way in ways {
        let mut reader = Reader::new(bytes);
        let read = way(&mut reader);
        assert!(reader.position() <= bytes.len());
        assert!(!read || reader.position() > 0);
    }
}

proptest! {
    #[test]
    fn whole_value_is_skipped_and_every_truncation_is_an_error(value in any_value()) {
        let mut longer = value.clone();
        longer.push(0xc1);
        let mut reader = Reader::new(&longer);
        prop_assert_eq!(reader.raw_value(), Ok(value.as_slice()));
        prop_assert_eq!(reader.remaining(), [0xc1].as_slice());
        for cut in 0..value.len().min(200) {
            prop_assert!(Reader::new(&value[..cut]).skip().is_err());
        }
    }

    #[test]
    fn integers_survive(value in any::<i64>(), shift in 0_u32..64) {
        let value = value >> shift;
        let bytes = written(|w| w.i64(value));
        prop_assert_eq!(Reader::new(&bytes).i64(), Ok(value));
    }

    #[test]
    fn unsigned_integers_survive(value in any::<u64>(), shift in 0_u32..64) {
        let value = value >> shift;
        let bytes = written(|w| w.u64(value));
        prop_assert_eq!(Reader::new(&bytes).u64(), Ok(value));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_in_every_way(&bytes);
    }
}

#[test]
fn lengths_take_their_shortest_form() {
    for (length, head) in [
        (0, 1),
        (31, 1),
        (32, 2),
        (255, 2),
        (256, 3),
        (65_535, 3),
        (65_536, 5),
    ] {
        let text = "x".repeat(length);
        let bytes = written(|w| w.str(&text));
        assert_eq!(bytes.len(), head + length);
        assert_eq!(Reader::new(&bytes).str(), Ok(text.as_str()));
    }
    for (length, head) in [(0, 2), (255, 2), (256, 3), (65_536, 5)] {
        let bytes = written(|w| w.bin(&vec![7; length]));
        assert_eq!(bytes.len(), head + length);
        assert_eq!(Reader::new(&bytes).bin().unwrap().len(), length);
    }
    for (length, head) in [(0, 1), (15, 1), (16, 3), (65_535, 3), (65_536, 5)] {
        assert_eq!(written(|w| w.array_len(length)).len(), head);
        assert_eq!(written(|w| w.map_len(length)).len(), head);
    }
}

#[test]
fn integers_take_their_shortest_form() {
    let rows: [(i64, &[u8]); 12] = [
        (0, &[0]),
        (127, &[0x7f]),
        (128, &[0xcc, 0x80]),
        (255, &[0xcc, 0xff]),
        (256, &[0xcd, 1, 0]),
        (65_536, &[0xce, 0, 1, 0, 0]),
        (1 << 32, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
        (-1, &[0xff]),
        (-32, &[0xe0]),
        (-33, &[0xd0, 0xdf]),
        (-129, &[0xd1, 0xff, 0x7f]),
        (-32_769, &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
    ];
    for (value, bytes) in rows {
        assert_eq!(written(|w| w.i64(value)), bytes);
    }
    assert_eq!(written(|w| w.fixed_i32(1)), [0xd2, 0, 0, 0, 1]);
}

#[test]
fn wide_integers_and_floats_are_read_as_what_was_asked_for() {
    assert_eq!(Reader::new(&[0xd3, 0, 0, 0, 0, 0, 0, 0, 5]).i32(), Ok(5));
    assert_eq!(Reader::new(&[0xca, 0x3f, 0x80, 0, 0]).f64(), Ok(1.0));
    assert_eq!(Reader::new(&[0xcc, 200]).f64(), Ok(200.0));
    assert_eq!(
        Reader::new(&[0xff]).u64(),
        Err(ReadError::OutOfRange {
            expected: "an unsigned 64-bit integer"
        })
    );
}

#[test]
fn errors_say_what_was_expected() {
    let error = Reader::new(&[0xc0]).str().unwrap_err();
    assert_eq!(error.to_string(), "expected a string, found nil");
    let error = Reader::new(&[0xa2, 0x41]).str().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a string, found the end of the input"
    );
    let error = Reader::new(&[0xa1, 0xff]).str().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a string, found a string that is not UTF-8"
    );
}

#[test]
fn declared_length_beyond_the_input_is_refused_at_the_header() {
    assert!(
        Reader::new(&[0xdd, 0xff, 0xff, 0xff, 0xff, 0])
            .array_len()
            .is_err()
    );
    assert!(Reader::new(&[0xdf, 0, 0, 0, 2, 0, 0, 0]).map_len().is_err());
    assert!(
        Reader::new(&[0xc6, 0xff, 0xff, 0xff, 0xff, 0])
            .bin()
            .is_err()
    );
    assert!(
        Reader::new(&[0xc9, 0xff, 0xff, 0xff, 0xff, 0])
            .skip()
            .is_err()
    );
}

#[test]
fn nesting_is_followed_to_the_limit_and_no_further() {
    let nested = |depth: usize| {
        let mut bytes = vec![0x91; depth];
        bytes.push(0xc0);
        bytes
    };
    assert_eq!(Reader::new(&nested(MAX_DEPTH)).skip(), Ok(()));
    assert_eq!(
        Reader::new(&nested(MAX_DEPTH + 1)).skip(),
        Err(ReadError::TooDeep {
            expected: "a value"
        })
    );
    assert!(Reader::new(&nested(1_000_000)).skip().is_err());
}
