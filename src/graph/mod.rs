//! stub
pub mod op;
pub use op::{Activation, Adam, Loss, Optimizer};
