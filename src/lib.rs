//! Trains neural networks with WGSL compute shaders through wgpu, and proves every gradient against a CPU path.
//!
//! ```
//! use wgrad::Trainer;
//! use wgrad::data::Dataset;
//! use wgrad::exec::Choice;
//! use wgrad::graph::{Activation, Loss, Optimizer};
//!
//! # fn main() -> wgrad::Result<()> {
//! // Four samples of two numbers, one target number each.
//! let xor = Dataset::numbers(&[0., 0., 0., 1., 1., 0., 1., 1.], 2, &[0., 1., 1., 0.], 1);
//!
//! let mut trainer = Trainer::builder(2)
//!     .dense(8, Activation::Tanh)
//!     .dense(1, Activation::Sigmoid)
//!     .loss(Loss::BinaryCrossEntropy)
//!     .optimizer(Optimizer::adam(0.05))
//!     .batch_size(4)
//!     .seed(1)
//!     .device(Choice::Cpu) // Choice::Auto takes a hardware GPU where there is one
//!     .build()?;
//!
//! let losses = trainer.fit(&xor, 500)?;
//! assert!(losses[499] < 0.05);
//!
//! let p = trainer.predict(&xor.x)?;
//! assert!(p[0] < 0.1 && p[1] > 0.9 && p[2] > 0.9 && p[3] < 0.1);
//!
//! // Loss and gradients of a batch, without a step.
//! let gradients = trainer.gradients(&xor)?;
//! assert_eq!(gradients.tensors[0].name, "layers.0.weight");
//! assert_eq!(gradients.tensors[0].shape, [8, 2]);
//! # Ok(())
//! # }
//! ```
//!
//! [`Trainer`] is the blocking interface; `fit`, `step`, `gradients`, `predict`, `save` and `load` are its methods.
//! [`train::run`] trains a [`spec::Spec`] into a run folder, as the program does. [`verify`] holds a device's steps against
//! the CPU in `f64`. Beneath them, in the order of the data's travel: [`nn`] (modules and networks), [`graph`], [`plan`], [`exec`].
//! [`ops`] and [`kernels`] have the operations of this crate; [a user's own](guide#an-operation-of-ones-own) implement the same traits.
//!
//! What stands in this documentation is the interface that version numbers count for; `docs/public-api.txt` lists it, and a
//! change to it shows there. The feature `testing` opens the internals to the crate's own tests; any version may change them.
//!
//! [`guide`] goes through all of it with code: training, a loop of one's own, gradients, verification, embedding, exchange.
//!
//! Features, all of them default but the last: `gpu` brings wgpu; without it the device `cpu` still works. `files` reads CSV, gzip and npz;
//! without it data come from memory, npy, IDX and safetensors files. `images` reads folders of pictures. `cli` is the program, `tui`
//! its dashboard. `parquet` reads Parquet files. An application that trains in its own window wants `default-features = false` with
//! `gpu` and `files`.

#![deny(unsafe_code)]
#![warn(missing_docs)]
// What only the program uses is dead without it.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))]

mod bench;
#[cfg(feature = "cli")]
mod cli;
pub mod compare;
pub mod data;
pub mod error;
pub mod exchange;
pub mod exec;
pub mod graph;
pub mod guide;
pub mod kernels;
pub mod nn;
pub mod ops;
pub mod optim;
mod passes;
pub mod plan;
pub mod report;
pub mod spec;
pub mod target;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
pub mod train;
mod tune;
pub mod verify;

/// The whole program; `src/main.rs` calls it.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use cli::main as program;
pub use error::{Error, Remedy, Result};
/// The name of [`nn`] before version 0.2.
pub use nn as model;
pub use train::{Trainer, TrainerBuilder};
