//! Moving clients from an app server that stops to another one (service protocol, 8.3).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use heliograph_protocol::hub::write;
use heliograph_protocol::service::Sticky;
use heliograph_relay::FrameClass;
use tokio::time::{Instant, sleep, sleep_until};

use super::linked::{LinkedClient, State};
use super::{AppLink, LinkBackend, opening};
use crate::edge::dialects;

/// Time between two rounds through the clients of a leaving link.
const ROUND: Duration = Duration::from_millis(20);
/// A link for which more waits takes no client for now.
const BUSY_BYTES: usize = 1 << 20;

/// What became of a try to move a client. The greatest of a round says what to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It needs no further try.
    Done,
    /// It is not ready, or there is no other app server.
    Waits,
    /// The other app server has enough to do: to be tried again soon.
    Busy,
}

impl LinkBackend {
    /// Moves the clients of a leaving link to other app servers, each as soon as its calls have
    /// ended, or when the grace time is over: calls that are then still open end with an error.
    /// The grace time begins once there is another app server.
    ///
    /// Ends when no movable client is left. Dropping the future leaves the clients that are not
    /// moved yet where they are.
    pub async fn migrate(&self, from: &Arc<AppLink>) {
        let mut deadline = None;
        loop {
            let mut settled = pin!(from.settled.notified());
            let mut arrived = pin!(self.arrivals.notified());
            settled.as_mut().enable();
            arrived.as_mut().enable();
            if deadline.is_none() && self.other_server(from).is_some() {
                deadline = Some(Instant::now() + self.options.migration_grace);
            }
            let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            let clients = from.clients();
            let tries = clients
                .iter()
                .filter(|client| client.may_move())
                .map(|client| self.try_move(client, from, late));
            match tries.max() {
                None | Some(Outcome::Done) => return,
                Some(Outcome::Busy) => {}
                Some(Outcome::Waits) => tokio::select! {
                    () = settled => {}
                    () = arrived => {}
                    () = sleep_until(deadline.unwrap_or_else(Instant::now)),
                        if deadline.is_some() && !late => {}
                },
            }
            // Each round looks at all clients that are left.
            sleep(ROUND).await;
        }
    }

    fn try_move(&self, client: &Arc<LinkedClient>, from: &Arc<AppLink>, late: bool) -> Outcome {
        let mut state = client.state.lock();
        if state.over || !Arc::ptr_eq(&state.link, from) {
            return Outcome::Done;
        }
        if state.calls.lost_count() {
            // It stays, and is told to reconnect when its link ends.
            return Outcome::Done;
        }
        let id = client.client().id();
        let now = late && state.downstream.is_between_messages();
        if !(now || (state.is_settled() && !self.results.is_awaited(id))) {
            return Outcome::Waits;
        }
        if state.calls.has_uploads() {
            return Outcome::Done;
        }
        let Some(to) = self.other_server(from) else {
            return Outcome::Waits;
        };
        if to.link().queue().len() > BUSY_BYTES {
            return Outcome::Busy;
        }
        to.link().client_added();
        if !to.board(client) {
            to.link().client_removed();
            return Outcome::Busy;
        }
        self.move_client(client, &mut state, from, to);
        drop(state);
        self.results.client_moved(client.client().id());
        Outcome::Done
    }

    fn move_client(
        &self,
        client: &LinkedClient,
        state: &mut State,
        from: &AppLink,
        to: Arc<AppLink>,
    ) {
        let id = client.id();
        from.link().queue().append(|out| {
            let headers = [("Asrs-Migrate-To", vec![to.link().server()])];
            opening::write_close(out, id, "", &headers);
        });
        from.leave(id);
        to.link().queue().append(|out| {
            let server = from.link().server();
            opening::write_open(out, client, &self.options.instance_id, Some(server));
        });
        state.link = to;
        let (dialect, encoding) = (client.client().dialect(), client.encoding());
        for call in state.calls.take() {
            let mut framed = Vec::new();
            write::completion_error(encoding, &mut framed, &call, "The server is shutting down.");
            let frame = dialects::frame(dialect, &framed, FrameClass::Counted);
            client.client().push(frame);
        }
        tracing::debug!(
            hub = client.hub.name(),
            conn = ?client.client().id(),
            "client moved to another app server"
        );
    }

    /// The least loaded link of another server.
    fn other_server(&self, from: &AppLink) -> Option<Arc<AppLink>> {
        let links = from.hub().links().all();
        let others = links
            .iter()
            .filter(|link| link.takes_clients() && link.server() != from.link().server());
        self.app_link(others.min_by_key(|link| (link.queue().len() > BUSY_BYTES, link.clients()))?)
    }
}

impl LinkedClient {
    /// Whether the client may be moved at all.
    fn may_move(&self) -> bool {
        self.request.identity.service.sticky != Sticky::Required
    }
}
