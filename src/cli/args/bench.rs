//! The options of `wgrad bench`.

use super::{DeviceArgs, SwitchArgs, TuningArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Bench {
    /// seed, digits, mnist, mnist-adam, wide, square [default: all]
    #[arg(value_name = "WORKLOAD")]
    pub workloads: Vec<String>,
    /// Time of a workload's repetitions together, in seconds
    #[arg(long, value_name = "S", default_value_t = 2.5, value_parser = seconds)]
    pub seconds: f64,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub switches: SwitchArgs,
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Print JSON, one line a workload, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
    /// Time every dispatch of a step and hold it against the measured peaks of the device
    #[arg(long)]
    pub profile: bool,
    /// Do the same for every kernel of the table by itself; no workload runs unless named
    #[arg(long)]
    pub kernels: bool,
    /// Compare with the results that --json FILE wrote earlier on this machine
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// Write a trace of a few steps of one workload, for ui.perfetto.dev
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write the roofline of the device with the dispatches, SVG
    #[arg(long, value_name = "FILE")]
    pub roofline: Option<PathBuf>,
    /// This process measures one workload for another process
    #[arg(long, hide = true)]
    pub child: bool,
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 3600.0 => Ok(x),
        _ => Err(format!("{text} is not a number of seconds above 0, at most 3600")),
    }
}
