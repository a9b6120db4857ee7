//! Hubs for ASP.NET Core clients, served to legacy clients too.
//!
//! A [`Bridge`] is what the legacy door knows as its [`LegacyBackend`]. For each hub that a legacy
//! client lists it puts a client into the relay's hub, so that broadcasts, groups and users are the
//! same for both worlds, and opens a Core conversation with the hub's [`Backend`] (legacy protocol,
//! section 11). What the client calls becomes an invocation there; what the hub says to this client
//! alone comes back through an inlet; what it says to many is transcoded once and shared.
//!
//! The bridge does not know HTTP, transports, or who runs a hub.

mod admit;
mod calls;
mod casing;
mod conversation;
mod failure;
mod inlet;
mod line;
mod losses;
mod names;
mod opening;
mod reopening;
mod transcode;
mod users;

use std::collections::HashMap;
use std::sync::Arc;

use heliograph_protocol::legacy::ClientProtocol;
use heliograph_protocol::legacy::proxy_script::{self, HubProxy, MethodProxy};
use heliograph_relay::Hub;

pub use casing::Casing;
pub use names::Names;
pub use users::Users;

use self::conversation::BridgeConversation;
use self::losses::{Loss, Losses};
use self::transcode::Transcoder;
use crate::backend::embedded::EmbeddedHub;
use crate::backend::legacy::{
    Admission, LegacyBackend, LegacyConversation, LegacyOpening, LegacyRules, NotAdmitted,
};
use crate::backend::{Backend, BoxFuture, ClientRequest, Refusal};

/// One hub that legacy clients may listen to, run by a backend for Core clients.
#[derive(Clone, Debug)]
pub struct BridgedHub {
    /// Its name as declared, which clients are called with; they may write it in any case. Without
    /// dots, so that the names of its groups cannot be mistaken for another hub's.
    pub name: Box<str>,
    /// Where its clients are.
    pub hub: Arc<Hub>,
    /// Who runs it.
    pub backend: Arc<dyn Backend>,
    /// Who its clients are.
    pub users: Users,
    /// Names and casing at the border.
    pub names: Names,
    /// Whether it needs a connection id that none of the client's other hubs has: app servers keep
    /// the connections of all their hubs in one table. The first such hub that a client lists has
    /// the plain id, which stands for the client in the others too.
    pub own_ids: bool,
    /// Its methods, for the proxy script.
    pub methods: Vec<BridgedMethod>,
}

/// A method in the proxy script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgedMethod {
    /// The method as calls name it.
    pub name: Box<str>,
    /// What its parameters are called; a help for readers alone.
    pub parameters: Vec<Box<str>>,
}

impl BridgedHub {
    /// A hub of this declared name, whose clients are in `hub`.
    #[must_use]
    pub fn new(name: &str, hub: Arc<Hub>, backend: Arc<dyn Backend>) -> Self {
        Self {
            name: name.into(),
            hub,
            backend,
            users: Users::Request,
            names: Names::default(),
            own_ids: false,
            methods: Vec::new(),
        }
    }

    /// An embedded hub whose clients are in `hub`: its streams are told as progress.
    #[must_use]
    pub fn embedded(embedded: &EmbeddedHub, hub: Arc<Hub>) -> Self {
        let (mut names, mut methods) = (Names::default(), Vec::new());
        for method in embedded.methods() {
            if method.is_stream {
                names = names.stream(&method.name);
            }
            methods.push(BridgedMethod {
                name: method.name.clone(),
                parameters: Vec::new(),
            });
        }
        Self {
            names,
            methods,
            ..Self::new(embedded.name(), hub, Arc::new(embedded.clone()))
        }
    }
}

/// Runs the hubs of legacy clients by hubs for Core clients.
#[derive(Debug)]
pub struct Bridge {
    hubs: Arc<Hubs>,
}

/// All hubs of a bridge.
#[derive(Debug)]
struct Hubs {
    all: Vec<Arc<Bridged>>,
    /// By the name in lower case.
    by_name: HashMap<String, Arc<Bridged>>,
    /// What was said of clients without hubs.
    losses: Losses,
}

/// One hub, as its conversations share it.
#[derive(Debug)]
struct Bridged {
    hub: Arc<Hub>,
    backend: Arc<dyn Backend>,
    transcoder: Arc<Transcoder>,
    users: Users,
    own_ids: bool,
    max_message_bytes: usize,
    methods: Vec<BridgedMethod>,
    /// What was said of its clients.
    losses: Losses,
}

impl Bridge {
    /// A bridge to these hubs. Of two with one name the first counts.
    #[must_use]
    pub fn new(hubs: Vec<BridgedHub>) -> Self {
        let (mut all, mut by_name) = (Vec::new(), HashMap::new());
        for bridged in hubs {
            let transcoder = Arc::new(Transcoder::new(bridged.name, bridged.names));
            let lower = transcoder.hub().to_lowercase();
            if by_name.contains_key(&lower) {
                continue;
            }
            let speaker = Arc::clone(&transcoder);
            bridged.hub.set_transcode(speaker);
            let rules = bridged.backend.rules(&bridged.hub);
            let hub = Arc::new(Bridged {
                max_message_bytes: rules.max_message_bytes,
                hub: bridged.hub,
                backend: bridged.backend,
                transcoder,
                users: bridged.users,
                own_ids: bridged.own_ids,
                methods: bridged.methods,
                losses: Losses::default(),
            });
            by_name.insert(lower, Arc::clone(&hub));
            all.push(hub);
        }
        let hubs = Hubs {
            all,
            by_name,
            losses: Losses::default(),
        };
        Self {
            hubs: Arc::new(hubs),
        }
    }
}

impl Hubs {
    /// The hub of a name, whatever its case.
    fn find(&self, name: &str) -> Option<&Arc<Bridged>> {
        match self.by_name.get(name) {
            Some(hub) => Some(hub),
            None => self.by_name.get(&name.to_lowercase()),
        }
    }
}

impl Bridged {
    /// The name as declared.
    fn name(&self) -> &str {
        self.transcoder.hub()
    }

    fn names(&self) -> &Names {
        self.transcoder.names()
    }

    /// A client did what has no place here.
    fn warn_of(&self, loss: Loss, protocol: ClientProtocol) {
        self.losses.warn(loss, self.name(), protocol);
    }
}

impl LegacyBackend for Bridge {
    fn rules(&self) -> LegacyRules {
        let largest = self.hubs.all.iter().map(|hub| hub.max_message_bytes);
        LegacyRules {
            max_message_bytes: largest.max().unwrap_or_default(),
            starts_at_connect: false,
            names_users: self.hubs.all.iter().any(|hub| hub.users.are_named_here()),
        }
    }

    fn unknown_hub<'h>(&self, hubs: &'h [Box<str>]) -> Option<&'h str> {
        let mut names = hubs.iter().map(AsRef::as_ref);
        names.find(|hub| self.hubs.find(hub).is_none())
    }

    fn admit<'a>(
        &'a self,
        request: &'a ClientRequest,
        hubs: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Admission, NotAdmitted>> {
        Box::pin(self.hubs.admit(request, hubs))
    }

    fn open(&self, opening: LegacyOpening) -> Box<dyn LegacyConversation> {
        Box::new(BridgeConversation::new(&self.hubs, opening))
    }

    fn script<'a>(
        &'a self,
        _request: &'a ClientRequest,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, Refusal>> {
        let proxies: Vec<_> = self.hubs.all.iter().map(|hub| proxy(hub)).collect();
        let mut script = Vec::new();
        proxy_script::write(&mut script, url, &proxies);
        Box::pin(std::future::ready(Ok(script)))
    }
}

fn proxy(hub: &Bridged) -> HubProxy<'_> {
    let methods = hub.methods.iter().map(|method| MethodProxy {
        called: &method.name,
        property: proxy_script::method_property(&method.name).into(),
        parameters: method.parameters.iter().map(|name| &**name).collect(),
    });
    HubProxy {
        name: proxy_script::hub_property(hub.name()).into(),
        methods: methods.collect(),
    }
}
