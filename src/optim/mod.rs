//! How gradients become new parameters: optimizers, learning-rate schedules, clipping.

mod choice;
mod clip;
pub mod hyper;
mod rule;
pub mod schedule;

pub use choice::{Adagrad, Adam, Optimizer, RmsProp};
pub use clip::Clip;
pub use hyper::{HYPER, HYPER_COLUMNS};
pub use rule::UpdateRule;
pub use schedule::{OneCycle, Plateau, Schedule, Shape};
