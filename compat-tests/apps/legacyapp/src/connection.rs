//! One client, from OpenConnection to its end.

use std::sync::Arc;

use contract::identity::Said;
use heliograph::backend::form_pairs;
use heliograph_protocol::legacy::connection_data;
use heliograph_protocol::service::{Extensions, Message};
use tokio::sync::{Semaphore, mpsc};

use crate::app::App;
use crate::call;
use crate::hubs::{Caller, Hub};
use crate::link::Link;

/// Messages of one client that may wait; a client with more is ended.
const WAITING: usize = 10_000;
/// Calls of one client that run at a time: legacy servers never let one wait for another.
const PARALLEL_CALLS: usize = 1000;
/// What the service sends when a client is back.
const RECONNECTED: &[u8] = b"asrs:reconnect";

/// A client.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: Box<str>,
    /// What it was opened on, and is spoken to on.
    pub(crate) link: Arc<Link>,
    pub(crate) said: Said,
    query: String,
    headers: Vec<(String, String)>,
    events: mpsc::Sender<Event>,
}

/// What the service says of a client.
#[derive(Debug)]
pub(crate) enum Event {
    Text(Vec<u8>),
    Close,
}

/// A client that has not been told to its hubs.
pub(crate) struct Opened {
    app: Arc<App>,
    connection: Connection,
    events: mpsc::Receiver<Event>,
}

impl Connection {
    /// A client of an id, with what `read` puts in.
    pub(crate) fn open(
        app: &Arc<App>,
        link: &Arc<Link>,
        id: &str,
        read: impl FnOnce(&mut Self),
    ) -> Opened {
        let (sender, events) = mpsc::channel(WAITING);
        let mut connection = Self {
            id: id.into(),
            link: Arc::clone(link),
            said: Said::default(),
            query: String::new(),
            headers: Vec::new(),
            events: sender,
        };
        read(&mut connection);
        Opened {
            app: Arc::clone(app),
            connection,
            events,
        }
    }

    /// Takes over what OpenConnection says.
    pub(crate) fn read<'m>(
        &mut self,
        claims: impl Iterator<Item = (&'m str, &'m str)>,
        headers: &[(&str, Vec<&str>)],
        query: &str,
    ) {
        self.said = Said::of_claims(claims);
        query
            .strip_prefix('?')
            .unwrap_or(query)
            .clone_into(&mut self.query);
        let headers = headers.iter();
        self.headers = headers
            .map(|(name, values)| (name.to_lowercase(), values.join(",")))
            .collect();
    }

    /// Hands over what the service says. False if too much waits, which ends the client.
    pub(crate) fn tell(&self, event: Event) -> bool {
        self.events.try_send(event).is_ok()
    }

    /// Done when the client is gone.
    pub(crate) async fn gone(&self) {
        self.events.closed().await;
    }

    /// Whether the client is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.events.is_closed()
    }

    /// All values of a query parameter.
    pub(crate) fn query_values(&self, name: &str) -> Vec<String> {
        form_pairs(&self.query)
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// A header, its values joined.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The hubs that the client listens to, of those that let it in.
    fn hubs(&self) -> Result<Vec<Hub>, String> {
        if self
            .query_values("connectionToken")
            .iter()
            .all(String::is_empty)
        {
            return Err("Protocol error: Missing connection token.".to_owned());
        }
        let listed = self.query_values("connectionData");
        let listed = listed.first().map_or("[]", |listed| listed);
        let listed = connection_data(listed).map_err(|error| error.to_string())?;
        let mut hubs = Vec::new();
        for name in &listed {
            let hub = Hub::find(name);
            hubs.push(hub.ok_or_else(|| format!("'{name}' Hub could not be resolved."))?);
        }
        hubs.retain(|hub| hub.admits(&self.said));
        if hubs.is_empty() && !listed.is_empty() {
            return Err("Unable to authorize request".to_owned());
        }
        Ok(hubs)
    }

    /// Ends the client, for this reason.
    pub(crate) async fn close(&self, error: &str) {
        let message = Message::CloseConnection {
            connection_id: &self.id,
            error,
            headers: Vec::new(),
            extensions: Extensions::default(),
        };
        self.link.send(&message).await;
    }
}

impl Opened {
    /// Refuses the client.
    pub(crate) fn refuse(self, why: String) {
        tokio::spawn(async move { self.connection.close(&why).await });
    }

    /// Lets the hubs hear of the client and what it says, until it is gone.
    pub(crate) fn run(self) -> Arc<Connection> {
        let Self {
            app,
            connection,
            events,
        } = self;
        let connection = Arc::new(connection);
        tokio::spawn(live(app, Arc::clone(&connection), events));
        connection
    }
}

async fn live(app: Arc<App>, connection: Arc<Connection>, mut events: mpsc::Receiver<Event>) {
    let hubs = match connection.hubs() {
        Ok(hubs) => hubs,
        Err(why) => {
            app.forget(&connection);
            return connection.close(&why).await;
        }
    };
    let callers = hubs
        .iter()
        .map(|hub| Caller::new(&app, &connection, *hub, None));
    let callers: Vec<_> = callers.collect();
    for caller in &callers {
        if let Err(why) = caller.connected().await {
            app.forget(&connection);
            return connection.close(&why).await;
        }
    }
    let places = Arc::new(Semaphore::new(PARALLEL_CALLS));
    while let Some(Event::Text(text)) = events.recv().await {
        if text == RECONNECTED {
            callers.iter().for_each(Caller::reconnected);
            continue;
        }
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let (app, connection) = (Arc::clone(&app), Arc::clone(&connection));
        tokio::spawn(async move {
            call::answer(&app, &connection, &text).await;
            drop(place);
        });
    }
    // Those who wait for the end must not wait for us.
    drop(events);
    callers.iter().for_each(Caller::disconnected);
}
