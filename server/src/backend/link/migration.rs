//! Moving clients from an app server that stops to another one (service protocol, 8.3).

use std::pin::pin;
use std::sync::Arc;

use heliograph_protocol::hub::write;
use heliograph_protocol::service::Sticky;
use heliograph_relay::FrameClass;
use tokio::time::{Instant, sleep_until};

use super::linked::{LinkedClient, State};
use super::{AppLink, LinkBackend, opening};
use crate::edge::dialects;

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
            let mut left = 0;
            for client in from.clients() {
                if client.may_move() && !self.try_move(&client, from, late) {
                    left += 1;
                }
            }
            if left == 0 {
                return;
            }
            tokio::select! {
                () = settled => {}
                () = arrived => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)),
                    if deadline.is_some() && !late => {}
            }
        }
    }

    /// True when the client needs no further try.
    fn try_move(&self, client: &Arc<LinkedClient>, from: &Arc<AppLink>, late: bool) -> bool {
        let mut state = client.state.lock();
        if state.over || !Arc::ptr_eq(&state.link, from) {
            return true;
        }
        let now = late && state.downstream.is_between_messages();
        if !(now || state.is_settled()) {
            return false;
        }
        let Some(to) = self.other_server(from) else {
            return false;
        };
        to.link().client_added();
        if !to.board(client) {
            return false;
        }
        self.move_client(client, &mut state, from, to);
        drop(state);
        self.results.client_gone(client.client().id());
        true
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
            client.client().outbox().push(frame);
        }
        tracing::debug!(
            hub = client.hub.name(),
            conn = id,
            "client moved to another app server"
        );
    }

    /// The least loaded link of another server.
    fn other_server(&self, from: &AppLink) -> Option<Arc<AppLink>> {
        let links = from.hub().links().all();
        let others = links
            .iter()
            .filter(|link| link.takes_clients() && link.server() != from.link().server());
        self.app_link(others.min_by_key(|link| link.clients())?)
    }
}

impl LinkedClient {
    /// Whether the client may be moved at all.
    fn may_move(&self) -> bool {
        self.request.identity.service.sticky != Sticky::Required
    }
}
