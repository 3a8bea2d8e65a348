//! Training: the engine (plans on a device), the [`Trainer`] for Rust users, and spec-driven runs with their run folder.

#[doc(hidden)]
pub mod checkpoint;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod feed;
#[doc(hidden)]
pub mod forecast;
#[doc(hidden)]
pub mod forward;
pub mod inputs;
pub mod metrics;
#[doc(hidden)]
pub mod plateau;
#[doc(hidden)]
pub mod portrait;
#[doc(hidden)]
pub mod record;
pub mod replay;
pub mod run;
pub mod run_folder;
#[doc(hidden)]
pub mod samples;
#[doc(hidden)]
pub mod tables;
mod trainer;

pub use engine::{Engine, Roles};
pub use samples::SampleSet;
pub use trainer::{Gradients, Trainer, TrainerBuilder};
