//! Everything that takes an adapter, on the one that `WGRAD_ADAPTER` names. One device in a process at a time, for two fight
//! over a software driver's threads: run it with `--test-threads=1`.
#![cfg(feature = "gpu")]

mod bench;
mod cli;
mod controls;
mod faults;
mod fusion;
mod fuzz;
mod kernels;
mod kill;
mod limits;
mod matrix;
mod mutation;
mod mutations;
mod numerics;
mod oracle;
mod pytorch;
mod pytorch_losses;
mod streams;
mod submits;
#[path = "../support/mod.rs"]
mod support;
mod tuning;
mod verification;
mod whole;
mod whole_mutation;
mod worked_examples;
