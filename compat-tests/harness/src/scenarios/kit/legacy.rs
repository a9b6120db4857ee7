//! A client of ASP.NET SignalR, request by request: what a library does by itself is left to the
//! scenario.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http::{Answer, http};
use super::legacy_channel::Channel;

/// A transport of legacy clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    WebSockets,
    ServerSentEvents,
    ForeverFrame,
    LongPolling,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [
        Self::WebSockets,
        Self::ServerSentEvents,
        Self::ForeverFrame,
        Self::LongPolling,
    ];

    /// Its name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "webSockets",
            Self::ServerSentEvents => "serverSentEvents",
            Self::ForeverFrame => "foreverFrame",
            Self::LongPolling => "longPolling",
        }
    }
}

/// Where a client has got to, for when it comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) cursor: String,
    pub(crate) groups: String,
}

/// A connection that was negotiated.
#[derive(Clone, Debug)]
pub(crate) struct Legacy {
    /// URL of the endpoint, without a slash at its end.
    pub(crate) base: String,
    pub(crate) way: Way,
    /// The version of the protocol that it speaks.
    version: &'static str,
    /// The first of its hubs, which calls are for.
    hub: String,
    /// What every request says behind its version: hubs, and what the scenario wants to say.
    pub(crate) query: String,
    pub(crate) token: String,
    pub(crate) id: String,
    access_token: Option<String>,
}

impl Legacy {
    /// Negotiates at `url` for the hub `conformance`; `pairs` are added to every query.
    pub(crate) async fn negotiate(url: &str, way: Way, pairs: &str) -> Result<Self> {
        Self::negotiate_for(url, way, &["conformance"], pairs).await
    }

    /// The same for several hubs. A redirect is followed.
    pub(crate) async fn negotiate_for(
        url: &str,
        way: Way,
        hubs: &[&str],
        pairs: &str,
    ) -> Result<Self> {
        let hub = hubs.first().copied().unwrap_or_default().to_owned();
        let hubs: Vec<Value> = hubs.iter().map(|hub| json!({"name": hub})).collect();
        let data = escape(&Value::from(hubs).to_string());
        let mut client = Self {
            base: url.trim_end_matches('/').to_owned(),
            way,
            version: "2.1",
            hub,
            query: format!("connectionData={data}&{pairs}"),
            token: String::new(),
            id: String::new(),
            access_token: None,
        };
        for _ in 0..2 {
            let answer = client.get("negotiate", "").await?;
            let offer = answer.json()?;
            let text = |name: &str| offer[name].as_str().map(str::to_owned);
            if let Some(redirect) = text("RedirectUrl") {
                let (base, pairs) = redirect.split_once('?').unwrap_or((&redirect, pairs));
                client.query = format!("connectionData={data}&{pairs}");
                base.clone_into(&mut client.base);
                client.access_token = text("AccessToken");
                continue;
            }
            client.token = text("ConnectionToken").context(answer.body.clone())?;
            client.id = text("ConnectionId").context(answer.body)?;
            return Ok(client);
        }
        bail!("it is redirected again and again")
    }

    /// The same connection, with calls for another hub.
    pub(crate) fn calling(mut self, hub: &str) -> Self {
        hub.clone_into(&mut self.hub);
        self
    }

    /// The same connection over another transport.
    pub(crate) fn over(&self, way: Way) -> Self {
        Self {
            way,
            ..self.clone()
        }
    }

    /// The same connection in another version of the protocol, before it connects.
    pub(crate) fn speaking(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    /// Negotiates, connects and starts, as a library does it.
    pub(crate) async fn start(url: &str, way: Way, pairs: &str) -> Result<(Self, Channel)> {
        let client = Self::negotiate(url, way, pairs).await?;
        let channel = client.connect().await?;
        client.finish_start().await?;
        Ok((client, channel))
    }

    /// Opens the first channel, up to its first message.
    pub(crate) async fn connect(&self) -> Result<Channel> {
        let mut channel = Channel::open(self, "connect", Seen::default()).await?;
        let init = channel.envelope().await?;
        if init["S"] != 1 {
            bail!("the channel begins with {init}");
        }
        Ok(channel)
    }

    /// Comes back; the first poll is on its way then.
    pub(crate) async fn reconnect(&self, seen: &Seen) -> Result<Channel> {
        Channel::open(self, "reconnect", seen.clone()).await
    }

    /// Tells the hubs that the client is there.
    pub(crate) async fn finish_start(&self) -> Result<()> {
        let answer = self.get("start", "").await?;
        if answer.json()?["Response"] != "started" {
            bail!("the start was answered with {answer:?}");
        }
        Ok(())
    }

    /// Calls a method by a request, whatever the transport, and gives its result.
    pub(crate) async fn call(&self, method: &str, arguments: Value) -> Result<Value> {
        let call = json!({"H": self.hub, "M": method, "A": arguments, "I": 0});
        let answer = self.send(&call.to_string()).await?;
        result(&answer.json()?).with_context(|| method.to_owned())
    }

    /// Sends a message by a request, whatever the transport.
    pub(crate) async fn send(&self, message: &str) -> Result<Answer> {
        let client = match self.way {
            // Requests may name another transport than the one that is open.
            Way::WebSockets => self.over(Way::ServerSentEvents),
            _ => self.clone(),
        };
        let form = format!("data={}", escape(message));
        client.post("send", "", &form).await
    }

    pub(crate) async fn abort(&self) -> Result<Answer> {
        self.post("abort", "", "").await
    }

    pub(crate) async fn get(&self, action: &str, more: &str) -> Result<Answer> {
        self.request("GET", action, more, "").await
    }

    pub(crate) async fn post(&self, action: &str, more: &str, form: &str) -> Result<Answer> {
        self.request("POST", action, more, form).await
    }

    async fn request(&self, method: &str, action: &str, more: &str, form: &str) -> Result<Answer> {
        let bearer = self.bearer();
        let headers: Vec<(&str, &str)> = bearer
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        http(method, &self.url(action, more), &headers, form).await
    }

    fn bearer(&self) -> Option<String> {
        let token = self.access_token.as_ref();
        token.map(|token| format!("Bearer {token}"))
    }

    /// The URL of a request; `more` begins with an ampersand.
    pub(crate) fn url(&self, action: &str, more: &str) -> String {
        let Self {
            base,
            way,
            version,
            query,
            token,
            ..
        } = self;
        let transport = way.name();
        format!(
            "{base}/{action}?clientProtocol={version}&transport={transport}&connectionToken={token}\
             &{query}{more}"
        )
    }

    /// The URL of a channel: no header can be set for most of them.
    pub(super) fn channel_url(&self, action: &str, seen: &Seen) -> String {
        let mut more = String::new();
        let frame = (self.way == Way::ForeverFrame).then_some("1");
        for (name, value) in [
            ("access_token", self.access_token.as_deref()),
            ("frameId", frame),
            ("messageId", Some(seen.cursor.as_str())),
            ("groupsToken", Some(seen.groups.as_str())),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                more += &format!("&{name}={}", escape(value));
            }
        }
        self.url(action, &more)
    }
}

/// The result in what answers a call.
pub(super) fn result(answer: &Value) -> Result<Value> {
    match answer["E"].as_str() {
        Some(error) => bail!("{error}"),
        None if answer["I"].is_null() => bail!("{answer} is no result"),
        None => Ok(answer["R"].clone()),
    }
}

/// A text as part of a query or form.
pub(crate) fn escape(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes()
        .map(|byte| match is_plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
