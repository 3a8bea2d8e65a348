//! The program as a user runs it, on the CPU: each test in a folder of its own.

mod array_data;
mod bad_device_and_weights;
mod bad_spec_and_data;
mod bench;
mod checkpoints;
mod controls;
mod cut_disk;
mod data_columns;
mod early_stopping;
mod examples;
mod exchange;
mod format;
mod grad_command;
mod gradcheck;
mod host_faults;
mod kill;
mod limits;
mod output;
mod parquet;
mod pictures;
mod power_cut;
mod replay;
mod report;
mod results;
mod run_folder;
mod schedules;
mod soak;
mod soak_data;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod tensorboard;
mod tui;
mod tuning;
mod weighting;
