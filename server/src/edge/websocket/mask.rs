//! Unmasking of client frames (RFC 6455, section 5.3).

/// Unmasks `bytes` in place. `mask` is the key as it applies to the first of them; on return it is
/// the key as it applies to the byte that follows, so that a payload can come in any pieces.
pub(super) fn unmask(bytes: &mut [u8], mask: &mut [u8; 4]) {
    let [a, b, c, d] = *mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    // The chunks before were whole multiples of the key, so the tail starts at its first byte.
    let tail = chunks.into_remainder();
    for (byte, key) in tail.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    mask.rotate_left(tail.len() % 4);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::unmask;

    proptest! {
        #[test]
        fn unmasking_in_pieces_equals_the_definition(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            mask: [u8; 4],
            cuts in prop::collection::vec(0usize..200, 0..6),
        ) {
            let expected: Vec<u8> = bytes.iter().enumerate().map(|(i, b)| b ^ mask[i % 4]).collect();

            let mut actual = bytes;
            let mut key = mask;
            let mut rest = actual.as_mut_slice();
            for cut in cuts {
                let (piece, after) = rest.split_at_mut(cut.min(rest.len()));
                unmask(piece, &mut key);
                rest = after;
            }
            unmask(rest, &mut key);
            prop_assert_eq!(actual, expected);
        }
    }
}
