//! Training: the engine (plans on a device), the [`Trainer`] for Rust users, and spec-driven runs with their run folder.

pub mod checkpoint;
pub mod engine;
pub mod feed;
pub mod forecast;
pub mod forward;
pub mod metrics;
pub mod plateau;
pub mod portrait;
pub mod prepare;
pub mod record;
pub mod replay;
pub mod rows;
pub mod run;
pub mod run_folder;
pub mod samples;
pub mod tables;
pub mod tensorboard;
mod trainer;

pub use engine::{Engine, Roles};
pub use trainer::{Gradients, Trainer, TrainerBuilder};
