//! Tuning by measurement: which way of computing a matrix product is the fastest on this adapter, kept in a file.
//!
//! `measure` times the ways in which the products of plans may be computed. A [`Lock`] is the resulting table with what it
//! belongs to: adapter, driver and the text of the shaders; it lies in the cache folder ([`cache`]), or in a file of the
//! user's. A device with a tuning ([`crate::exec::Device::tuned`]) makes its plans by it. Nothing is measured while training, so
//! that a run has the same bits every time: the choice changes when `wgrad tune` is called, and a run records which one it had.

pub mod cache;
pub mod lock;
pub mod measure;

pub use cache::{Asked, as_begun, choose};
pub use lock::Lock;
pub use measure::{SECONDS, TimedClass, measure};
