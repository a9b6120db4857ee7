//! Names and casing at the border between legacy clients and a Core hub.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::Casing;

/// What is called otherwise on the legacy side of a hub. By default nothing is, which costs
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Targets by method in lower case.
    targets: HashMap<Box<str>, Box<str>>,
    /// Methods of clients by target in lower case.
    methods: HashMap<Box<str>, Box<str>>,
    /// Targets in lower case.
    streams: HashSet<Box<str>>,
    to_hub: Casing,
    to_clients: Casing,
}

impl Names {
    /// Lets legacy clients call the hub's method `target` by the name `method`, in any case.
    #[must_use]
    pub fn method(mut self, method: &str, target: &str) -> Self {
        self.targets
            .insert(method.to_lowercase().into(), target.into());
        self
    }

    /// Calls legacy clients' `method` when the hub calls `target`, in any case.
    #[must_use]
    pub fn client_method(mut self, target: &str, method: &str) -> Self {
        self.methods
            .insert(target.to_lowercase().into(), method.into());
        self
    }

    /// The hub's method `target` answers with a stream: its items are told as progress.
    #[must_use]
    pub fn stream(mut self, target: &str) -> Self {
        self.streams.insert(target.to_lowercase().into());
        self
    }

    /// How members are called in the arguments of calls to the hub.
    #[must_use]
    pub fn casing_to_hub(mut self, casing: Casing) -> Self {
        self.to_hub = casing;
        self
    }

    /// How members are called in results, progress and the arguments of calls to legacy clients.
    #[must_use]
    pub fn casing_to_clients(mut self, casing: Casing) -> Self {
        self.to_clients = casing;
        self
    }

    /// The hub's name for what a client calls.
    pub(super) fn target<'a>(&'a self, method: &'a str) -> &'a str {
        lookup(&self.targets, method)
    }

    /// The clients' name for what the hub calls.
    pub(super) fn method_of<'a>(&'a self, target: &'a str) -> &'a str {
        lookup(&self.methods, target)
    }

    pub(super) fn is_stream(&self, target: &str) -> bool {
        !self.streams.is_empty() && self.streams.contains(target.to_lowercase().as_str())
    }

    pub(super) fn to_hub<'a>(&self, json: &'a str) -> Cow<'a, str> {
        self.to_hub.apply(json)
    }

    pub(super) fn to_clients<'a>(&self, json: &'a str) -> Cow<'a, str> {
        self.to_clients.apply(json)
    }
}

fn lookup<'a>(names: &'a HashMap<Box<str>, Box<str>>, name: &'a str) -> &'a str {
    if names.is_empty() {
        return name;
    }
    names
        .get(name.to_lowercase().as_str())
        .map_or(name, |other| other)
}
