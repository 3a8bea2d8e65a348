#![forbid(unsafe_code)]
pub mod error;
pub mod graph;
pub mod kernels;
pub use error::{Error, Result};
