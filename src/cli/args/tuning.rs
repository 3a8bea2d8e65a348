//! What concerns measured ways of computing matrix products.

use super::bench::seconds;
use super::{DeviceArgs, SwitchArgs};
use crate::tune::Asked;
use clap::Args;
use std::path::PathBuf;

/// Which measured ways of computing products to take.
#[derive(Debug, Clone, Default, Args)]
pub struct TuningArgs {
    /// How matrix products are computed. auto: as `wgrad tune` found on this adapter, driver and version of the
    /// shaders, where it was called; none: by the rules alone; or a file that `wgrad tune --out` wrote
    #[arg(long = "tuning", value_name = "auto|none|FILE", default_value = "auto", value_parser = tuning)]
    pub asked: Asked,
}

fn tuning(text: &str) -> Result<Asked, String> {
    match text {
        "" => Err("an empty path; give a file, auto or none".into()),
        "auto" => Ok(Asked::Auto),
        "none" => Ok(Asked::Rules),
        file => Ok(Asked::File(file.into())),
    }
}

impl TuningArgs {
    /// The device with the tuning that is asked for.
    pub fn choose(&self, device: crate::exec::Device) -> crate::error::Result<crate::exec::Device> {
        crate::tune::choose(device, &self.asked)
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
