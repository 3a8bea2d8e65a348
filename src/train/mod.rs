//! Training: the engine (plans on a device), the [`Trainer`] for Rust users, and spec-driven runs with their run folder.

pub mod checkpoint;
pub mod engine;
pub mod forecast;
pub mod metrics;
pub mod prepare;
pub mod replay;
pub mod rows;
pub mod run;
pub mod run_folder;
mod trainer;

pub use engine::{Engine, Evaluation, Roles};
pub use trainer::{Gradients, Trainer, TrainerBuilder};
