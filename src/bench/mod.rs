//! Benchmarks: workloads that other frameworks run as well, timed through the engine that training uses.
//!
//! A [`Workload`] is data, weights and an order of samples, bit for bit those of the peer programs; [`measure`] trains it on
//! a device and gives a [`Result`](Line) in the peers' form. A step that computes something else than the peers' is no
//! result, however fast: [`Workload::agrees`] decides.

pub mod compare;
pub mod peaks;
pub mod process;
pub mod profile;
pub mod roofline;
pub mod run;
mod spread;
pub mod workload;

pub use run::{Line, Settings, measure};
pub use spread::Spread;
pub use workload::{WORKLOADS, Workload};
