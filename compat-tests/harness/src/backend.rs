//! What the clients are driven against.

use anyhow::{Result, bail};
use tokio::net::TcpListener;

use crate::process::Server;
use crate::splitter::Splitter;
use crate::world::World;
use crate::{install, places};

/// The key of the development mode.
pub const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// What a backend is.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name in reports.
    pub name: &'static str,
    /// Whose clients it serves.
    pub world: World,
    /// Whether negotiate sends clients to another address.
    pub redirects: bool,
    /// Whether its hubs are those of ASP.NET SignalR, with state and overloads.
    pub is_classic: bool,
    /// Whether clients of ASP.NET SignalR meet TestHub of the ASP.NET Core app there, which is asked
    /// less than the others.
    pub is_testhub: bool,
    /// What it is, for a reader.
    pub about: &'static str,
}

/// The backends of a full run.
pub static BACKENDS: [Kind; 9] = [
    Kind {
        name: "embedded",
        world: World::Core,
        redirects: false,
        is_classic: false,
        is_testhub: false,
        about: "hubs in Rust, in one program with Heliograph",
    },
    Kind {
        name: "azure",
        world: World::Core,
        redirects: true,
        is_classic: false,
        is_testhub: false,
        about: "an ASP.NET Core app on the unmodified Microsoft.Azure.SignalR 1.34.0, its clients \
                redirected to Heliograph",
    },
    Kind {
        name: "direct",
        world: World::Core,
        redirects: false,
        is_classic: false,
        is_testhub: false,
        about: "the same app serving its hubs itself, with Heliograph in front",
    },
    Kind {
        name: "conformance",
        world: World::Legacy,
        redirects: false,
        is_classic: false,
        is_testhub: false,
        about: "hubs in Rust, in one program with Heliograph, at `/signalr`",
    },
    Kind {
        name: "redirected",
        world: World::Legacy,
        redirects: true,
        is_classic: false,
        is_testhub: false,
        about: "the same hubs, their clients redirected to `/aspnetclient` as an app with \
                `MapAzureSignalR` does it",
    },
    Kind {
        name: "bridged-azure",
        world: World::Legacy,
        redirects: false,
        is_classic: false,
        is_testhub: true,
        about: "the ASP.NET Core app on the unmodified Microsoft.Azure.SignalR 1.34.0: the scenarios \
                that its hub can do under other names, which settings map",
    },
    Kind {
        name: "bridged-direct",
        world: World::Legacy,
        redirects: false,
        is_classic: false,
        is_testhub: true,
        about: "the same of the app serving its hubs itself, with Heliograph in front",
    },
    Kind {
        name: "legacy-app",
        world: World::Legacy,
        redirects: true,
        is_classic: true,
        is_testhub: false,
        about: "an app server at `/aspnetserver` with the same hubs, which redirects its clients to \
                `/aspnetclient`",
    },
    Kind {
        name: "legacy-app-direct",
        world: World::Legacy,
        redirects: false,
        is_classic: true,
        is_testhub: false,
        about: "the same app, its clients at Heliograph's own `/signalr`",
    },
];

/// The reference app alone: tells whether a driver or the service is to blame.
pub static REFERENCE: Kind = Kind {
    name: "self",
    world: World::Core,
    redirects: false,
    is_classic: false,
    is_testhub: false,
    about: "the reference app by itself",
};

impl Kind {
    /// The backend of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let mut known = BACKENDS.iter().chain([&REFERENCE]);
        known.find(|known| known.name == name)
    }

    /// The names of all, for a reader.
    #[must_use]
    pub fn names() -> String {
        let known = BACKENDS.iter().chain([&REFERENCE]);
        known.map(|known| known.name).collect::<Vec<_>>().join(", ")
    }
}

/// Hubs with the paths they have in the apps.
const HUBS: [(&str, &str); 3] = [
    ("testhub", "testhub"),
    ("secrethub", "secret"),
    ("bench", "bench"),
];

/// One running backend: an address that serves hubs and control endpoints.
#[derive(Debug)]
pub struct Backend {
    url: String,
    /// Where legacy clients are served, below the address.
    path: &'static str,
    /// Kept alive, in the order in which they are to end.
    servers: Vec<Server>,
    _splitter: Option<Splitter>,
}

impl Backend {
    /// Starts the backend of this name.
    ///
    /// # Errors
    ///
    /// When one of its programs does not become ready.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_with(name, &[]).await
    }

    /// Starts the backend of this name, its app with further `--options`.
    ///
    /// # Errors
    ///
    /// When one of its programs does not become ready.
    pub async fn start_with(name: &str, options: &[&str]) -> Result<Self> {
        let stateful = [&STATEFUL, options].concat();
        match name {
            "embedded" => Ok(Self::alone(testhub(&stateful).await?)),
            "azure" => Self::azure(&stateful).await,
            "direct" => Self::direct(&stateful).await,
            "self" => Ok(Self::alone(app(&stateful).await?)),
            "conformance" => {
                let options = [&["--set", REPLAY], options].concat();
                Ok(Self::legacy(conformance(&options).await?, "/signalr"))
            }
            "redirected" => {
                let options = [&["--redirect", "1", "--set", REPLAY], options].concat();
                let app = conformance(&options).await?;
                Ok(Self::legacy(app, "/redirect/signalr"))
            }
            "bridged-azure" => Self::bridged_azure(options).await,
            "bridged-direct" => Self::bridged_direct(options).await,
            "legacy-app" => Self::legacy_app(options).await,
            "legacy-app-direct" => Self::legacy_app_direct(options).await,
            other => bail!("there is no backend '{other}', but {}", Kind::names()),
        }
    }

    /// The address that drivers get.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path below it at which legacy clients negotiate; nothing for Core.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// What its programs printed last.
    #[must_use]
    pub fn log(&self) -> String {
        let logs: Vec<String> = self.servers.iter().map(Server::log).collect();
        logs.join("\n--\n")
    }

    fn alone(app: Server) -> Self {
        Self {
            url: app.url().to_owned(),
            path: "",
            servers: vec![app],
            _splitter: None,
        }
    }

    fn legacy(app: Server, path: &'static str) -> Self {
        Self {
            path,
            ..Self::alone(app)
        }
    }

    async fn legacy_app(options: &[&str]) -> Result<Self> {
        let service = service(&[REPLAY]).await?;
        let app = legacyapp("127.0.0.1:0", &service, options).await?;
        Ok(Self {
            url: app.url().to_owned(),
            path: "/signalr",
            servers: vec![app, service],
            _splitter: None,
        })
    }

    async fn legacy_app_direct(options: &[&str]) -> Result<Self> {
        // The two must know of each other.
        let address = free_address().await?;
        let app_url = format!("legacy.app_url=\"http://{address}/signalr\"");
        let service = service(&[&app_url, "legacy.allowed_origins=[\"*\"]", REPLAY]).await?;
        let app = legacyapp(&address, &service, options).await?;
        let paths = ["/signalr".to_owned()];
        let splitter = Splitter::start(&paths, service.address(), app.address()).await?;
        Ok(Self {
            url: splitter.url().to_owned(),
            path: "/signalr",
            servers: vec![app, service],
            _splitter: Some(splitter),
        })
    }

    async fn bridged_azure(options: &[&str]) -> Result<Self> {
        // The two must know of each other.
        let address = free_address().await?;
        let hub = |hub: &str, path: &str| {
            [
                format!("hubs.{hub}.backend=\"server\""),
                format!("hubs.{hub}.negotiate_url=\"http://{address}/{path}\""),
            ]
        };
        let hubs = [hub("testhub", "testhub"), hub("secrethub", "secret")].concat();
        let service = bridging(&hubs).await?;
        let connection = connection_string(&service);
        let app = app_at(&address, &[&["--azure", &connection], options].concat()).await?;
        Ok(Self::bridged(service, vec![app]))
    }

    async fn bridged_direct(options: &[&str]) -> Result<Self> {
        let app = app(options).await?;
        let hub = |hub: &str, path: &str| format!("hubs.{hub}.url=\"{}/{path}\"", app.url());
        // A header that a client adds to see it in the hub.
        let header = "hubs.testhub.forward_headers=[\"x-probe\"]".to_owned();
        let hubs = [
            hub("testhub", "testhub"),
            hub("secrethub", "secret"),
            header,
        ];
        let service = bridging(&hubs).await?;
        Ok(Self::bridged(service, vec![app]))
    }

    /// Legacy clients of hubs elsewhere.
    fn bridged(service: Server, apps: Vec<Server>) -> Self {
        let mut backend = Self::legacy(service, "/signalr");
        backend.servers.extend(apps);
        backend
    }

    async fn azure(options: &[&str]) -> Result<Self> {
        let service = service(&[]).await?;
        let connection = connection_string(&service);
        let app = app(&[&["--azure", &connection], options].concat()).await?;
        Ok(Self {
            url: app.url().to_owned(),
            path: "",
            servers: vec![app, service],
            _splitter: None,
        })
    }

    async fn direct(options: &[&str]) -> Result<Self> {
        let app = app(options).await?;
        let settings: Vec<String> = HUBS
            .iter()
            .flat_map(|(hub, path)| direct_settings(hub, path, app.url()))
            .collect();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let service = service(&settings).await?;
        let paths = HUBS.map(|(_, path)| format!("/{path}"));
        let splitter = Splitter::start(&paths, service.address(), app.address()).await?;
        Ok(Self {
            url: splitter.url().to_owned(),
            path: "",
            servers: vec![service, app],
            _splitter: Some(splitter),
        })
    }
}

/// What every app gets, so that a client which is granted no stateful reconnects has found a fault.
const STATEFUL: [&str; 2] = ["--stateful", "1"];

/// Clients share the hubs, and each must get through what the others broadcast: a slow one on a busy
/// machine is behind by more than is kept otherwise.
const REPLAY: &str = "legacy.replay_messages=10000";

/// The service on a free port in development mode, with further settings as `name=value`.
///
/// # Errors
///
/// When it does not become ready.
pub async fn service(settings: &[&str]) -> Result<Server> {
    let mut args = vec!["--listen", "127.0.0.1:0"];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    Server::start(&places::program("heliograph"), &args).await
}

/// The service with TestHub under the names of the conformance contract, as far as it has the like,
/// and with what is told of the hubs.
async fn bridging(hubs: &[String]) -> Result<Server> {
    let methods = TESTHUB_METHODS.map(|(old, new)| format!("{old}=\"{new}\""));
    let mut settings = vec![
        format!("hubs.testhub.legacy_methods={{{}}}", methods.join(",")),
        "hubs.testhub.legacy_client_methods={Message=\"received\"}".to_owned(),
        "hubs.testhub.legacy_name=\"Conformance\"".to_owned(),
        "hubs.secrethub.legacy_name=\"Guarded\"".to_owned(),
        "legacy.allowed_origins=[\"*\"]".to_owned(),
        REPLAY.to_owned(),
    ];
    settings.extend_from_slice(hubs);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    service(&settings).await
}

/// What TestHub calls methods of the contract.
const TESTHUB_METHODS: [(&str, &str); 15] = [
    ("Broadcast", "ToAll"),
    ("BroadcastOthers", "ToOthers"),
    ("Callback", "ToCaller"),
    ("ConnectionId", "GetCallerConnectionId"),
    ("JoinGroup", "Join"),
    ("Large", "Big"),
    ("LeaveGroup", "Leave"),
    ("SendConnection", "ToClient"),
    ("SendGroup", "ToGroup"),
    ("SendOthersInGroup", "ToOthersInGroup"),
    ("SendUser", "ToUser"),
    ("Throw", "ThrowException"),
    ("ThrowHub", "ThrowHubException"),
    ("UserName", "UserId"),
    ("Void", "Nothing"),
];

/// The reference app with further `--options`: self-hosted, or an app server with `--azure`.
///
/// # Errors
///
/// When it does not become ready, or the .NET programs are not there
/// ([`install::is_absent`] tells).
pub async fn app(options: &[&str]) -> Result<Server> {
    app_at("127.0.0.1:0", options).await
}

/// The same at this address.
async fn app_at(address: &str, options: &[&str]) -> Result<Server> {
    let program = install::dotnet().await?.join("bin/coreapp");
    let url = format!("http://{address}");
    let args = ["--urls", &url, "--exit-on-eof", "1"];
    Server::start(&program, &[&args[..], options].concat()).await
}

/// The same hubs in Rust, embedded in a program.
async fn testhub(options: &[&str]) -> Result<Server> {
    let args = ["--listen", "127.0.0.1:0", "--exit-on-eof", "1"];
    let args = [&args[..], options].concat();
    Server::start(&places::program("testhub"), &args).await
}

/// The hubs of the conformance contract, embedded in a program that takes the service's settings,
/// with further options.
///
/// # Errors
///
/// When it does not become ready.
pub async fn conformance(options: &[&str]) -> Result<Server> {
    conformance_at("127.0.0.1:0", options).await
}

/// The same at this address.
///
/// # Errors
///
/// When it does not become ready.
pub async fn conformance_at(address: &str, options: &[&str]) -> Result<Server> {
    let args = ["--listen", address, "--exit-on-eof", "1"];
    let args = [&args[..], options].concat();
    Server::start(&places::program("conformance"), &args).await
}

/// The same hubs in an app server for legacy clients, at this address.
async fn legacyapp(address: &str, service: &Server, options: &[&str]) -> Result<Server> {
    let azure = connection_string(service);
    let args = ["--listen", address, "--azure", &azure, "--exit-on-eof", "1"];
    let args = [&args[..], options].concat();
    Server::start(&places::program("legacyapp"), &args).await
}

/// An address that nobody listens at.
async fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(listener.local_addr()?.to_string())
}

/// What an app server connects with.
#[must_use]
pub fn connection_string(service: &Server) -> String {
    format!("Endpoint={};AccessKey={KEY};Version=1.0;", service.url())
}

fn direct_settings(hub: &str, path: &str, app: &str) -> [String; 6] {
    [
        "backend=\"direct\"".to_owned(),
        format!("url=\"{app}/{path}\""),
        format!("path=\"/{path}\""),
        "stateful_reconnect=true".to_owned(),
        // The headers that drivers add to see them in the hub.
        "forward_headers=[\"x-test-user\", \"x-first\", \"x-second\", \"x-third\"]".to_owned(),
        // The browser's page has an origin of its own.
        "allowed_origins=[\"*\"]".to_owned(),
    ]
    .map(|setting| format!("hubs.{hub}.{setting}"))
}
