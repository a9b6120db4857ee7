//! Sending to clients and asking them (4.1).

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use heliograph_protocol::hub::{Encoding, Raw, write};
use heliograph_relay::{Client, Dialect, Encode, Frame, FrameSet, Hub, Joined, Send as To, Target};
use serde::de::DeserializeOwned;

use super::HubError;
use super::arguments::{Arguments, Encoded};
use super::connection::Connection;
use super::encode;
use super::results::{Answer, Results};
use crate::edge::dialects::{self, LEGACY};

/// To whom messages of a hub may go. Whoever is not there gets nothing, silently.
#[derive(Clone, Copy)]
pub struct Clients<'a> {
    hub: Option<&'a Arc<Hub>>,
    results: &'a Arc<Results>,
    /// Who sends: it alone is waited for when it reads slowly.
    sender: Option<&'a Arc<Client>>,
}

impl<'a> Clients<'a> {
    pub(super) fn new(hub: Option<&'a Arc<Hub>>, results: &'a Arc<Results>) -> Self {
        Self {
            hub,
            results,
            sender: None,
        }
    }

    /// Every connection of the hub.
    #[must_use]
    pub fn all(self) -> Recipients<'a> {
        self.recipients(List::All)
    }

    /// Every connection but these.
    #[must_use]
    pub fn all_except<S: AsRef<str>>(self, ids: &'a [S]) -> Recipients<'a> {
        self.all().except(names(ids))
    }

    /// One connection.
    #[must_use]
    pub fn client(self, id: &'a str) -> SingleClient<'a> {
        SingleClient { clients: self, id }
    }

    /// These connections.
    #[must_use]
    pub fn clients<S: AsRef<str>>(self, ids: &'a [S]) -> Recipients<'a> {
        self.recipients(List::Connections(names(ids)))
    }

    /// The members of a group.
    #[must_use]
    pub fn group(self, group: &'a str) -> Recipients<'a> {
        self.recipients(List::Group([group]))
    }

    /// The members of these groups, each connection once.
    #[must_use]
    pub fn groups<S: AsRef<str>>(self, groups: &'a [S]) -> Recipients<'a> {
        self.recipients(List::Groups(names(groups)))
    }

    /// The members of a group but these.
    #[must_use]
    pub fn group_except<S: AsRef<str>>(self, group: &'a str, ids: &'a [S]) -> Recipients<'a> {
        self.group(group).except(names(ids))
    }

    /// All connections of a user.
    #[must_use]
    pub fn user(self, user: &'a str) -> Recipients<'a> {
        self.recipients(List::Users(vec![user]))
    }

    /// All connections of these users.
    #[must_use]
    pub fn users<S: AsRef<str>>(self, users: &'a [S]) -> Recipients<'a> {
        self.recipients(List::Users(names(users)))
    }

    fn recipients(self, list: List<'a>) -> Recipients<'a> {
        Recipients {
            hub: self.hub,
            list,
            except: Vec::new(),
        }
    }
}

impl fmt::Debug for Clients<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("hub", &self.hub.map(|hub| hub.name()))
            .finish_non_exhaustive()
    }
}

/// As [`Clients`], seen from one of them.
#[derive(Clone, Copy, Debug)]
pub struct CallerClients<'a> {
    clients: Clients<'a>,
    id: &'a str,
}

impl<'a> CallerClients<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            clients: Clients {
                hub: Some(&connection.hub),
                results: &connection.core.results,
                sender: Some(&connection.client),
            },
            id: connection.client.id().as_str(),
        }
    }

    /// The caller.
    #[must_use]
    pub fn caller(self) -> SingleClient<'a> {
        self.clients.client(self.id)
    }

    /// Every connection but the caller's.
    #[must_use]
    pub fn others(self) -> Recipients<'a> {
        self.clients.all().except(vec![self.id])
    }

    /// The members of a group but the caller.
    #[must_use]
    pub fn others_in_group(self, group: &'a str) -> Recipients<'a> {
        self.clients.group(group).except(vec![self.id])
    }
}

impl<'a> Deref for CallerClients<'a> {
    type Target = Clients<'a>;

    fn deref(&self) -> &Clients<'a> {
        &self.clients
    }
}

/// Any number of connections that a message may go to.
#[derive(Clone)]
pub struct Recipients<'a> {
    hub: Option<&'a Arc<Hub>>,
    list: List<'a>,
    except: Vec<&'a str>,
}

#[derive(Clone, Debug)]
enum List<'a> {
    All,
    Connections(Vec<&'a str>),
    Group([&'a str; 1]),
    Groups(Vec<&'a str>),
    Users(Vec<&'a str>),
}

impl<'a> Recipients<'a> {
    /// Calls `target` at each of them. The message is encoded once per hub protocol and queued
    /// for all; a client that does not read fast enough is closed, and nobody waits for it.
    ///
    /// # Errors
    ///
    /// When serde cannot write the arguments; those whose protocol it is get no message then.
    #[expect(
        clippy::unused_async,
        reason = "receivers on other nodes will have to be awaited"
    )]
    pub async fn send(&self, target: &str, arguments: impl Arguments) -> Result<(), HubError> {
        let Some(hub) = self.hub else {
            return Ok(());
        };
        let message = Message {
            hub,
            target,
            arguments: &arguments,
            failure: RefCell::new(None),
        };
        let list = match &self.list {
            List::All => Target::All,
            List::Connections(ids) => Target::Connections(ids),
            List::Group(group) => Target::Groups(group),
            List::Groups(groups) => Target::Groups(groups),
            List::Users(users) => Target::Users(users),
        };
        let to = To {
            except: &self.except,
            ..To::to(list)
        };
        hub.send(&to, &mut FrameSet::new(&message));
        message.failure.into_inner().map_or(Ok(()), Err)
    }

    fn except(mut self, ids: Vec<&'a str>) -> Self {
        self.except = ids;
        self
    }
}

impl fmt::Debug for Recipients<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipients")
            .field("list", &self.list)
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}

/// One connection, which can be asked too.
#[derive(Clone, Copy, Debug)]
pub struct SingleClient<'a> {
    clients: Clients<'a>,
    id: &'a str,
}

impl SingleClient<'_> {
    /// Calls `target`. A caller that sends to itself waits while too much waits to be read.
    ///
    /// # Errors
    ///
    /// When serde cannot write the arguments.
    pub async fn send(&self, target: &str, arguments: impl Arguments) -> Result<(), HubError> {
        let Some((client, encoding)) = self.find() else {
            return Ok(());
        };
        let frame = call_frame(encoding, None, target, &arguments)?;
        client.push(frame);
        if self
            .clients
            .sender
            .is_some_and(|sender| Arc::ptr_eq(sender, &client))
        {
            poll_fn(|cx| client.outbox().poll_room(cx)).await;
        }
        Ok(())
    }

    /// Calls `target` and waits for the value that the client returns. Dropping the future gives
    /// the answer up.
    ///
    /// # Errors
    ///
    /// When the client is not there, goes away, answers with an error or with something else
    /// than an `R`, or does not answer within `timeout`.
    pub async fn invoke<R: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl Arguments,
        timeout: Duration,
    ) -> Result<R, HubError> {
        let id = self.id;
        let Some((client, encoding)) = self.find() else {
            let text = format!("Connection '{id}' does not exist.");
            return Err(HubError::hidden("IOException", text));
        };
        if client.dialect() == LEGACY {
            let text = format!("Connection '{id}' is one of a client that returns no results.");
            return Err(HubError::hidden("NotSupportedException", text));
        }
        let mut ticket = self.clients.results.expect(client.id())?;
        let frame = call_frame(encoding, Some(&ticket.id()), target, &arguments)?;
        client.push(frame);
        match tokio::time::timeout(timeout, &mut ticket.answer).await {
            Ok(Ok(answer)) => read(encoding, answer),
            Ok(Err(_)) => {
                let text = format!("Connection '{id}' disconnected.");
                Err(HubError::hidden("IOException", text))
            }
            Err(_) => Err(HubError::visible("Invocation canceled by the server.")),
        }
    }

    fn find(&self) -> Option<(Arc<Client>, Encoding)> {
        let client = match self.clients.sender {
            Some(sender) if sender.id().as_str() == self.id => Arc::clone(sender),
            _ => self.clients.hub?.connection(self.id)?,
        };
        let encoding = dialects::encoding(client.dialect())?;
        Some((client, encoding))
    }
}

/// The hub's groups. Groups live as long as they have members, and names are case-sensitive.
#[derive(Clone, Copy)]
pub struct Groups<'a>(Option<&'a Arc<Hub>>);

impl<'a> Groups<'a> {
    pub(super) fn new(hub: Option<&'a Arc<Hub>>) -> Self {
        Self(hub)
    }

    /// Adds a connection to a group. False if it is not there.
    pub fn add(self, connection: &str, group: &str) -> bool {
        self.0
            .is_some_and(|hub| hub.join(connection, group) == Joined::Ok)
    }

    /// Removes a connection from a group. False if it is not there.
    pub fn remove(self, connection: &str, group: &str) -> bool {
        self.0
            .is_some_and(|hub| hub.leave(connection, Some(group)) == Joined::Ok)
    }
}

impl fmt::Debug for Groups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Groups")
            .field(&self.0.map(|hub| hub.name()))
            .finish()
    }
}

/// A call that is encoded for whoever turns up.
struct Message<'a, A> {
    hub: &'a Hub,
    target: &'a str,
    arguments: &'a A,
    failure: RefCell<Option<HubError>>,
}

impl<A: Arguments> Encode for Message<'_, A> {
    fn encode(&self, dialect: Dialect) -> Option<Frame> {
        let encoding = dialects::encoding(dialect)?;
        match call_frame(encoding, None, self.target, self.arguments) {
            Ok(frame) if dialect == LEGACY => self.hub.transcode()?.transcode(frame.payload()),
            Ok(frame) => Some(frame),
            Err(error) => {
                *self.failure.borrow_mut() = Some(error);
                None
            }
        }
    }
}

fn call_frame<A: Arguments>(
    encoding: Encoding,
    id: Option<&str>,
    target: &str,
    arguments: &A,
) -> Result<Frame, HubError> {
    let mut encoded = Encoded::default();
    arguments.write(encoding, &mut encoded)?;
    let values = encoded.values();
    Ok(encode::frame(encoding, |out| {
        write::invocation(encoding, out, id, target, &values);
    }))
}

fn read<R: DeserializeOwned>(encoding: Encoding, answer: Answer) -> Result<R, HubError> {
    let unreadable = |why: &dyn fmt::Display| {
        let name = short_name(std::any::type_name::<R>());
        HubError::visible(format!(
            "Error trying to deserialize result to {name}. {why}"
        ))
    };
    match answer {
        Answer::Value(bytes) => Raw::new(encoding, &bytes).decode().map_err(|error| {
            let source = std::error::Error::source(&error);
            source.map_or_else(|| unreadable(&error), |source| unreadable(&source))
        }),
        Answer::Unreadable => Err(unreadable(&"The value is malformed.")),
        Answer::Void => {
            let text = "Exception of type 'Microsoft.AspNetCore.SignalR.HubException' was thrown.";
            Err(HubError::visible(text))
        }
        Answer::Error(text) => Err(HubError::visible(text)),
    }
}

/// A type's name without its path and parameters; what may be absent has the name of what it is.
fn short_name(name: &str) -> &str {
    let inner = name
        .strip_prefix("core::option::Option<")
        .and_then(|rest| rest.strip_suffix('>'));
    let name = inner.unwrap_or(name);
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

fn names<S: AsRef<str>>(names: &[S]) -> Vec<&str> {
    names.iter().map(AsRef::as_ref).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_texts_name_types_shortly() {
        for (name, short) in [
            (std::any::type_name::<String>(), "String"),
            (std::any::type_name::<Option<String>>(), "String"),
            (std::any::type_name::<Vec<String>>(), "Vec"),
            (std::any::type_name::<u32>(), "u32"),
        ] {
            assert_eq!(short_name(name), short);
        }
    }
}
