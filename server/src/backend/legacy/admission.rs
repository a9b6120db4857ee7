//! Who may come in.

use crate::auth::Identity;

/// A client that may come in.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Who it is: in the first of its hubs, or without any.
    pub identity: Identity,
    /// The hubs that it may listen to, of those that it lists.
    pub hubs: Vec<AdmittedHub>,
}

/// A hub that a client may listen to.
#[derive(Clone, Debug)]
pub struct AdmittedHub {
    /// The hub, as the client wrote it.
    pub name: Box<str>,
    /// Who the client is there, where it is somebody else than in the first of its hubs: hubs of
    /// different apps may know it by different users.
    pub identity: Option<Identity>,
}

impl AdmittedHub {
    /// A hub to which the client comes as who it is.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            identity: None,
        }
    }
}

/// Why a client may not come in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// It lists a hub that nobody runs.
    #[error("there is no hub '{0}'")]
    UnknownHub(Box<str>),
    /// Every hub that it lists refuses it: 401 for nobody in particular, 403 for a known user.
    #[error("no hub that the client lists lets it in")]
    Unauthorized {
        /// Whether we, or the app, know who the client is.
        is_known: bool,
    },
    /// Its credentials have ended: no new connection, but one that stands goes on.
    #[error("the client's credentials have ended")]
    Expired {
        /// Whom they named.
        user: Option<Box<str>>,
    },
    /// An app refuses it, and says this to it.
    #[error("{0}")]
    Refused(Box<str>),
    /// Whoever has to be asked cannot be asked now.
    #[error("hub '{hub}' is unavailable: {why}")]
    Unavailable {
        /// The hub's name.
        hub: Box<str>,
        /// What went wrong, without secrets.
        why: Box<str>,
    },
}

impl Admission {
    /// Puts together who a client is in each of the hubs that it lists. Hubs that refuse it are left
    /// out, unless all do; with any other fault it does not come in.
    ///
    /// # Errors
    ///
    /// Why it does not come in.
    pub fn of(
        answers: impl IntoIterator<Item = (Box<str>, Result<Identity, NotAdmitted>)>,
    ) -> Result<Self, NotAdmitted> {
        let (mut admission, mut refused): (Option<Self>, Option<NotAdmitted>) = (None, None);
        for (name, answer) in answers {
            match answer {
                Ok(identity) => match &mut admission {
                    None => {
                        let hubs = vec![AdmittedHub::new(&name)];
                        admission = Some(Self { identity, hubs });
                    }
                    Some(admission) => admission.hubs.push(AdmittedHub {
                        name,
                        identity: Some(identity),
                    }),
                },
                Err(fault @ (NotAdmitted::Unauthorized { .. } | NotAdmitted::Refused(_))) => {
                    refused = Some(match refused {
                        Some(before) => before.or_clearer(fault),
                        None => fault,
                    });
                }
                Err(fault) => return Err(fault),
            }
        }
        let nobody = NotAdmitted::Unauthorized { is_known: false };
        admission.ok_or_else(|| refused.unwrap_or(nobody))
    }
}

impl NotAdmitted {
    /// Which of two refusals says more.
    fn or_clearer(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Refused(_), _) | (_, Self::Unauthorized { is_known: false }) => self,
            _ => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(
        answers: impl IntoIterator<Item = Result<&'static str, NotAdmitted>>,
    ) -> Result<Admission, NotAdmitted> {
        let identity = |user: &str| Identity {
            user: Some(user.into()),
            ..Identity::default()
        };
        let names = (0..).map(|number| format!("hub {number}").into());
        Admission::of(names.zip(answers.into_iter().map(|answer| answer.map(identity))))
    }

    fn refused(is_known: bool) -> Result<&'static str, NotAdmitted> {
        Err(NotAdmitted::Unauthorized { is_known })
    }

    fn told(text: &str) -> Result<&'static str, NotAdmitted> {
        Err(NotAdmitted::Refused(text.into()))
    }

    #[test]
    fn a_client_is_who_it_is_in_the_first_hub_that_lets_it_in() {
        let admission = admit([refused(false), Ok("a"), told("no"), Ok("b")]).unwrap();
        assert_eq!(admission.identity.user.as_deref(), Some("a"));
        let user = |hub: &AdmittedHub| hub.identity.as_ref().map(|who| who.user.clone().unwrap());
        let hubs: Vec<_> = admission.hubs.iter().map(|h| (&*h.name, user(h))).collect();
        assert_eq!(hubs, [("hub 1", None), ("hub 3", Some("b".into()))]);
    }

    #[test]
    fn a_client_that_all_refuse_hears_the_clearest_word() {
        for (answers, expected) in [
            (vec![refused(false), refused(true), refused(false)], "known"),
            (vec![refused(false), refused(false)], "unknown"),
            (vec![], "unknown"),
            (vec![refused(true), told("closed"), refused(true)], "closed"),
        ] {
            let fault = match admit(answers).unwrap_err() {
                NotAdmitted::Unauthorized { is_known: true } => "known".to_owned(),
                NotAdmitted::Unauthorized { is_known: false } => "unknown".to_owned(),
                other => other.to_string(),
            };
            assert_eq!(fault, expected);
        }
    }

    #[test]
    fn one_fault_keeps_the_client_out() {
        let expired = || NotAdmitted::Expired { user: None };
        let answers = [Ok("a"), Err(expired()), Ok("b")];
        assert!(matches!(
            admit(answers),
            Err(NotAdmitted::Expired { user: None })
        ));
    }
}
