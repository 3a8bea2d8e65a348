#![deny(unsafe_code)]
pub mod cli;
pub mod compare;
pub mod data;
pub mod error;
pub mod exec;
pub mod graph;
pub mod kernels;
pub mod model;
pub mod plan;
pub mod report;
pub mod spec;
pub mod train;
pub mod verify;

pub use error::{Error, Result};
pub use train::{Trainer, TrainerBuilder};
