//! A plain client of our own, for what a well-behaved one never does.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::carrier::{Carrier, Place, Transport};
use super::http::WAIT;
use super::pack;

/// A hub protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    /// Messages are shown in the form that they have in JSON.
    MessagePack,
}

/// A hub connection. It sends no pings of its own.
#[derive(Debug)]
pub(crate) struct Hub {
    carrier: Carrier,
    protocol: Protocol,
    /// Records received and not looked at yet.
    records: VecDeque<Vec<u8>>,
    /// Messages that nobody has asked for yet.
    waiting: Vec<Value>,
    calls: u64,
    pub(crate) connection_id: String,
}

impl Hub {
    pub(super) async fn open(
        place: Place,
        transport: Transport,
        protocol: Protocol,
    ) -> Result<Self> {
        Ok(Self {
            carrier: Carrier::open(place, transport).await?,
            protocol,
            records: VecDeque::new(),
            waiting: Vec::new(),
            calls: 0,
            connection_id: String::new(),
        })
    }

    /// Sends the handshake and takes its answer.
    pub(crate) async fn shake_hands(&mut self) -> Result<()> {
        match self.handshake().await?.as_str() {
            "{}" => Ok(()),
            refused => bail!("handshake answered with {refused}"),
        }
    }

    /// Sends the handshake.
    pub(crate) async fn begin_handshake(&mut self) -> Result<()> {
        let name = match self.protocol {
            Protocol::Json => "json",
            Protocol::MessagePack => "messagepack",
        };
        let request = format!("{{\"protocol\":\"{name}\",\"version\":1}}\u{1e}");
        let is_text = self.protocol == Protocol::Json;
        self.carrier.send(request.as_bytes(), is_text).await
    }

    /// Sends the handshake and gives its answer.
    pub(crate) async fn handshake(&mut self) -> Result<String> {
        self.begin_handshake().await?;
        self.handshake_answer().await
    }

    /// The answer to a handshake that has begun.
    pub(crate) async fn handshake_answer(&mut self) -> Result<String> {
        let received = timeout(WAIT, self.carrier.receive())
            .await
            .context("no handshake answer in time")??;
        let end = received.iter().position(|byte| *byte == 0x1e);
        let (answer, rest) = received.split_at(end.context("no end of the handshake answer")?);
        self.take_records(rest.get(1..).unwrap_or_default())?;
        Ok(String::from_utf8_lossy(answer).into_owned())
    }

    /// Where its requests go, and their headers; not for WebSockets.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.carrier.place()
    }

    /// Sends text as it is.
    pub(crate) async fn send_text(&mut self, text: &str) -> Result<()> {
        self.carrier.send(text.as_bytes(), true).await
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.carrier.send(bytes, false).await
    }

    /// What the transport brings next, whatever it is.
    pub(crate) async fn next_bytes(&mut self) -> Result<Vec<u8>> {
        timeout(WAIT, self.carrier.receive())
            .await
            .context("nothing came in time")?
    }

    /// Sends a hub message, given as in JSON.
    pub(crate) async fn send(&mut self, message: &Value) -> Result<()> {
        match self.protocol {
            Protocol::Json => self.send_text(&format!("{message}\u{1e}")).await,
            Protocol::MessagePack => self.carrier.send(&pack::write(message)?, false).await,
        }
    }

    /// Calls a hub method and gives the call's id at once; type 4 is a stream.
    pub(crate) async fn begin(
        &mut self,
        kind: u8,
        target: &str,
        arguments: Value,
    ) -> Result<String> {
        self.begin_with(kind, target, arguments, &[]).await
    }

    /// The same with streams that this client will send.
    pub(crate) async fn begin_with(
        &mut self,
        kind: u8,
        target: &str,
        arguments: Value,
        streams: &[&str],
    ) -> Result<String> {
        self.calls += 1;
        let id = self.calls.to_string();
        let mut call =
            json!({"type": kind, "invocationId": id, "target": target, "arguments": arguments});
        if !streams.is_empty() {
            call["streamIds"] = json!(streams);
        }
        self.send(&call).await?;
        Ok(id)
    }

    /// The completion of a call.
    pub(crate) async fn completion(&mut self, id: &str) -> Result<Value> {
        self.take("a completion", |message| {
            message["type"] == 3 && message["invocationId"] == id
        })
        .await
    }

    /// Calls a hub method and gives its result.
    pub(crate) async fn invoke(&mut self, target: &str, arguments: Value) -> Result<Value> {
        let id = self.begin(1, target, arguments).await?;
        let completion = self.completion(&id).await.context(target.to_owned())?;
        if let Some(error) = completion["error"].as_str() {
            bail!("{target}: {error}");
        }
        Ok(completion["result"].clone())
    }

    /// The arguments of the next call of `target` at this client.
    pub(crate) async fn called(&mut self, target: &str) -> Result<Value> {
        let call = self
            .take(target, |message| {
                message["type"] == 1 && message["target"] == target
            })
            .await?;
        Ok(call["arguments"].clone())
    }

    /// Answers the next call of `target` that wants a result.
    pub(crate) async fn reply(&mut self, target: &str, result: Value) -> Result<()> {
        let call = self
            .take(target, |message| {
                message["target"] == target && message["invocationId"].is_string()
            })
            .await?;
        let id = &call["invocationId"];
        self.send(&json!({"type": 3, "invocationId": id, "result": result}))
            .await
    }

    /// `Message(text)` comes.
    pub(crate) async fn message(&mut self, text: &str) -> Result<()> {
        self.take(&format!("Message({text})"), |message| {
            message["target"] == "Message" && message["arguments"][0] == text
        })
        .await
        .map(drop)
    }

    /// The next message that is wanted; others stay for later.
    pub(crate) async fn take(
        &mut self,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return Ok(self.waiting.remove(at));
        }
        loop {
            let message = self.next_message().await;
            let message = message.with_context(|| format!("waiting for {what}"))?;
            if wanted(&message) {
                return Ok(message);
            }
            if message["type"] == 7 {
                bail!("closed while waiting for {what}: {message}");
            }
            self.waiting.push(message);
        }
    }

    /// The close message, past whatever comes before it.
    pub(crate) async fn close_message(&mut self) -> Result<Value> {
        self.take("the close", |message| message["type"] == 7).await
    }

    /// Nothing comes before the connection ends.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        match self.next_message().await {
            Ok(message) => bail!("got {message} instead of the end"),
            Err(error) if error.to_string().contains("in time") => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// The next message that is no ping.
    pub(crate) async fn next_message(&mut self) -> Result<Value> {
        loop {
            let (message, _) = self.next_raw().await?;
            if message["type"] != 6 {
                return Ok(message);
            }
        }
    }

    /// The next message, pings included, and the bytes that it was.
    pub(crate) async fn next_raw(&mut self) -> Result<(Value, Vec<u8>)> {
        let limit = tokio::time::Instant::now() + WAIT;
        loop {
            if let Some(record) = self.records.pop_front() {
                let message = match self.protocol {
                    Protocol::Json => serde_json::from_slice(&record)?,
                    Protocol::MessagePack => pack::read(&record)?,
                };
                return Ok((message, record));
            }
            let bytes = tokio::time::timeout_at(limit, self.carrier.receive())
                .await
                .context("nothing came in time")??;
            self.take_records(&bytes)?;
        }
    }

    fn take_records(&mut self, bytes: &[u8]) -> Result<()> {
        match self.protocol {
            Protocol::Json => {
                let records = bytes.split(|byte| *byte == 0x1e);
                self.records
                    .extend(records.filter(|r| !r.is_empty()).map(<[u8]>::to_vec));
            }
            Protocol::MessagePack => self.records.extend(pack::split(bytes)?),
        }
        Ok(())
    }
}
