//! Asking the hub before a client gets an id.

use heliograph_protocol::hub::negotiate::{NegotiateAnswer, Transport, parse_answer, write_error};
use http::header::{CONTENT_TYPE, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::timeout;

use super::place::{Place, set_cookies};
use super::{Direct, Trip};
use crate::backend::asking::{Address, Answer, Failure, MAX_ANSWER_BYTES};
use crate::backend::{ClientRequest, Refusal, Ticket};

/// Redirects followed, as the JavaScript client does at most a hundred times; two are usual.
const MAX_REDIRECTS: usize = 5;

impl Direct {
    pub(super) async fn ask(&self, request: &ClientRequest) -> Result<Ticket, Refusal> {
        let asked = timeout(
            self.options.negotiate_timeout,
            self.ask_until_offered(request),
        );
        let (outcome, result) = match asked.await.map_err(Failure::from) {
            Ok(Ok(Ok(ticket))) => ("accepted", Ok(ticket)),
            Ok(Ok(Err(refusal))) => ("refused", Err(refusal)),
            Ok(Err(failure)) | Err(failure) => {
                self.note_failure(&failure);
                ("failed", Err(self.unavailable(&failure)))
            }
        };
        if outcome != "failed" {
            self.note_success();
        }
        metrics::counter!("heliograph.direct.negotiations", "outcome" => outcome).increment(1);
        result
    }

    async fn ask_until_offered(
        &self,
        request: &ClientRequest,
    ) -> Result<Result<Ticket, Refusal>, Failure> {
        let mut place = Place::default();
        for _ in 0..=MAX_REDIRECTS {
            let trip = self.trip(request, &place)?;
            let answer = self.post(trip).await?;
            match answer.status {
                StatusCode::OK => {}
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Ok(Err(passed(answer))),
                status => return Err(Failure::Status(status)),
            }
            let cookies = set_cookies(&answer.headers);
            let body = answer.body.ok_or(Failure::TooLarge)?;
            match parse_answer(&body).map_err(|_| Failure::Unreadable)? {
                NegotiateAnswer::Connect(offer) => {
                    let is_ours = |name: &str| name == Transport::WebSockets.name();
                    if !offer
                        .transports
                        .iter()
                        .any(|offered| is_ours(&offered.name))
                    {
                        return Err(Failure::NoWebSockets);
                    }
                    let id: Box<str> = offer.connection_id.into();
                    let token = offer.connection_token.map(Box::from);
                    place.id = Some(token.unwrap_or_else(|| id.clone()));
                    place.keep_cookies(&cookies);
                    // Cookies of somewhere else are none of ours to set.
                    let set_cookies = place.url.is_none().then_some(cookies);
                    return Ok(Ok(Ticket {
                        connection_id: Some(id),
                        secret: place.into_secret(),
                        set_cookies: set_cookies.unwrap_or_default(),
                    }));
                }
                NegotiateAnswer::Redirect(redirect) => {
                    Address::parse(&redirect.url).map_err(|_| Failure::RedirectUrl)?;
                    place.url = Some(redirect.url.into());
                    place.access_token = redirect.access_token.map(Box::from);
                }
                NegotiateAnswer::Error(error) => {
                    let mut body = Vec::new();
                    write_error(&mut body, &error);
                    return Ok(Err(refusal(StatusCode::OK, "application/json", body)));
                }
            }
        }
        Err(Failure::Redirects)
    }

    async fn post(&self, trip: Trip<'_>) -> Result<Answer, Failure> {
        let url = trip.address.negotiate_url(trip.query());
        let asked = self
            .http
            .ask(Method::POST, &url, trip.headers, MAX_ANSWER_BYTES);
        asked.await
    }

    /// The answer to a client whose hub cannot be asked.
    fn unavailable(&self, failure: &Failure) -> Refusal {
        let text = self.sentence(failure);
        refusal(failure.status(), "text/plain", text.into_bytes())
    }
}

/// The hub's own refusal, as far as it is meant for the client.
fn passed(answer: Answer) -> Refusal {
    let mut headers = HeaderMap::new();
    for name in [WWW_AUTHENTICATE, CONTENT_TYPE, SET_COOKIE] {
        for value in answer.headers.get_all(&name) {
            headers.append(name.clone(), value.clone());
        }
    }
    Refusal {
        status: answer.status,
        headers,
        body: answer.body.unwrap_or_default().into(),
    }
}

fn refusal(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Refusal {
    let kind = (CONTENT_TYPE, HeaderValue::from_static(kind));
    Refusal {
        status,
        headers: HeaderMap::from_iter([kind]),
        body,
    }
}
