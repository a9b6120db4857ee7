//! Who is connected, who is in what, and where a frame goes.
