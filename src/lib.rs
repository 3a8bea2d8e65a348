#![deny(unsafe_code)]
pub mod error;
pub mod exec;
pub mod graph;
pub mod kernels;
pub mod plan;
pub mod report;
pub use error::{Error, Result};
