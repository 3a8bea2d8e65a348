//! The dispatches of a training step against the peaks of the device: where the time goes, and what bounds it.

use super::Spread;
use super::peaks::Peaks;
use crate::exec::profile::{Method, Profile, Span};
use crate::plan::{Dispatch, Plan};
use serde::{Deserialize, Serialize};

/// What a dispatch cannot be faster than.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Its operations at the peak rate.
    Compute,
    /// Its bytes at the peak bandwidth.
    Bandwidth,
    /// A dispatch that does nothing.
    Overhead,
}

impl Bound {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Bound::Compute => "compute",
            Bound::Bandwidth => "bandwidth",
            Bound::Overhead => "overhead",
        }
    }
}

/// One dispatch, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DispatchLine {
    /// The kernel.
    pub kernel: String,
    /// Which part of the network it computes; for a kernel by itself its sizes.
    pub label: String,
    /// Time of one dispatch, in microseconds.
    pub time_us: Spread,
    /// Operations, from the kernel table.
    pub flops: u64,
    /// Bytes that must move at least once, from the kernel table.
    pub bytes: u64,
    /// Operations over time.
    pub gflop_per_s: f64,
    /// Bytes over time.
    pub gb_per_s: f64,
    /// The time of the bound over the time measured: 1 is as fast as the device can.
    pub share_of_peak: f64,
    /// The bound: the slowest of its operations, its bytes and a dispatch that does nothing.
    pub bound: Bound,
}

impl DispatchLine {
    /// Puts times against peaks.
    pub fn new(dispatch: &Dispatch, times_us: &[f64], peaks: &Peaks) -> DispatchLine {
        let row = dispatch.kernel;
        let (flops, bytes) = ((row.flops)(&dispatch.args), (row.bytes)(&dispatch.args));
        let time_us = Spread::of(times_us);
        let bounds = [
            (Bound::Compute, flops as f64 / peaks.gflop_per_s / 1e3),
            (Bound::Bandwidth, bytes as f64 / peaks.bandwidth(bytes) / 1e3),
            (Bound::Overhead, peaks.dispatch_us),
        ];
        let slowest = |a: (Bound, f64), b: (Bound, f64)| if b.1 > a.1 { b } else { a };
        let (bound, least_us) = bounds.into_iter().fold((Bound::Compute, 0.0), slowest);
        DispatchLine {
            kernel: row.name.into(),
            label: dispatch.label.clone(),
            time_us,
            flops,
            bytes,
            gflop_per_s: flops as f64 / time_us.median / 1e3,
            gb_per_s: bytes as f64 / time_us.median / 1e3,
            share_of_peak: least_us / time_us.median,
            bound,
        }
    }
}

/// A training step, dispatch by dispatch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepProfile {
    /// How the times were taken.
    pub method: Method,
    /// The peaks that the dispatches are held against.
    pub peaks: Peaks,
    /// The dispatches, in order.
    pub dispatches: Vec<DispatchLine>,
    /// Their medians together, in microseconds.
    pub sum_us: f64,
    /// A step of the timed repetitions, in microseconds.
    pub step_us: f64,
    /// The profiling run as a sequence.
    pub spans: Vec<Span>,
}

impl StepProfile {
    /// Puts a profile of `plan` against `peaks`; `step_us` is what a step takes in training.
    pub fn new(plan: &Plan, profile: Profile, peaks: Peaks, step_us: f64) -> StepProfile {
        let pairs = plan.dispatches.iter().zip(&profile.dispatches_us);
        let dispatches: Vec<_> = pairs.map(|(d, times)| DispatchLine::new(d, times, &peaks)).collect();
        let sum_us = dispatches.iter().map(|d| d.time_us.median).sum();
        StepProfile { method: profile.method, peaks, dispatches, sum_us, step_us, spans: profile.spans }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Args, Kernel, Param};

    fn line(n: u32, time_us: f64) -> DispatchLine {
        let peaks = Peaks {
            gflop_per_s: 10.0,
            read_gb_per_s: 10.0,
            cached_gb_per_s: 40.0,
            dispatch_us: 2.0,
            ..Peaks::default()
        };
        let args = Args { params: vec![Param::U(n); 3], constants: vec![] };
        let dispatch =
            |kernel| Dispatch { kernel, label: String::new(), args: args.clone(), bindings: vec![], grid: [1, 1, 1] };
        let kernel = if n > 1000 { Kernel::add } else { Kernel::matmul };
        DispatchLine::new(&dispatch(kernel), &[time_us], &peaks)
    }

    #[test]
    fn the_slowest_of_operations_bytes_and_nothing_is_the_bound() {
        // 2 * 4^3 operations take 0.01 us: a dispatch that does nothing takes longer.
        assert_eq!((line(4, 4.0).bound, line(4, 4.0).share_of_peak), (Bound::Overhead, 0.5));
        // 2 * 100^3 operations at 10^10 a second.
        let product = line(100, 400.0);
        assert_eq!((product.bound, product.share_of_peak, product.gflop_per_s), (Bound::Compute, 0.5, 5.0));
        // Three arrays of 4 MB at 10^10 bytes a second; the operations would take a sixth of that.
        let sum = line(1_000_000, 2400.0);
        assert_eq!((sum.bound, sum.share_of_peak, sum.gb_per_s), (Bound::Bandwidth, 0.5, 5.0));
    }
}
