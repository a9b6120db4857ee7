//! Validation of text that comes in pieces.

use std::str;

/// Checks a text message piece by piece, and fails at the first byte that cannot be part of any
/// UTF-8 text. Between pieces it holds the start of at most one character.
#[derive(Debug, Clone, Copy)]
pub(super) struct Utf8Check {
    start: [u8; 3],
    len: u8,
}

/// The text is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotUtf8;

impl Utf8Check {
    /// A check at the start of a text.
    pub(super) const fn new() -> Self {
        Self {
            start: [0; 3],
            len: 0,
        }
    }

    /// Takes the next piece of the text.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            piece = rest;
            self.push_inside_character(byte)?;
        }
        let Err(error) = str::from_utf8(piece) else {
            return Ok(());
        };
        if error.error_len().is_some() {
            return Err(NotUtf8);
        }
        for &byte in piece.iter().skip(error.valid_up_to()) {
            self.push_inside_character(byte)?;
        }
        Ok(())
    }

    /// Ends the text.
    pub(super) fn finish(self) -> Result<(), NotUtf8> {
        if self.len > 0 { Err(NotUtf8) } else { Ok(()) }
    }

    fn push_inside_character(&mut self, byte: u8) -> Result<(), NotUtf8> {
        let len = usize::from(self.len);
        let mut character = [0; 4];
        character[..len].copy_from_slice(&self.start[..len]);
        character[len] = byte;
        match str::from_utf8(&character[..=len]) {
            Ok(_) => self.len = 0,
            // Four bytes are a character or an error, so an unfinished one fits the three kept.
            Err(error) if error.error_len().is_none() && len < 3 => {
                self.start[len] = byte;
                self.len += 1;
            }
            Err(_) => return Err(NotUtf8),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NotUtf8, Utf8Check};

    fn check_in_pieces(bytes: &[u8], size: usize) -> Result<(), NotUtf8> {
        let mut check = Utf8Check::new();
        for piece in bytes.chunks(size) {
            check.push(piece)?;
        }
        check.finish()
    }

    #[test]
    fn text_cut_anywhere_is_valid() {
        let text = "κόσμε 😀 a\u{0} \u{10FFFF} é";
        for size in 1..=text.len() {
            assert_eq!(
                check_in_pieces(text.as_bytes(), size),
                Ok(()),
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn a_byte_that_no_text_contains_fails_at_once() {
        let mut check = Utf8Check::new();
        assert_eq!(check.push(b"ok \xf4"), Ok(()));
        assert_eq!(check.push(b"\x90"), Err(NotUtf8));
    }

    #[test]
    fn an_unfinished_character_fails_at_the_end() {
        let mut check = Utf8Check::new();
        assert_eq!(check.push(b"\xe2\x82"), Ok(()));
        assert_eq!(check.finish(), Err(NotUtf8));
    }

    proptest! {
        #[test]
        fn pieces_are_judged_as_the_whole(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), Just(0xf0), Just(0x9f), Just(0x98), Just(0x80), Just(b'a')
            ], 0..12),
            size in 1usize..5,
        ) {
            let whole = std::str::from_utf8(&bytes).is_ok();
            prop_assert_eq!(check_in_pieces(&bytes, size).is_ok(), whole);
        }
    }
}
