//! The library on the CPU: no adapter is opened, and the program is not run.

mod adafactor;
mod array_files;
mod batch_tables;
mod bench;
mod class_weights;
mod compare;
#[cfg(feature = "tui")]
mod dashboard;
mod data;
mod data_errors;
mod difference;
mod digest;
mod disk;
mod dropout;
mod feed;
mod fusion;
mod fuzz;
mod gemm;
mod gradcheck;
mod graph;
mod init;
mod kernel_bounds_activations;
mod kernel_bounds_losses;
mod kernel_bounds_optimizers;
mod kernel_conformance;
mod kernel_functions;
mod limits;
#[cfg(feature = "cli")]
mod messages;
mod metrics;
mod modules;
mod normalisation;
mod onnx_function;
mod oracle;
mod own_operation;
#[cfg(feature = "gpu")]
mod pace;
mod places;
mod plan;
mod portrait;
mod protobuf;
mod pytorch;
mod pytorch_activations;
mod pytorch_losses;
mod pytorch_names;
mod report;
mod report_axis;
mod report_chart;
mod report_format;
mod report_html;
mod rig;
mod shaders;
mod sizes;
mod spec_errors;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod tuning_cache;
mod verification;
mod verify_layout;
mod verify_report;
mod weights;
mod worked_examples;
