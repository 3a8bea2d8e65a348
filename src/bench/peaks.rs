//! What a device can do at most, measured: operations, bandwidth, and the fixed costs of a dispatch, a submit and a
//! read-back.

use crate::error::Result;
use crate::exec::Device;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[cfg(feature = "gpu")]
mod gpu;
mod host;

/// The peaks of a device. A peak is the best of several runs: what disturbs a run only makes it slower.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    /// 10^9 operations a second in `f32`: chains of multiply-adds, on the CPU a matrix product of the `gemm` crate.
    pub gflop_per_s: f64,
    /// Reading an array larger than any cache, in 10^9 bytes a second.
    pub read_gb_per_s: f64,
    /// Writing such an array.
    pub write_gb_per_s: f64,
    /// Reading an array of 1 MiB over and over.
    pub cached_gb_per_s: f64,
    /// Each of many dependent dispatches in a submit; on the CPU a call of a kernel on one element.
    pub dispatch_us: f64,
    /// Each of many submits; none on the CPU.
    pub submit_us: Option<f64>,
    /// From a submit to four bytes of its result on the host; none on the CPU.
    pub read_back_us: Option<f64>,
    /// The peak of products of `f16` matrices, or why there is none.
    pub f16_matrix: String,
}

/// Bytes of a dispatch up to which it is held against the bandwidth of a cache: half of what the probe reads, since other
/// data wants room as well.
pub const CACHED_BYTES: u64 = 1 << 19;

impl Peaks {
    /// Measures `device`, in about a second.
    ///
    /// # Errors
    /// [`crate::Error::Gpu`], [`crate::Error::Device`].
    pub async fn measure(device: &Device) -> Result<Peaks> {
        #[cfg(feature = "gpu")]
        if let Some(gpu) = device.gpu() {
            return gpu::measure(gpu).await;
        }
        let _ = device;
        Ok(host::measure())
    }

    /// The bandwidth that data of this size meets, in 10^9 bytes a second.
    pub fn bandwidth(&self, bytes: u64) -> f64 {
        if bytes <= CACHED_BYTES { self.cached_gb_per_s.max(self.read_gb_per_s) } else { self.read_gb_per_s }
    }
}

/// Units of work a second: `run(count)` does `count` times the work and says how long it took. The count grows until a run
/// takes 20 ms; the best of five runs counts.
pub fn best_rate(mut run: impl FnMut(usize) -> Result<Duration>) -> Result<f64> {
    const ENOUGH: Duration = Duration::from_millis(20);
    const RUNS: usize = 5;
    const MOST: usize = 1 << 16;
    let mut count = 1;
    while run(count)? < ENOUGH && count < MOST {
        count *= 2;
    }
    let mut best = 0f64;
    for _ in 0..RUNS {
        best = best.max(count as f64 / run(count)?.as_secs_f64());
    }
    Ok(best)
}
