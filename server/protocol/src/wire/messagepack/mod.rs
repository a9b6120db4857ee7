//! MessagePack, read without copying and written in shortest forms.
//!
//! The reader and writer are cursors: the caller knows which value comes next. There is no value
//! tree, and a declared length is believed only as far as the input reaches.

mod error;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{Kind, ReadError};
pub use reader::{MAX_DEPTH, Reader};
pub use writer::Writer;
