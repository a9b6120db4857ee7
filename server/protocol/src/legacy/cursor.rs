//! Where a client stands in the stream of its messages (3.3).

use std::fmt;

/// The place behind a message. Clients give it back as `messageId` and see nothing in it.
///
/// On the wire two hexadecimal numbers, lower case and without padding: `1a2b3c4d-1f`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Who counts: a cursor of another epoch means nothing here.
    pub epoch: u32,
    /// The number of the last message before this place.
    pub number: u64,
}

impl Cursor {
    /// Reads what `Display` wrote; nothing else is a cursor.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, number) = text.split_once('-')?;
        Some(Self {
            epoch: u32::try_from(hexadecimal(epoch, 8)?).ok()?,
            number: hexadecimal(number, 16)?,
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.epoch, self.number)
    }
}

fn hexadecimal(digits: &str, most: usize) -> Option<u64> {
    let is_padded = digits.len() > 1 && digits.starts_with('0');
    if digits.is_empty() || digits.len() > most || is_padded {
        return None;
    }
    digits.bytes().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_else_is_a_cursor() {
        let largest = Cursor {
            epoch: u32::MAX,
            number: u64::MAX,
        };
        assert_eq!(Cursor::parse("ffffffff-ffffffffffffffff"), Some(largest));
        assert_eq!(largest.to_string(), "ffffffff-ffffffffffffffff");
        for text in [
            "",
            "-",
            "1-",
            "-1",
            "1",
            "1-1-1",
            "01-1",
            "1-00",
            "1A-1",
            "+1-1",
            "1-1 ",
            "100000000-1",
            "1-10000000000000000",
            "d-15C1904E-S,0|T,1|U,1",
        ] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
