//! Training: the engine (plans on a device), the [`Trainer`] for Rust users, and spec-driven runs with their run folder.

pub(crate) mod checkpoint;
pub(crate) mod engine;
pub(crate) mod feed;
pub(crate) mod forecast;
pub(crate) mod forward;
pub mod inputs;
pub mod metrics;
pub(crate) mod plateau;
pub(crate) mod portrait;
pub(crate) mod record;
pub mod replay;
pub mod run;
pub mod run_folder;
pub(crate) mod samples;
pub(crate) mod tables;
mod trainer;

pub use engine::{Engine, Roles};
pub use samples::SampleSet;
pub use trainer::{Gradients, Trainer, TrainerBuilder};
