//! The hub protocol against recorded bytes and against itself.

#[cfg(test)]
mod live;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod stateful;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
