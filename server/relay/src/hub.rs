//! One hub: its connections, users and groups.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use crate::client::{ByAddress, ById};
use crate::membership::{Entered, Group, Wish};
use crate::user_groups::UserGroups;
use crate::{Client, Frame, FrameSet, Joined, Links, Outbox, Send, Target, Transcode};

const SHARDS: usize = 16;

/// One hub. Hub names are not case-sensitive and are kept in lower case; group, user and
/// connection names are case-sensitive.
#[derive(Debug)]
pub struct Hub {
    name: Box<str>,
    hasher: RandomState,
    shards: [RwLock<HashSet<ById>>; SHARDS],
    /// Further ids of clients.
    aliases: RwLock<HashMap<Box<str>, Arc<Client>>>,
    count: AtomicUsize,
    users: RwLock<HashMap<Box<str>, Vec<Arc<Client>>>>,
    groups: RwLock<HashMap<Box<str>, Arc<Group>>>,
    user_groups: Mutex<UserGroups>,
    links: Links,
    transcode: OnceLock<Arc<dyn Transcode>>,
}

impl Hub {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            hasher: RandomState::new(),
            shards: Default::default(),
            aliases: RwLock::default(),
            count: AtomicUsize::new(0),
            users: RwLock::default(),
            groups: RwLock::default(),
            user_groups: Mutex::default(),
            links: Links::default(),
            transcode: OnceLock::new(),
        }
    }

    /// The hub's name in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The app-server connections of the hub.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Says who makes frames for clients that do not read what the hub's backends write. The first
    /// one stays.
    pub fn set_transcode(&self, transcode: Arc<dyn Transcode>) {
        _ = self.transcode.set(transcode);
    }

    /// Who makes frames for clients that do not read what the hub's backends write.
    #[must_use]
    pub fn transcode(&self) -> Option<&dyn Transcode> {
        self.transcode.get().map(|transcode| &**transcode)
    }

    /// Connections in the hub.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether the hub has no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a connection and puts it into its user's groups. False if its id is taken.
    pub fn add(&self, client: &Arc<Client>, now: Instant) -> bool {
        if !self
            .shard(client.id().as_str())
            .write()
            .insert(ById(Arc::clone(client)))
        {
            return false;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        if let Some(alias) = client.alias() {
            let mut aliases = self.aliases.write();
            let known = aliases.entry(alias.as_str().into());
            known.or_insert_with(|| Arc::clone(client));
        }
        if let Some(user) = client.user() {
            self.users
                .write()
                .entry(user.into())
                .or_default()
                .push(Arc::clone(client));
            let groups = self.user_groups.lock().groups(user, now);
            for group in &groups {
                self.join_with(client, group, Wish::User);
            }
            if !groups.is_empty() {
                // What the user has left in the meantime, when this connection was no member yet.
                let still = self.user_groups.lock().groups(user, now);
                for group in groups.iter().filter(|group| !still.contains(group)) {
                    self.leave_with(client, Some(group), Wish::User);
                }
            }
        }
        true
    }

    /// Removes a connection from the hub, its user and its groups. False if it was not there.
    pub fn remove(&self, client: &Arc<Client>) -> bool {
        let id = client.id().as_str();
        {
            let mut shard = self.shard(id).write();
            let known = shard.get(id);
            if !known.is_some_and(|known| Arc::ptr_eq(&known.0, client)) {
                return false;
            }
            shard.remove(id);
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        if let Some(alias) = client.alias() {
            let mut aliases = self.aliases.write();
            if aliases
                .get(alias.as_str())
                .is_some_and(|known| Arc::ptr_eq(known, client))
            {
                aliases.remove(alias.as_str());
            }
        }
        if let Some(user) = client.user() {
            let mut users = self.users.write();
            if let Some(clients) = users.get_mut(user) {
                clients.retain(|known| !Arc::ptr_eq(known, client));
                if clients.is_empty() {
                    users.remove(user);
                }
            }
        }
        let left = client.memberships.lock().leave_for_good(client);
        self.drop_empty(&left);
        true
    }

    /// The connection with this id, or that is known as this too.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<Arc<Client>> {
        let client = self
            .shard(id)
            .read()
            .get(id)
            .map(|client| Arc::clone(&client.0));
        client.or_else(|| self.aliases.read().get(id).map(Arc::clone))
    }

    /// The connections of a user.
    #[must_use]
    pub fn user(&self, user: &str) -> Vec<Arc<Client>> {
        self.users.read().get(user).cloned().unwrap_or_default()
    }

    /// Whether a user has a connection.
    #[must_use]
    pub fn user_exists(&self, user: &str) -> bool {
        self.users.read().contains_key(user)
    }

    /// All connections: a copy, to walk without a lock.
    #[must_use]
    pub fn connections(&self) -> Vec<Arc<Client>> {
        let mut all = Vec::with_capacity(self.len());
        for shard in &self.shards {
            all.extend(shard.read().iter().map(|client| Arc::clone(&client.0)));
        }
        all
    }

    /// Adds a connection to a group.
    pub fn join(&self, connection: &str, group: &str) -> Joined {
        match self.connection(connection) {
            Some(client) if self.join_with(&client, group, Wish::Connection) => Joined::Ok,
            _ => Joined::NotFound,
        }
    }

    /// Removes a connection from a group, or from all when `group` is `None`.
    pub fn leave(&self, connection: &str, group: Option<&str>) -> Joined {
        let Some(client) = self.connection(connection) else {
            return Joined::NotFound;
        };
        self.leave_with(&client, group, Wish::Connection);
        Joined::Ok
    }

    /// Adds a user's present and future connections to a group, until `ttl` is over.
    pub fn user_join(&self, user: &str, group: &str, ttl: Option<Duration>, now: Instant) {
        self.user_groups.lock().add(user, group, ttl, now);
        for client in self.user(user) {
            self.join_with(&client, group, Wish::User);
        }
    }

    /// Removes a user from a group, or from all when `group` is `None`: the user's connections
    /// leave too, also those that were added one by one.
    pub fn user_leave(&self, user: &str, group: Option<&str>) {
        self.user_groups.lock().remove(user, group);
        for client in self.user(user) {
            self.leave_with(&client, group, Wish::User);
            self.leave_with(&client, group, Wish::Connection);
        }
    }

    /// Whether a user was added to a group, or one of the user's connections is in it.
    #[must_use]
    pub fn user_in_group(&self, user: &str, group: &str, now: Instant) -> bool {
        if self.user_groups.lock().contains(user, group, now) {
            return true;
        }
        self.group_members(group)
            .iter()
            .any(|client| client.user() == Some(user))
    }

    /// Whether a group has a connection.
    #[must_use]
    pub fn group_exists(&self, group: &str) -> bool {
        self.groups
            .read()
            .get(group)
            .is_some_and(|group| !group.members.read().is_empty())
    }

    /// The connections in a group, in no particular order.
    #[must_use]
    pub fn group_members(&self, group: &str) -> Vec<Arc<Client>> {
        let Some(group) = self.group(group) else {
            return Vec::new();
        };
        let members = group.members.read();
        members.iter().map(|client| Arc::clone(&client.0)).collect()
    }

    /// Ends the users' group memberships whose time is up.
    pub fn expire(&self, now: Instant) {
        let ended = self.user_groups.lock().expire(now);
        for (user, group) in ended {
            for client in self.user(&user) {
                self.leave_with(&client, Some(&group), Wish::User);
            }
        }
    }

    /// Queues a message for its receivers and returns how many they were. Each dialect is encoded
    /// at most once; a receiver whose dialect the message lacks is skipped.
    pub fn send(&self, send: &Send<'_>, frames: &mut FrameSet<'_>) -> usize {
        let mut delivery = Delivery::new(self, send, frames);
        match send.target {
            Target::All => {
                for shard in &self.shards {
                    shard
                        .read()
                        .iter()
                        .for_each(|client| delivery.push(&client.0));
                }
            }
            Target::Connections(ids) => {
                // One may be named twice, also by two ids.
                let mut seen = (ids.len() > 1).then(HashSet::new);
                for client in ids.iter().filter_map(|id| self.connection(id)) {
                    let address = ByAddress::address(&client);
                    if seen.as_mut().is_none_or(|seen| seen.insert(address)) {
                        delivery.push(&client);
                    }
                }
            }
            Target::Users(users) => {
                let mut named = Distinct::of(users);
                for user in users.iter().filter(|user| named.is_new(user)) {
                    let clients = self.users.read();
                    clients
                        .get(*user)
                        .into_iter()
                        .flatten()
                        .for_each(|c| delivery.push(c));
                }
            }
            Target::Groups([group]) => {
                if let Some(group) = self.group(group) {
                    group
                        .members
                        .read()
                        .iter()
                        .for_each(|client| delivery.push(&client.0));
                }
            }
            Target::Groups(groups) => {
                let mut seen = HashSet::new();
                for group in groups.iter().filter_map(|group| self.group(group)) {
                    for client in group.members.read().iter() {
                        if seen.insert(ByAddress::address(&client.0)) {
                            delivery.push(&client.0);
                        }
                    }
                }
            }
        }
        delivery.count
    }

    fn shard(&self, id: &str) -> &RwLock<HashSet<ById>> {
        let hash = usize::try_from(self.hasher.hash_one(id) >> 48).unwrap_or_default();
        &self.shards[hash % SHARDS]
    }

    fn group(&self, name: &str) -> Option<Arc<Group>> {
        self.groups.read().get(name).map(Arc::clone)
    }

    fn join_with(&self, client: &Arc<Client>, name: &str, wish: Wish) -> bool {
        let entered = self.enter(client, name, wish);
        if entered == Entered::Now {
            client.groups_changed();
        }
        entered != Entered::Gone
    }

    fn enter(&self, client: &Arc<Client>, name: &str, wish: Wish) -> Entered {
        // The table stays locked while the member is added, so that nobody drops the group as
        // empty in between.
        {
            let groups = self.groups.read();
            if let Some(group) = groups.get(name) {
                return client.memberships.lock().join(client, group, wish);
            }
        }
        let mut groups = self.groups.write();
        let group = groups.entry(name.into()).or_insert_with(|| {
            Arc::new(Group {
                name: name.into(),
                members: RwLock::default(),
            })
        });
        let entered = client.memberships.lock().join(client, group, wish);
        if entered == Entered::Gone && group.members.read().is_empty() {
            groups.remove(name);
        }
        entered
    }

    fn leave_with(&self, client: &Arc<Client>, group: Option<&str>, wish: Wish) {
        let left = client.memberships.lock().leave(client, group, wish);
        self.drop_empty(&left);
        if !left.is_empty() {
            client.groups_changed();
        }
    }

    fn drop_empty(&self, left: &[Arc<Group>]) {
        for group in left {
            if group.members.read().is_empty() {
                let mut groups = self.groups.write();
                if group.members.read().is_empty()
                    && groups
                        .get(&group.name)
                        .is_some_and(|known| Arc::ptr_eq(known, group))
                {
                    groups.remove(&group.name);
                }
            }
        }
    }
}

/// Names in a list that may have one twice; its receivers get a message once.
struct Distinct<'a>(Option<HashSet<&'a str>>);

impl<'a> Distinct<'a> {
    fn of(names: &[&str]) -> Self {
        Self((names.len() > 1).then(HashSet::new))
    }

    fn is_new(&mut self, name: &'a str) -> bool {
        self.0.as_mut().is_none_or(|seen| seen.insert(name))
    }
}

/// One message on its way to many.
struct Delivery<'a, 'f> {
    frames: &'a mut FrameSet<'f>,
    excluded: HashSet<usize>,
    except_users: &'a [&'a str],
    count: usize,
    /// The dialect met last and its frame: nearly always that of the next receiver too.
    last: Option<(crate::Dialect, Option<Frame>)>,
}

impl<'a, 'f> Delivery<'a, 'f> {
    fn new(hub: &Hub, send: &Send<'a>, frames: &'a mut FrameSet<'f>) -> Self {
        let excluded = send.except.iter().filter_map(|id| hub.connection(id));
        Self {
            frames,
            excluded: excluded.map(|client| ByAddress::address(&client)).collect(),
            except_users: send.except_users,
            count: 0,
            last: None,
        }
    }

    fn push(&mut self, client: &Arc<Client>) {
        if !self.excluded.is_empty() && self.excluded.contains(&ByAddress::address(client)) {
            return;
        }
        if !self.except_users.is_empty()
            && client
                .user()
                .is_some_and(|user| self.except_users.contains(&user))
        {
            return;
        }
        let dialect = client.dialect();
        if self
            .last
            .as_ref()
            .is_none_or(|(known, _)| *known != dialect)
        {
            self.last = Some((dialect, self.frames.frame(dialect).cloned()));
        }
        if let Some((_, Some(frame))) = &self.last {
            let outbox: &Outbox = client.outbox();
            outbox.push(frame.clone());
            self.count += 1;
        }
    }
}
