//! The short way for the most frequent message.

use super::{DataMessageType, Extensions, Message, encode, fields};
use crate::wire::{Writer, varint};

/// Appends a [`ConnectionData`](Message::ConnectionData) with its length prefix. Nothing is
/// allocated but room in `out`, and the payload is copied once.
pub fn write_connection_data(
    out: &mut Vec<u8>,
    connection_id: &str,
    payload: &[u8],
    data_type: Option<DataMessageType>,
) {
    let (extensions, used) = match data_type.map(|kind| u8::try_from(i32::from(kind))) {
        None => ([0x80, 0, 0], 1),
        Some(Ok(number @ 0..0x80)) => ([0x81, 5, number], 3),
        Some(_) => {
            let extensions = Extensions {
                data_type,
                ..Extensions::default()
            };
            return encode(
                &Message::ConnectionData {
                    connection_id,
                    payload,
                    extensions,
                },
                out,
            );
        }
    };
    let extensions = extensions.get(..used).unwrap_or_default();
    let length = 2
        + fields::str_bytes(connection_id.len())
        + fields::bin_bytes(payload.len())
        + extensions.len();
    out.reserve(varint::MAX_PREFIX_BYTES + length);
    varint::write(out, length);
    let mut w = Writer::new(out);
    w.array_len(4);
    w.u64(6);
    w.str(connection_id);
    w.bin(payload);
    w.raw_value(extensions);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_general_encoder() {
        let kinds = [
            None,
            Some(DataMessageType::Handshake),
            Some(DataMessageType::Unrecognized(-1)),
        ];
        for length in [0, 1, 31, 32, 100, 255, 256, 20_000, 65_535, 65_536] {
            for data_type in kinds {
                let id = "i".repeat(length.min(300));
                let payload = vec![7; length];
                let extensions = Extensions {
                    data_type,
                    ..Extensions::default()
                };
                let message = Message::ConnectionData {
                    connection_id: &id,
                    payload: &payload,
                    extensions,
                };
                let mut expected = vec![1];
                encode(&message, &mut expected);
                let mut out = vec![1];
                write_connection_data(&mut out, &id, &payload, data_type);
                assert!(out == expected, "{length} bytes, {data_type:?}");
            }
        }
    }
}
