//! How gradients become new parameters: optimizers, learning-rate schedules, clipping.

mod choice;
pub mod hyper;
mod rule;
pub mod schedule;
#[doc(hidden)]
pub mod step;

pub(crate) use choice::Constant;
pub use choice::{Adagrad, Adam, Optimizer, RmsProp};
pub use hyper::{HYPER, HYPER_COLUMNS};
pub use rule::{Clip, UpdateRule};
pub use schedule::{OneCycle, Plateau, Policy, Schedule};
