//! The options of the commands that measure, and of their results.

use super::{DeviceArgs, SwitchArgs};
use crate::tune::Asked;
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
    pub ways: WayArgs,
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

/// Which ways of computing to leave out, and which measured ones to take for products.
#[derive(Debug, Clone, Default, Args)]
pub struct WayArgs {
    #[command(flatten)]
    pub switches: SwitchArgs,
    /// How matrix products are computed. auto: as `wgrad tune` found on this adapter, driver and version of the
    /// shaders, where it was called; none: by the rules alone; or a file that `wgrad tune --out` wrote
    #[arg(long, value_name = "auto|none|FILE", default_value = "auto", value_parser = tuning)]
    pub tuning: Asked,
}

fn tuning(text: &str) -> Result<Asked, String> {
    match text {
        "" => Err("an empty path; give a file, auto or none".into()),
        "auto" => Ok(Asked::Auto),
        "none" => Ok(Asked::Rules),
        file => Ok(Asked::File(file.into())),
    }
}

impl WayArgs {
    /// The device with the tuning that is asked for.
    pub fn choose(&self, device: crate::exec::Device) -> crate::error::Result<crate::exec::Device> {
        crate::tune::choose(device, &self.tuning)
    }
}

#[derive(Debug, Args)]
pub struct Tune {
    /// Specs, or workloads of `wgrad bench` [default: every workload]
    #[arg(value_name = "SPEC.toml|WORKLOAD")]
    pub subjects: Vec<String>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// File to write, for a repository; without it the result goes to the cache, where it is found again
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Time of the measurement in seconds; pipelines and a first round come on top
    #[arg(long, value_name = "S", default_value_t = crate::tune::SECONDS, value_parser = seconds)]
    pub seconds: f64,
    #[command(flatten)]
    pub switches: SwitchArgs,
    /// Print JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    super::number(text, |x| x > 0.0 && x <= 3600.0, "a number of seconds above 0, at most 3600")
}
