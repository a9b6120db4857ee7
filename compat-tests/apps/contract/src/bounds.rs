//! What clients may ask for is bounded, as everything is.

/// Characters that `Large` gives at most.
pub const LARGEST: u32 = 16 << 20;
/// Reports that `Progress` makes at most.
pub const REPORTS: u32 = 10_000;
/// Messages that one call sends at most.
pub const LONGEST_BURST: u32 = 100_000;
/// Calls of `PushLater` that wait for their time.
pub const WAITING: usize = 1000;

/// The count, if it is no more than the bound.
///
/// # Errors
///
/// What to tell the client.
pub fn at_most(bound: u32, count: u32) -> Result<u32, String> {
    if count > bound {
        return Err(format!("{count} is more than {bound}."));
    }
    Ok(count)
}
