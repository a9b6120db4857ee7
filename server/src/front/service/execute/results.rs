//! Results from clients (service protocol, 8.1).

use heliograph_protocol::service::{Extensions, Message, Payloads, encode};
use heliograph_relay::{Link, Send, Target};

use super::Session;
use crate::backend::link::AskError;

/// What an app server asks of a client.
struct Question<'a> {
    invocation_id: &'a str,
    connection_id: &'a str,
    caller_server_id: &'a str,
    payloads: &'a Payloads<'a>,
}

impl Session {
    pub(super) fn client_result(&self, message: &Message<'_>) {
        match message {
            Message::ClientInvocation {
                invocation_id,
                connection_id,
                caller_server_id,
                payloads,
                ..
            } => {
                let question = Question {
                    invocation_id,
                    connection_id,
                    caller_server_id,
                    payloads,
                };
                if let Err(error) = self.ask(&question) {
                    self.send(&Message::ErrorCompletion {
                        invocation_id,
                        connection_id,
                        caller_server_id,
                        error,
                        extensions: Extensions::default(),
                    });
                }
            }
            Message::ClientCompletion {
                invocation_id,
                payload,
                ..
            } => {
                // Without a payload the caller itself has the result, or wants it no more.
                let asked = self.door.backend.results().take(invocation_id);
                self.link.result_given();
                if let Some(asked) = asked.filter(|_| !payload.is_empty()) {
                    self.forward(&asked.caller, message);
                }
            }
            Message::ErrorCompletion { invocation_id, .. } => {
                let asked = self.door.backend.results().take(invocation_id);
                self.link.result_given();
                if let Some(asked) = asked {
                    self.forward(&asked.caller, message);
                }
            }
            _ => {}
        }
    }

    fn ask(&self, question: &Question<'_>) -> Result<(), &'static str> {
        let (hub, backend) = (self.hub(), &self.door.backend);
        let Question {
            invocation_id,
            connection_id,
            caller_server_id,
            payloads,
        } = question;
        let client = hub
            .connection(connection_id)
            .ok_or("The connection does not exist.")?;
        let linked = backend
            .client(hub, connection_id)
            .ok_or("The connection has no server that could take its answer.")?;
        backend
            .results()
            .ask(invocation_id, caller_server_id, hub, client.id())
            .map_err(|refused| match refused {
                AskError::Full => "Too many client results are awaited.",
                AskError::Taken => "The invocation id is in use.",
            })?;
        // Looked for again: whoever goes from now on finds the question.
        if hub.connection(connection_id).is_none() {
            let missing = backend.results().take(invocation_id);
            return missing.map_or(Ok(()), |_| Err("The connection does not exist."));
        }
        let place = linked.link();
        if *place.link().server() != **caller_server_id {
            // The client's server must know before the client can answer.
            send_on(
                place.link(),
                &Message::ClientInvocation {
                    invocation_id,
                    connection_id,
                    caller_server_id,
                    payloads: Payloads::default(),
                    extensions: Extensions::default(),
                },
            );
            self.send(&Message::ServiceMapping {
                invocation_id,
                connection_id,
                instance_id: &backend.options().instance_id,
            });
        }
        linked.hold(backend.options().result_hold);
        let send = Send::to(Target::Connections(std::slice::from_ref(connection_id)));
        if self.deliver(&send, payloads) == 0 && backend.results().take(invocation_id).is_some() {
            return Err("The connection does not exist, or has another protocol.");
        }
        Ok(())
    }

    /// Passes a completion on to the app server that waits for it.
    fn forward(&self, caller: &str, message: &Message<'_>) {
        if *self.link.link().server() != *caller
            && let Some(link) = self.hub().links().of_server(caller)
        {
            send_on(&link, message);
        }
    }
}

fn send_on(link: &Link, message: &Message<'_>) {
    link.queue().append(|out| encode(message, out));
}
