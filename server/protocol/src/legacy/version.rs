//! Versions of the protocol (section 2).

use std::fmt;

/// The version of the protocol that a client asked for in `clientProtocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientProtocol {
    asked: Version,
}

/// Two to four numbers. One that is absent is below 0, so that 1.4 comes before 1.4.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version([Option<u32>; 4]);

/// The version of clients that name none.
impl Default for ClientProtocol {
    fn default() -> Self {
        Self::parse(None)
    }
}

impl ClientProtocol {
    /// Reads the query value, decoded. What is absent or no version counts as 1.2, the first one
    /// that clients did not name.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        let asked = text.and_then(Version::parse).unwrap_or(Version::LOWEST);
        Self { asked }
    }

    /// Whether the client ends its start with `/start`, which is when OnConnected runs: from 1.4 on.
    #[must_use]
    pub fn has_start(self) -> bool {
        self.asked >= Version::of(1, 4)
    }

    /// Whether the client stops for good at `"D":1`: below 1.4, when servers said it.
    #[must_use]
    pub fn has_disconnect(self) -> bool {
        !self.has_start()
    }

    /// Whether an `/abort` may be the first half of a reconnect: below 1.4.
    #[must_use]
    pub fn aborts_to_reconnect(self) -> bool {
        !self.has_start()
    }

    /// Whether the client understands redirects and `{"E":…}`: from 2.0 on.
    #[must_use]
    pub fn has_errors(self) -> bool {
        self.asked >= Version::of(2, 0)
    }

    /// Whether the URL of a redirect may have a query: from 2.1 on.
    #[must_use]
    pub fn has_redirect_query(self) -> bool {
        self.asked >= Version::of(2, 1)
    }

    /// The version as the client asked for it, beyond what servers know too.
    #[must_use]
    pub fn asked(self) -> impl fmt::Display {
        self.asked
    }
}

/// The version to echo in `ProtocolVersion`: at least 1.2, at most 2.0, with the client's number of
/// parts.
impl fmt::Display for ClientProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asked.clamp(Version::LOWEST, Version::HIGHEST).fmt(f)
    }
}

impl Version {
    const LOWEST: Self = Self::of(1, 2);
    const HIGHEST: Self = Self::of(2, 0);

    const fn of(major: u32, minor: u32) -> Self {
        Self([Some(major), Some(minor), None, None])
    }

    /// As .NET does it: space and a sign around each number are fine, none may be above 2³¹ - 1.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = [None; 4];
        let mut count = 0;
        for part in text.split('.') {
            let number: i32 = part.trim_ascii().parse().ok()?;
            *numbers.get_mut(count)? = Some(u32::try_from(number).ok()?);
            count += 1;
        }
        (count >= 2).then_some(Self(numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.0.iter().flatten().enumerate() {
            let point = if place == 0 { "" } else { "." };
            write!(f, "{point}{number}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_dotnet_does_it() {
        for (text, asked, echo) in [
            (Some(" 1 .+5"), "1.5", "1.5"),
            (Some("2.0.0.0"), "2.0.0.0", "2.0"),
            (Some("3.7"), "3.7", "2.0"),
            (Some("0.5"), "0.5", "1.2"),
            (Some("1.4.2147483647"), "1.4.2147483647", "1.4.2147483647"),
            (Some("1.4.2147483648"), "1.2", "1.2"),
            (Some("1.-4"), "1.2", "1.2"),
            (Some("1.4."), "1.2", "1.2"),
            (Some("1.2.3.4.5"), "1.2", "1.2"),
            (None, "1.2", "1.2"),
        ] {
            let protocol = ClientProtocol::parse(text);
            assert_eq!(protocol.asked().to_string(), asked, "{text:?}");
            assert_eq!(protocol.to_string(), echo, "{text:?}");
        }
    }

    #[test]
    fn capabilities_begin_with_their_version() {
        let flags = |text| {
            let protocol = ClientProtocol::parse(Some(text));
            assert_ne!(protocol.has_start(), protocol.has_disconnect());
            assert_ne!(protocol.has_start(), protocol.aborts_to_reconnect());
            let errors = protocol.has_errors();
            (protocol.has_start(), errors, protocol.has_redirect_query())
        };
        assert_eq!(flags("1.3.9"), (false, false, false));
        assert_eq!(flags("1.4"), (true, false, false));
        assert_eq!(flags("2.0"), (true, true, false));
        assert_eq!(flags("2.1"), (true, true, true));
    }
}
