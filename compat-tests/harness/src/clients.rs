//! The clients that we did not write, and how to run their drivers.

/// One driver: a command that takes `--url`, `--transport` and `--protocol`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    /// Folder of its commands; `{dotnet}` is where the .NET programs are.
    pub(crate) folder: &'static str,
    /// Programs that must be there, with the Debian packages that have them.
    pub(crate) programs: &'static [(&'static str, &'static str)],
    pub(crate) install: Option<&'static str>,
    pub(crate) run: &'static str,
    pub(crate) modes: &'static [(&'static str, &'static str)],
}

const WS_JSON: (&str, &str) = ("WebSockets", "json");
const WS_PACK: (&str, &str) = ("WebSockets", "messagepack");
const SSE: (&str, &str) = ("ServerSentEvents", "json");
const LP_JSON: (&str, &str) = ("LongPolling", "json");
const LP_PACK: (&str, &str) = ("LongPolling", "messagepack");
const ALL: &[(&str, &str)] = &[WS_JSON, WS_PACK, SSE, LP_JSON, LP_PACK];

const NODE: &[(&str, &str)] = &[("node", "nodejs"), ("npm", "npm")];
const JS: &str = "compat-tests/clients/js";
const NPM: Option<&str> = Some("npm ci --silent --no-audit --no-fund");
const OTHERS: &str = "compat-tests/clients";

/// A version of the JavaScript client in Node.
const fn js(name: &'static str, run: &'static str) -> Client {
    Client {
        name,
        folder: JS,
        programs: NODE,
        install: NPM,
        run,
        modes: ALL,
    }
}

/// All of them.
pub(crate) const CLIENTS: &[Client] = &[
    Client {
        name: "dotnet-10.0.15",
        folder: ".",
        programs: &[],
        install: None,
        run: "{dotnet}/bin/coreclient {url}",
        modes: ALL,
    },
    js(
        "js-microsoft-10.0.11",
        "node driver.mjs --package @microsoft/signalr@10.0.11",
    ),
    Client {
        name: "chromium-microsoft-10.0.11",
        folder: JS,
        programs: &[("node", "nodejs"), ("npm", "npm"), ("chromium", "chromium")],
        install: NPM,
        run: "node driver.mjs --package @microsoft/signalr@10.0.11 --browser",
        modes: ALL,
    },
    js(
        "js-microsoft-8.0.29",
        "node driver.mjs --package @microsoft/signalr@8.0.29",
    ),
    js(
        "js-microsoft-6.0.25",
        "node driver.mjs --package @microsoft/signalr@6.0.25",
    ),
    js(
        "js-microsoft-5.0.17",
        "node driver.mjs --package @microsoft/signalr@5.0.17",
    ),
    js(
        "js-microsoft-3.1.31",
        "node driver.mjs --package @microsoft/signalr@3.1.31",
    ),
    js(
        "js-aspnet-1.1.4",
        "node driver.mjs --package @aspnet/signalr@1.1.4",
    ),
    js(
        "js-aspnet-1.0.4",
        "node driver.mjs --package @aspnet/signalr@1.0.4",
    ),
    Client {
        name: "java-signalr",
        folder: OTHERS,
        programs: &[("javac", "default-jdk-headless"), ("mvn", "maven")],
        install: Some("mvn -q -B -f java/pom.xml package"),
        run: "java -jar java/target/compat-java.jar",
        modes: &[WS_JSON, LP_JSON],
    },
    Client {
        name: "python-signalrcore",
        folder: OTHERS,
        programs: &[("python3", "python3")],
        install: Some(PYTHON),
        run: "python/.venv/bin/python python/drive_signalrcore.py",
        modes: &[WS_JSON, WS_PACK, SSE, LP_JSON],
    },
    Client {
        name: "python-pysignalr",
        folder: OTHERS,
        programs: &[("python3", "python3")],
        install: Some(PYTHON),
        run: "python/.venv/bin/python python/drive_pysignalr.py",
        modes: &[WS_JSON, WS_PACK],
    },
    Client {
        name: "go-signalr",
        folder: OTHERS,
        programs: &[("go", "golang-go")],
        install: Some("go -C go build -o bin/compat-go ."),
        run: "go/bin/compat-go",
        modes: &[WS_JSON, WS_PACK, SSE],
    },
];

const PYTHON: &str = "{ python3 -m venv python/.venv || \
    { apt-get install -y -qq python3-venv && python3 -m venv python/.venv; }; } && \
    python/.venv/bin/pip install -q --disable-pip-version-check -r python/requirements.txt";
