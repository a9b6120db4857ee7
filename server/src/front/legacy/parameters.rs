//! What the query and the form of a request say (1.3).

use std::fmt;

use axum::body::Body;
use heliograph_protocol::legacy::{ClientProtocol, Cursor, LegacyTransport};
use http_body_util::{BodyExt, Limited};

use crate::backend::form_pairs;

/// Parameters of a request. Names compare ignoring case, of two with one name the first counts,
/// and the query goes before the form.
#[derive(Default)]
pub(super) struct Parameters {
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
}

/// A form that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormError {
    TooLarge,
    Broken,
}

impl Parameters {
    pub(super) fn of_query(query: &str) -> Self {
        Self {
            query: form_pairs(query).collect(),
            form: Vec::new(),
        }
    }

    /// Reads the body as a form, whatever it calls itself: clients do not (0, rule 5).
    pub(super) async fn read_form(&mut self, body: Body, limit: usize) -> Result<(), FormError> {
        let body = Limited::new(body, limit).collect().await;
        let body = body.map_err(|error| {
            let is_too_large = error.is::<http_body_util::LengthLimitError>();
            if is_too_large {
                FormError::TooLarge
            } else {
                FormError::Broken
            }
        })?;
        let body = body.to_bytes();
        self.form = form_urlencoded::parse(&body).into_owned().collect();
        Ok(())
    }

    /// The value of a parameter; an empty one counts as absent.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let pairs = self.query.iter().chain(&self.form);
        let mut named = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named
            .next()
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// What `/send` sends: the form first, as most clients do it.
    pub(super) fn data(&self) -> Option<&str> {
        let pairs = self.form.iter().chain(&self.query);
        let mut named = pairs.filter(|(key, _)| key.eq_ignore_ascii_case("data"));
        named.next().map(|(_, value)| value.as_str())
    }

    /// The version that the request names. Some clients name it when they negotiate and no more.
    pub(super) fn protocol(&self) -> Option<ClientProtocol> {
        let text = self.value("clientProtocol")?;
        Some(ClientProtocol::parse(Some(text)))
    }

    pub(super) fn transport(&self) -> Option<LegacyTransport> {
        LegacyTransport::parse(self.value("transport")?)
    }

    /// The last cursor that the client has seen, if it is one of ours.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        Cursor::parse(self.value("messageId")?)
    }
}

impl fmt::Debug for Parameters {
    /// Names only: values hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.query.iter().chain(&self.form);
        f.debug_list().entries(pairs.map(|(name, _)| name)).finish()
    }
}
