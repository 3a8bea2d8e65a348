#![deny(unsafe_code)]
pub mod error;
pub mod graph;
pub mod kernels;
pub mod report;
pub use error::{Error, Result};
