//! Groups, and what each client knows of its own groups.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::Client;
use crate::client::ByAddress;

/// Whether a join or leave found its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Done, or already so.
    Ok,
    /// The connection is not here.
    NotFound,
}

/// By whose wish a client is in a group; a client leaves when no wish is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The connection itself was added.
    Connection = 1,
    /// Its user was added.
    User = 2,
}

/// What came of a wish to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    Now,
    Already,
    /// The client is gone.
    Gone,
}

/// The members of one group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: Box<str>,
    pub(crate) members: RwLock<HashSet<ByAddress>>,
}

/// The groups of one client, so that it can leave them all.
#[derive(Debug, Default)]
pub(crate) struct Memberships {
    gone: bool,
    groups: Vec<(Arc<Group>, u8)>,
}

impl Memberships {
    /// Records a wish and joins the group.
    pub(crate) fn join(&mut self, client: &Arc<Client>, group: &Arc<Group>, wish: Wish) -> Entered {
        if self.gone {
            return Entered::Gone;
        }
        match self
            .groups
            .iter_mut()
            .find(|(known, _)| Arc::ptr_eq(known, group))
        {
            Some((_, wishes)) => {
                *wishes |= wish as u8;
                Entered::Already
            }
            None => {
                self.groups.push((Arc::clone(group), wish as u8));
                group.members.write().insert(ByAddress(Arc::clone(client)));
                Entered::Now
            }
        }
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<Box<str>> {
        self.groups
            .iter()
            .map(|(group, _)| group.name.clone())
            .collect()
    }

    /// Withdraws a wish from one group, or from all when `group` is `None`. Returns the groups
    /// that the client has left.
    pub(crate) fn leave(
        &mut self,
        client: &Arc<Client>,
        group: Option<&str>,
        wish: Wish,
    ) -> Vec<Arc<Group>> {
        let mut left = Vec::new();
        self.groups.retain_mut(|(known, wishes)| {
            if group.is_none_or(|name| *known.name == *name) {
                *wishes &= !(wish as u8);
            }
            let stays = *wishes != 0;
            if !stays {
                known.members.write().remove(&ByAddress(Arc::clone(client)));
                left.push(Arc::clone(known));
            }
            stays
        });
        left
    }

    /// Leaves everything for good.
    pub(crate) fn leave_for_good(&mut self, client: &Arc<Client>) -> Vec<Arc<Group>> {
        self.gone = true;
        let groups = std::mem::take(&mut self.groups);
        let me = ByAddress(Arc::clone(client));
        groups
            .into_iter()
            .map(|(group, _)| {
                group.members.write().remove(&me);
                group
            })
            .collect()
    }
}
