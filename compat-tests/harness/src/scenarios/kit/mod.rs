//! What scenarios are made of: clients that misbehave on request, apps, bad networks, meters.

mod app;
mod carrier;
mod connect;
mod cuts;
mod http;
mod hub;
mod legacy;
mod legacy_channel;
mod meters;
mod pack;
mod relay;
mod returning;
mod socket;
mod stub;
mod tokens;

pub(super) use app::App;
pub(super) use carrier::Transport;
pub(super) use connect::follow;
pub(super) use cuts::Cuts;
pub(super) use http::{Answer, WAIT, http};
pub(super) use hub::{Hub, Protocol};
pub(super) use legacy::{Legacy, Seen, Way, escape};
pub(super) use legacy_channel::Channel;
pub(super) use meters::{Meters, resident_kib};
pub(super) use relay::Relay;
pub(super) use returning::Returning;
pub(super) use socket::{Socket, masked};
pub(super) use stub::Stub;
pub(super) use tokens::{Claims, client_token};
