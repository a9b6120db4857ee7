//! The two families of clients and servers, which understand nothing of each other.

/// Whose protocol somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// ASP.NET Core SignalR.
    Core,
    /// ASP.NET SignalR 1.x and 2.x.
    Legacy,
}

impl World {
    /// Both, the newer first.
    pub const ALL: [Self; 2] = [Self::Core, Self::Legacy];

    /// The family's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "ASP.NET Core SignalR",
            Self::Legacy => "ASP.NET SignalR 1.x and 2.x",
        }
    }
}
