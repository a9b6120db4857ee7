//! A classic app that is asked who its clients are, and which of its hubs let them in.

use std::sync::Arc;

use futures_util::future::join_all;
use http::{HeaderMap, StatusCode};
use tracing::warn;

use super::LegacyApps;
use super::names::is_unknown;
use crate::auth::Identity;
use crate::backend::asking::ClassicApp;
use crate::backend::legacy::{
    Admission, LegacyBackend, LegacyConversation, LegacyOpening, LegacyRules, NotAdmitted,
};
use crate::backend::{BoxFuture, ClientRequest, Refusal};

/// Runs the hubs of one classic app. Of several hubs that a client lists the app drops silently
/// those that refuse it, so that it is asked about each: nobody hears what a hub says that refuses
/// him.
#[derive(Debug)]
pub struct AskedApps {
    apps: LegacyApps,
    app: Arc<ClassicApp>,
    clients: Clients,
}

/// How clients come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// By themselves: who they are only the app knows.
    Direct,
    /// With a token from the app, whose cookies they may not have here: where it takes such a client
    /// for nobody in particular, the token counts.
    Redirected,
}

type Answer = (Box<str>, Result<Identity, NotAdmitted>);

impl AskedApps {
    /// The app of this URL, whose connections are among those of `apps`.
    #[must_use]
    pub fn new(apps: LegacyApps, app: Arc<ClassicApp>, clients: Clients) -> Self {
        Self { apps, app, clients }
    }

    async fn ask(
        &self,
        request: &ClientRequest,
        hubs: &[Box<str>],
    ) -> Result<Admission, NotAdmitted> {
        match (self.clients, hubs) {
            (Clients::Direct, [] | [_]) => {
                let identity = self.who(request, hubs.first().map(|hub| &**hub)).await?;
                self.admit_as(&identity, request, hubs).await
            }
            (Clients::Direct, _) => self.ask_for_each(request, hubs).await,
            (Clients::Redirected, [] | [_]) => self.apps.admit(request, hubs).await,
            (Clients::Redirected, _) => {
                self.apps.admit(request, hubs).await?;
                let identity = &request.identity;
                let asked = hubs
                    .iter()
                    .map(|hub| self.ask_about(hub, request, identity));
                together(join_all(asked).await)
            }
        }
    }

    /// The first hub that lets the client in says who it is; the others are asked all at once, when
    /// it is known that they are hubs.
    async fn ask_for_each(
        &self,
        request: &ClientRequest,
        hubs: &[Box<str>],
    ) -> Result<Admission, NotAdmitted> {
        let mut answers: Vec<Answer> = Vec::with_capacity(hubs.len());
        let mut rest = hubs.iter();
        for hub in rest.by_ref() {
            match self.who(request, Some(hub)).await {
                Ok(identity) => {
                    self.admit_as(&identity, request, hubs).await?;
                    let asked = rest.map(|hub| self.ask_about(hub, request, &identity));
                    let others = join_all(asked).await;
                    answers.push((hub.clone(), Ok(identity)));
                    answers.extend(others);
                    break;
                }
                Err(fault @ (NotAdmitted::Unauthorized { .. } | NotAdmitted::Refused(_))) => {
                    answers.push((hub.clone(), Err(fault)));
                }
                Err(fault) => return Err(fault),
            }
        }
        together(answers)
    }

    /// Whether one hub lets in a client whom we know.
    async fn ask_about(&self, hub: &str, request: &ClientRequest, identity: &Identity) -> Answer {
        let said = self.app.who(request, &[hub]).await;
        let answer = said.and_then(|said| check_same(hub, &said, identity));
        (hub.into(), answer.map(|()| identity.clone()))
    }

    /// Who the client is in a hub, or without any.
    async fn who(
        &self,
        request: &ClientRequest,
        hub: Option<&str>,
    ) -> Result<Identity, NotAdmitted> {
        let said = self.app.who(request, hub.as_slice()).await;
        match (said, hub) {
            // To a hub that it does not have the app answers with an exception.
            (Err(NotAdmitted::Unavailable { .. }), Some(hub))
                if is_unknown(&self.apps.relay, hub) =>
            {
                Err(NotAdmitted::UnknownHub(hub.into()))
            }
            (said, _) => said,
        }
    }

    /// Whether the app that named the client is here and has the hubs.
    async fn admit_as(
        &self,
        identity: &Identity,
        request: &ClientRequest,
        hubs: &[Box<str>],
    ) -> Result<Admission, NotAdmitted> {
        let request = ClientRequest {
            identity: identity.clone(),
            ..request.clone()
        };
        self.apps.admit(&request, hubs).await
    }
}

/// Whether an answer is about the client: the same app means the same user, or nobody.
fn check_same(hub: &str, said: &Identity, known: &Identity) -> Result<(), NotAdmitted> {
    let app = |identity: &Identity| identity.service.application_name.clone();
    if app(said) != app(known) {
        return Err(NotAdmitted::Unavailable {
            hub: hub.into(),
            why: "the app that is asked is not the one that gave the client its token".into(),
        });
    }
    if said.user.is_some() && said.user != known.user {
        return Err(NotAdmitted::Unauthorized { is_known: true });
    }
    Ok(())
}

/// Puts answers together, which are about one user.
fn together(answers: Vec<Answer>) -> Result<Admission, NotAdmitted> {
    let mut admission = Admission::of(answers)?;
    for hub in &mut admission.hubs {
        hub.identity = None;
    }
    Ok(admission)
}

impl LegacyBackend for AskedApps {
    fn rules(&self) -> LegacyRules {
        LegacyRules {
            names_users: self.clients == Clients::Direct,
            ..self.apps.rules()
        }
    }

    fn admit<'a>(
        &'a self,
        request: &'a ClientRequest,
        hubs: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Admission, NotAdmitted>> {
        Box::pin(self.ask(request, hubs))
    }

    fn open(&self, opening: LegacyOpening) -> Box<dyn LegacyConversation> {
        self.apps.open(opening)
    }

    fn script<'a>(
        &'a self,
        request: &'a ClientRequest,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, Refusal>> {
        if self.clients == Clients::Redirected {
            return self.apps.script(request, url);
        }
        Box::pin(async {
            self.app.script(request).await.map_err(|err| {
                warn!(%err, "an app's proxy script cannot be had");
                Refusal {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    headers: HeaderMap::new(),
                    body: Vec::new(),
                }
            })
        })
    }
}
