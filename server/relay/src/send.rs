//! To whom a message goes.

/// The receivers of one message within a hub.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Every connection of the hub.
    All,
    /// These connections; unknown ids are skipped.
    Connections(&'a [&'a str]),
    /// The members of these groups, each connection once.
    Groups(&'a [&'a str]),
    /// Every connection of these users.
    Users(&'a [&'a str]),
}

/// To whom a message goes, and to whom not. With a hub and a `FrameSet` this is all that a node
/// has to know to deliver it.
#[derive(Clone, Copy, Debug)]
pub struct Send<'a> {
    /// The receivers.
    pub target: Target<'a>,
    /// Connections among them that are left out.
    pub except: &'a [&'a str],
    /// Users among them that are left out.
    pub except_users: &'a [&'a str],
}

impl<'a> Send<'a> {
    /// To `target`, with no exceptions.
    #[must_use]
    pub fn to(target: Target<'a>) -> Self {
        Self {
            target,
            except: &[],
            except_users: &[],
        }
    }
}
