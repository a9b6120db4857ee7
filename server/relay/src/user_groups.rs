//! Which users are in which groups, connections or not, and until when.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Users in groups: each membership lasts until it is ended or its time is up.
#[derive(Debug, Default)]
pub(crate) struct UserGroups {
    of_user: HashMap<Box<str>, HashMap<Box<str>, Option<Instant>>>,
}

impl UserGroups {
    /// Adds or renews; without `ttl` it has no end.
    pub(crate) fn add(&mut self, user: &str, group: &str, ttl: Option<Duration>, now: Instant) {
        let until = ttl.and_then(|ttl| now.checked_add(ttl));
        self.of_user
            .entry(user.into())
            .or_default()
            .insert(group.into(), until);
    }

    /// Ends one membership, or all of the user's when `group` is `None`.
    pub(crate) fn remove(&mut self, user: &str, group: Option<&str>) {
        let Some(groups) = self.of_user.get_mut(user) else {
            return;
        };
        match group {
            Some(group) => _ = groups.remove(group),
            None => groups.clear(),
        }
        if groups.is_empty() {
            self.of_user.remove(user);
        }
    }

    /// The groups that the user is in.
    pub(crate) fn groups(&self, user: &str, now: Instant) -> Vec<Box<str>> {
        let Some(groups) = self.of_user.get(user) else {
            return Vec::new();
        };
        groups
            .iter()
            .filter(|(_, until)| lasts(**until, now))
            .map(|(g, _)| g.clone())
            .collect()
    }

    pub(crate) fn contains(&self, user: &str, group: &str, now: Instant) -> bool {
        let until = self.of_user.get(user).and_then(|groups| groups.get(group));
        until.is_some_and(|until| lasts(*until, now))
    }

    /// Takes out what has ended by now.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(Box<str>, Box<str>)> {
        let mut ended = Vec::new();
        self.of_user.retain(|user, groups| {
            groups.retain(|group, until| {
                let stays = lasts(*until, now);
                if !stays {
                    ended.push((user.clone(), group.clone()));
                }
                stays
            });
            !groups.is_empty()
        });
        ended
    }
}

fn lasts(until: Option<Instant>, now: Instant) -> bool {
    until.is_none_or(|until| until > now)
}
