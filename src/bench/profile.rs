//! The dispatches of a training step, and kernels by themselves, against the peaks of the device: where the time goes, and what
//! bounds it.

use super::Spread;
use super::peaks::Peaks;
use crate::error::Result;
use crate::exec::profile::{Method, Profile, Span, Track};
use crate::exec::{Device, Session};
use crate::kernels::{Dtype, Kernel};
use crate::plan::{Dispatch, Plan};
use crate::verify::kernels::{Case, sized};
use serde::{Deserialize, Serialize};
use serde_json::json;

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

/// Times that a kernel by itself is profiled.
pub const TIMES: usize = 7;

/// Times `kernel` on `device` by itself, at each of its sizes as they occur in training.
///
/// # Errors
/// [`crate::Error::Gpu`], [`crate::Error::Device`].
pub async fn measure_kernel(device: &Device, kernel: Kernel, peaks: &Peaks) -> Result<Vec<DispatchLine>> {
    let mut lines = Vec::new();
    for sizes in kernel.timed {
        let case = sized(kernel, sizes, device.products());
        lines.push(time(device, &case, peaks).await?);
    }
    Ok(lines)
}

/// Times one case of a kernel.
///
/// # Errors
/// As [`measure_kernel`].
pub async fn time(device: &Device, case: &Case, peaks: &Peaks) -> Result<DispatchLine> {
    let mut session = Session::open(device, vec![case.plan("kernel")]).await?;
    write(&mut session, case, Dtype::F32)?;
    let mut times = Vec::new();
    for _ in 0..=TIMES {
        // A kernel that counts steps starts at the tables' first row.
        write(&mut session, case, Dtype::U32)?;
        times.push(session.profile(0, 1).await?.dispatches_us.concat());
    }
    // The first run pays for page faults and the driver's lazy work.
    let times = times.split_off(1).concat();
    Ok(DispatchLine::new(&session.plans()[0].dispatches[0], &times, peaks))
}

/// The operands of one element type.
fn write(session: &mut Session, case: &Case, dtype: Dtype) -> Result<()> {
    for ((i, values), _) in case.values.iter().enumerate().zip(&case.dtypes).filter(|(_, d)| **d == dtype) {
        match dtype {
            Dtype::F32 => session.write(0, case.role(i), values)?,
            Dtype::U32 => session.write_u32(0, case.role(i), &values.iter().map(|v| *v as u32).collect::<Vec<_>>())?,
        }
    }
    Ok(())
}

/// The trace of `profile`, as JSON text in the trace event format that <https://ui.perfetto.dev> and Chrome's `about:tracing`
/// open (<https://chromium.googlesource.com/catapult> "Trace Event Format": complete events, times in microseconds). One process,
/// a thread each for the host and the device.
pub fn trace(workload: &str, adapter: &str, profile: &StepProfile) -> String {
    let thread = |track: Track| if track == Track::Host { 1 } else { 2 };
    let named = |id: u32, name: &str| json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": id, "args": { "name": name } });
    let device = match profile.method {
        Method::Timestamps => format!("{adapter}, its own clock, aligned at the end of the wait"),
        Method::Repetition => format!("{adapter}, times by repetition, laid out in order"),
        Method::Clock => adapter.to_string(),
    };
    let mut events = vec![
        json!({ "name": "process_name", "ph": "M", "pid": 1, "args": { "name": format!("wgrad bench {workload}") } }),
        named(1, "host"),
        named(2, &device),
    ];
    // JSON has no infinity: a device whose clock stands still gives no share, and `json!` writes null.
    events.extend(profile.spans.iter().map(|span| {
        let (name, args) = match span.name.parse::<usize>().ok().and_then(|i| profile.dispatches.get(i)) {
            Some(d) => {
                let args = json!({
                    "label": d.label,
                    "flops": d.flops,
                    "bytes": d.bytes,
                    "bound": d.bound.name(),
                    "share_of_peak": d.share_of_peak,
                });
                (d.kernel.clone(), args)
            }
            None => (span.name.clone(), json!({})),
        };
        json!({
            "name": name, "cat": "wgrad", "ph": "X", "pid": 1, "tid": thread(span.track),
            "ts": span.start_us, "dur": span.duration_us, "args": args,
        })
    }));
    json!({ "traceEvents": events, "displayTimeUnit": "ns" }).to_string()
}
