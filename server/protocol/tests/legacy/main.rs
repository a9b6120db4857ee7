//! The legacy protocol against recorded bytes and against itself.

#[cfg(test)]
mod app_server;
#[cfg(test)]
mod hub_vectors;
#[cfg(test)]
mod live;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod rewrite;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
