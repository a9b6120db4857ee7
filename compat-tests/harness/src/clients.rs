//! The clients that we did not write, and how to run their drivers.

use crate::install::{
    CHROMIUM, GO, JAVA, LEGACY_GO, LEGACY_JAVA, LEGACY_NPM, LEGACY_PYTHON, NPM, Need, PYTHON, Step,
};
use crate::world::World;

/// A transport and a protocol.
pub type Mode = (&'static str, &'static str);

/// How a driver is told what to do, and whose scenarios it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As clients/README.md has it; it follows the table of its world.
    Table,
    /// The driver of the .NET client of ASP.NET Core, with scenarios of its own.
    CoreClient,
    /// The driver of the .NET client of ASP.NET, with scenarios of its own.
    LegacyClient,
}

/// One driver.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its name, as in `expected.toml`.
    pub name: &'static str,
    /// Whose library it is, in which version.
    pub library: &'static str,
    /// Whose protocol it speaks.
    pub world: World,
    /// How its driver is told what to do.
    pub manner: Manner,
    /// Whether it goes where negotiate sends it. Every client of ASP.NET Core does.
    pub follows_redirects: bool,
    /// What makes it ready to run; the .NET clients need nothing but .NET.
    pub install: Option<&'static Step>,
    /// What it needs besides.
    pub needs: &'static [Need],
    /// Where the command runs, from the project's folder.
    pub folder: &'static str,
    /// The command; `{dotnet}` is where the .NET programs are.
    pub run: &'static str,
    /// What it can do.
    pub modes: &'static [Mode],
    /// How much of it a full run has.
    pub share: Share,
}

/// How much of a client is in a full run. `--all` has everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Each of its modes at every backend.
    Every,
    /// WebSockets with JSON at every backend, each other mode at one, in turn: for what others are
    /// like in most, such as older versions.
    InTurn,
    /// WebSockets at one backend: for what stands between two that are there.
    Once,
    /// Nothing: its like is in a full run already.
    OnRequest,
}

const WS_JSON: Mode = ("WebSockets", "json");
const WS_PACK: Mode = ("WebSockets", "messagepack");
const SSE: Mode = ("ServerSentEvents", "json");
const LP_JSON: Mode = ("LongPolling", "json");
const LP_PACK: Mode = ("LongPolling", "messagepack");
const ALL: &[Mode] = &[WS_JSON, WS_PACK, SSE, LP_JSON, LP_PACK];
const LEGACY: &[Mode] = &[
    ("webSockets", "json"),
    ("serverSentEvents", "json"),
    ("longPolling", "json"),
    ("auto", "json"),
];
const LEGACY_PAGE: &[Mode] = &[
    ("webSockets", "json"),
    ("serverSentEvents", "json"),
    FOREVER_FRAME,
    ("longPolling", "json"),
    ("auto", "json"),
];
/// A frame must have its page's origin, which no redirect leads to.
pub const FOREVER_FRAME: Mode = ("foreverFrame", "json");

const OTHERS: &str = "compat-tests/clients";

/// A version of the JavaScript client, run by `driver.mjs` with these arguments.
const fn js(name: &'static str, library: &'static str, run: &'static str) -> Client {
    Client {
        name,
        library,
        world: World::Core,
        manner: Manner::Table,
        follows_redirects: true,
        install: Some(&NPM),
        needs: &[],
        folder: NPM.folder,
        run,
        modes: ALL,
        share: Share::Every,
    }
}

/// A version of it in Chromium.
const fn chromium(name: &'static str, library: &'static str, run: &'static str) -> Client {
    Client {
        needs: &[CHROMIUM],
        ..js(name, library, run)
    }
}

/// A Python client of ASP.NET, none of which follows redirects.
const fn legacy_python(name: &'static str, library: &'static str, run: &'static str) -> Client {
    Client {
        install: Some(&LEGACY_PYTHON),
        folder: LEGACY_PYTHON.folder,
        modes: &[("webSockets", "json"), ("serverSentEvents", "json")],
        ..stays(legacy_js(name, library, run))
    }
}

/// A version of the JavaScript client of ASP.NET, run in a simulated page by `driver.mjs` with these
/// arguments. Redirects are known from 2.4.0 on.
const fn legacy_js(name: &'static str, library: &'static str, run: &'static str) -> Client {
    Client {
        name,
        library,
        world: World::Legacy,
        manner: Manner::Table,
        follows_redirects: true,
        install: Some(&LEGACY_NPM),
        needs: &[],
        folder: LEGACY_NPM.folder,
        run,
        modes: LEGACY,
        share: Share::Every,
    }
}

/// A version of it in Chromium.
const fn legacy_chromium(name: &'static str, library: &'static str, run: &'static str) -> Client {
    Client {
        needs: &[CHROMIUM],
        modes: LEGACY_PAGE,
        ..legacy_js(name, library, run)
    }
}

/// One from before redirects.
const fn stays(client: Client) -> Client {
    Client {
        follows_redirects: false,
        ..client
    }
}

/// One whose like is in a full run already.
const fn extra(client: Client) -> Client {
    Client {
        share: Share::OnRequest,
        ..client
    }
}

/// One that stands between two that are in a full run.
const fn once(client: Client) -> Client {
    Client {
        share: Share::Once,
        ..client
    }
}

/// One that others are like in most.
const fn in_turn(client: Client) -> Client {
    Client {
        share: Share::InTurn,
        ..client
    }
}

/// All of them, the most used first.
pub const CLIENTS: &[Client] = &[
    Client {
        name: "dotnet-10.0.15",
        library: "Microsoft.AspNetCore.SignalR.Client.Core 10.0.15",
        world: World::Core,
        manner: Manner::CoreClient,
        follows_redirects: true,
        install: None,
        needs: &[],
        folder: ".",
        run: "{dotnet}/bin/coreclient",
        modes: ALL,
        share: Share::Every,
    },
    js(
        "js-microsoft-10.0.11",
        "@microsoft/signalr 10.0.11 in Node",
        "node driver.mjs --package @microsoft/signalr@10.0.11",
    ),
    in_turn(chromium(
        "chromium-microsoft-10.0.11",
        "@microsoft/signalr 10.0.11 in Chromium",
        "node driver.mjs --package @microsoft/signalr@10.0.11 --browser",
    )),
    in_turn(js(
        "js-microsoft-8.0.29",
        "@microsoft/signalr 8.0.29 in Node",
        "node driver.mjs --package @microsoft/signalr@8.0.29",
    )),
    in_turn(js(
        "js-microsoft-6.0.25",
        "@microsoft/signalr 6.0.25 in Node",
        "node driver.mjs --package @microsoft/signalr@6.0.25",
    )),
    in_turn(js(
        "js-microsoft-5.0.17",
        "@microsoft/signalr 5.0.17 in Node",
        "node driver.mjs --package @microsoft/signalr@5.0.17",
    )),
    in_turn(js(
        "js-microsoft-3.1.31",
        "@microsoft/signalr 3.1.31 in Node",
        "node driver.mjs --package @microsoft/signalr@3.1.31",
    )),
    in_turn(js(
        "js-aspnet-1.1.4",
        "@aspnet/signalr 1.1.4 in Node",
        "node driver.mjs --package @aspnet/signalr@1.1.4",
    )),
    in_turn(js(
        "js-aspnet-1.0.4",
        "@aspnet/signalr 1.0.4 in Node",
        "node driver.mjs --package @aspnet/signalr@1.0.4",
    )),
    extra(chromium(
        "chromium-microsoft-8.0.29",
        "@microsoft/signalr 8.0.29 in Chromium",
        "node driver.mjs --package @microsoft/signalr@8.0.29 --browser",
    )),
    extra(chromium(
        "chromium-microsoft-6.0.25",
        "@microsoft/signalr 6.0.25 in Chromium",
        "node driver.mjs --package @microsoft/signalr@6.0.25 --browser",
    )),
    extra(chromium(
        "chromium-microsoft-5.0.17",
        "@microsoft/signalr 5.0.17 in Chromium",
        "node driver.mjs --package @microsoft/signalr@5.0.17 --browser",
    )),
    extra(chromium(
        "chromium-microsoft-3.1.31",
        "@microsoft/signalr 3.1.31 in Chromium",
        "node driver.mjs --package @microsoft/signalr@3.1.31 --browser",
    )),
    extra(chromium(
        "chromium-aspnet-1.1.4",
        "@aspnet/signalr 1.1.4 in Chromium",
        "node driver.mjs --package @aspnet/signalr@1.1.4 --browser",
    )),
    extra(chromium(
        "chromium-aspnet-1.0.4",
        "@aspnet/signalr 1.0.4 in Chromium",
        "node driver.mjs --package @aspnet/signalr@1.0.4 --browser",
    )),
    Client {
        name: "java-signalr",
        library: "com.microsoft.signalr 6.0.0",
        world: World::Core,
        manner: Manner::Table,
        follows_redirects: true,
        install: Some(&JAVA),
        needs: &[],
        folder: OTHERS,
        run: "java -jar java/target/compat-java.jar",
        modes: &[WS_JSON, LP_JSON],
        share: Share::Every,
    },
    Client {
        name: "python-signalrcore",
        library: "signalrcore 1.0.2",
        world: World::Core,
        manner: Manner::Table,
        follows_redirects: true,
        install: Some(&PYTHON),
        needs: &[],
        folder: OTHERS,
        run: "python/.venv/bin/python python/drive_signalrcore.py",
        modes: &[WS_JSON, WS_PACK, SSE, LP_JSON],
        share: Share::InTurn,
    },
    Client {
        name: "python-pysignalr",
        library: "pysignalr 1.3.3",
        world: World::Core,
        manner: Manner::Table,
        follows_redirects: true,
        install: Some(&PYTHON),
        needs: &[],
        folder: OTHERS,
        run: "python/.venv/bin/python python/drive_pysignalr.py",
        modes: &[WS_JSON, WS_PACK],
        share: Share::InTurn,
    },
    Client {
        name: "go-signalr",
        library: "github.com/philippseith/signalr v0.9.0",
        world: World::Core,
        manner: Manner::Table,
        follows_redirects: true,
        install: Some(&GO),
        needs: &[],
        folder: OTHERS,
        run: "go/bin/compat-go",
        modes: &[WS_JSON, WS_PACK, SSE],
        share: Share::InTurn,
    },
    Client {
        name: "legacyclient-2.4.2",
        library: "Microsoft.AspNet.SignalR.Client 2.4.2",
        world: World::Legacy,
        manner: Manner::LegacyClient,
        follows_redirects: true,
        install: None,
        needs: &[],
        folder: ".",
        run: "{dotnet}/bin/legacyclient",
        modes: LEGACY,
        share: Share::Every,
    },
    legacy_js(
        "legacy-js-2.4.3",
        "signalr 2.4.3 with jQuery 3.7.1 in jsdom",
        "node driver.mjs --package signalr@2.4.3",
    ),
    in_turn(legacy_chromium(
        "legacy-chromium-2.4.3",
        "signalr 2.4.3 with jQuery 3.7.1 in Chromium",
        "node driver.mjs --package signalr@2.4.3 --browser",
    )),
    once(legacy_js(
        "legacy-js-2.4.0",
        "signalr 2.4.0 with jQuery 3.7.1 in jsdom",
        "node driver.mjs --package signalr@2.4.0",
    )),
    extra(legacy_chromium(
        "legacy-chromium-2.4.0",
        "signalr 2.4.0 with jQuery 3.7.1 in Chromium",
        "node driver.mjs --package signalr@2.4.0 --browser",
    )),
    once(stays(legacy_js(
        "legacy-js-2.3.0",
        "signalr 2.3.0 with jQuery 3.7.1 in jsdom",
        "node driver.mjs --package signalr@2.3.0",
    ))),
    extra(stays(legacy_chromium(
        "legacy-chromium-2.3.0",
        "signalr 2.3.0 with jQuery 3.7.1 in Chromium",
        "node driver.mjs --package signalr@2.3.0 --browser",
    ))),
    once(stays(legacy_js(
        "legacy-js-2.2.3",
        "signalr 2.2.3 with jQuery 3.7.1 in jsdom",
        "node driver.mjs --package signalr@2.2.3",
    ))),
    extra(stays(legacy_chromium(
        "legacy-chromium-2.2.3",
        "signalr 2.2.3 with jQuery 3.7.1 in Chromium",
        "node driver.mjs --package signalr@2.2.3 --browser",
    ))),
    in_turn(stays(legacy_js(
        "legacy-js-2.2.1",
        "signalr 2.2.1 with jQuery 3.7.1 in jsdom",
        "node driver.mjs --package signalr@2.2.1",
    ))),
    extra(stays(legacy_chromium(
        "legacy-chromium-2.2.1",
        "signalr 2.2.1 with jQuery 3.7.1 in Chromium",
        "node driver.mjs --package signalr@2.2.1 --browser",
    ))),
    once(legacy_js(
        "legacy-no-jquery-0.2.1",
        "signalr-no-jquery 0.2.1 in jsdom",
        "node driver.mjs --package signalr-no-jquery@0.2.1",
    )),
    Client {
        modes: &[("webSockets", "json")],
        ..stays(legacy_js(
            "legacy-node-0.0.20",
            "signalr-client 0.0.20 in Node",
            "node driver.mjs --package signalr-client@0.0.20",
        ))
    },
    Client {
        install: Some(&LEGACY_JAVA),
        folder: LEGACY_JAVA.folder,
        ..stays(legacy_js(
            "legacy-java-2.0.4",
            "com.github.signalr4j:signalr4j 2.0.4",
            "java -jar target/compat-legacy-java.jar",
        ))
    },
    legacy_python(
        "legacy-python-client-0.0.7",
        "signalr-client 0.0.7",
        ".venv/client/bin/python drive_signalr_client.py",
    ),
    legacy_python(
        "legacy-python-unified-0.0.10",
        "signalr-unified-client 0.0.10",
        ".venv/unified/bin/python drive_signalr_unified.py",
    ),
    Client {
        install: Some(&LEGACY_GO),
        folder: LEGACY_GO.folder,
        modes: &[("webSockets", "json")],
        ..stays(legacy_js(
            "legacy-go-0.3.5",
            "github.com/carterjones/signalr v0.3.5",
            "bin/compat-legacy-go",
        ))
    },
];

/// Who also runs with hubs that tell the texts of exceptions.
pub const DETAILED: [(&str, Mode); 2] = [
    ("dotnet-10.0.15", WS_JSON),
    ("js-microsoft-10.0.11", WS_JSON),
];

impl Client {
    /// Whether the command needs .NET.
    #[must_use]
    pub fn needs_dotnet(&self) -> bool {
        self.run.contains("{dotnet}")
    }

    /// Whether its driver has the scenarios of its world's table.
    #[must_use]
    pub fn follows_table(&self) -> bool {
        self.manner == Manner::Table
    }
}
