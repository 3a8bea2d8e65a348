//! The library on the CPU: no adapter is opened, and the program is not run.

mod array_files;
mod class_weights;
mod data_errors;
mod dropout;
mod fusion;
mod fuzz;
mod gradcheck;
mod graph;
mod kernel_bounds_activations;
mod kernel_bounds_losses;
mod kernel_bounds_optimizers;
mod kernel_conformance;
mod limits;
mod metrics;
mod modules;
mod normalisation;
mod oracle;
mod own_operation;
mod plan;
mod protobuf;
mod pytorch;
mod pytorch_losses;
mod report_html;
mod rig;
mod shaders;
mod sizes;
mod spec_errors;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod verification;
mod verify_report;
mod weights;
mod worked_examples;
