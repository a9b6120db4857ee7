//! The time in a [`RefreshAuth`](super::Message::RefreshAuth) (section 8.6).

use crate::wire::{Kind, ReadError, Reader, Writer};

/// The MessagePack extension type of timestamps.
const TIMESTAMP: i8 = -1;

/// Seconds from the year 1, where .NET ticks start, to 1970.
const TICKS_EPOCH_SECONDS: i64 = 62_135_596_800;

/// The last second of the year 9999, which stands for "keep what is set".
const MAX_SECONDS: i64 = 253_402_300_799;

/// A point in time whose form on the wire is not settled: a MessagePack timestamp or .NET ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpireTime<'a> {
    /// A timestamp extension.
    Timestamp {
        /// Seconds since 1970.
        seconds: i64,
        /// Nanoseconds, below 10^9.
        nanoseconds: u32,
    },
    /// UTC ticks of 100 ns since the year 1.
    Ticks(i64),
    /// Some other encoded value.
    Unrecognized(&'a [u8]),
}

impl<'a> ExpireTime<'a> {
    /// The time as whole seconds since 1970; `None` when the time is to be kept or is not
    /// understood.
    #[must_use]
    pub const fn unix_seconds(self) -> Option<i64> {
        let seconds = match self {
            Self::Timestamp { seconds, .. } => seconds,
            Self::Ticks(ticks) => ticks / 10_000_000 - TICKS_EPOCH_SECONDS,
            Self::Unrecognized(_) => return None,
        };
        if seconds < MAX_SECONDS {
            Some(seconds)
        } else {
            None
        }
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        match reader.peek_kind() {
            Some(Kind::Integer) => reader.i64().map(Self::Ticks),
            _ => {
                let raw = reader.raw_value()?;
                Ok(timestamp(raw).unwrap_or(Self::Unrecognized(raw)))
            }
        }
    }

    pub(super) fn write(self, w: &mut Writer<'_>) {
        match self {
            Self::Timestamp {
                seconds,
                nanoseconds,
            } => match (u32::try_from(seconds), u64::try_from(seconds)) {
                (Ok(seconds), _) if nanoseconds == 0 => {
                    w.ext(TIMESTAMP, &seconds.to_be_bytes());
                }
                (_, Ok(seconds)) if seconds < 1 << 34 => {
                    let packed = u64::from(nanoseconds) << 34 | seconds;
                    w.ext(TIMESTAMP, &packed.to_be_bytes());
                }
                _ => {
                    let mut bytes = [0; 12];
                    let (nanoseconds_part, seconds_part) = bytes.split_at_mut(4);
                    nanoseconds_part.copy_from_slice(&nanoseconds.to_be_bytes());
                    seconds_part.copy_from_slice(&seconds.to_be_bytes());
                    w.ext(TIMESTAMP, &bytes);
                }
            },
            Self::Ticks(ticks) => w.i64(ticks),
            Self::Unrecognized(raw) => w.raw_value(raw),
        }
    }
}

impl Default for ExpireTime<'_> {
    fn default() -> Self {
        Self::Timestamp {
            seconds: MAX_SECONDS,
            nanoseconds: 0,
        }
    }
}

fn timestamp(raw: &[u8]) -> Option<ExpireTime<'static>> {
    let (kind, data) = Reader::new(raw).ext().ok()?;
    if kind != TIMESTAMP {
        return None;
    }
    let (seconds, nanoseconds) = match data.len() {
        4 => (i64::from(u32::from_be_bytes(data.try_into().ok()?)), 0),
        8 => {
            let packed = u64::from_be_bytes(data.try_into().ok()?);
            let seconds = i64::try_from(packed & ((1 << 34) - 1)).ok()?;
            (seconds, u32::try_from(packed >> 34).ok()?)
        }
        12 => {
            let (nanoseconds, seconds) = data.split_at(4);
            let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
            (seconds, u32::from_be_bytes(nanoseconds.try_into().ok()?))
        }
        _ => return None,
    };
    (nanoseconds < 1_000_000_000).then_some(ExpireTime::Timestamp {
        seconds,
        nanoseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(bytes: &[u8]) -> ExpireTime<'_> {
        let time = ExpireTime::read(&mut Reader::new(bytes)).unwrap();
        let mut out = Vec::new();
        time.write(&mut Writer::new(&mut out));
        assert_eq!(out, bytes);
        time
    }

    #[test]
    fn timestamps_of_every_width_and_ticks_are_understood() {
        let time = round_trip(&[0xd6, 0xff, 0x6b, 0x49, 0xd2, 0]);
        assert_eq!(time.unix_seconds(), Some(1_800_000_000));
        let time = round_trip(&[0xd7, 0xff, 0, 0, 0, 4, 0x6b, 0x49, 0xd2, 0]);
        assert_eq!(
            time,
            ExpireTime::Timestamp {
                seconds: 1_800_000_000,
                nanoseconds: 1
            }
        );
        // 1970-01-01 in ticks.
        let time = round_trip(&[0xcf, 0x08, 0x9f, 0x7f, 0xf5, 0xf7, 0xb5, 0x80, 0]);
        assert_eq!(time.unix_seconds(), Some(0));
    }

    #[test]
    fn greatest_time_means_keep() {
        let max = [
            0xc7, 12, 0xff, 0x3b, 0x9a, 0xc9, 0x9c, 0, 0, 0, 0x3a, 0xff, 0xf4, 0x41, 0x7f,
        ];
        assert_eq!(round_trip(&max).unix_seconds(), None);
        assert_eq!(ExpireTime::default().unix_seconds(), None);
        assert_eq!(
            ExpireTime::Ticks(3_155_378_975_999_999_999).unix_seconds(),
            None
        );
    }

    #[test]
    fn other_values_are_kept_as_they_are() {
        assert_eq!(
            round_trip(&[0xa1, b'x']),
            ExpireTime::Unrecognized(&[0xa1, b'x'])
        );
        let too_many_nanoseconds = [0xd7, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(round_trip(&too_many_nanoseconds).unix_seconds(), None);
    }
}
