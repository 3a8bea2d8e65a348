//! A wgpu adapter: the programs of `shaders/probe`, timed by the host's clock over many dispatches.

use super::{Peaks, best_rate};
use crate::error::Result;
use crate::exec::gpu::adapter::GpuDevice;
use crate::exec::gpu::probe::{Contents, Program};
use crate::exec::gpu::stopwatch::Stopwatch;

const FLOPS: &str = include_str!("../../../shaders/probe/flops.wgsl");
const READ: &str = include_str!("../../../shaders/probe/read_rate.wgsl");
const WRITE: &str = include_str!("../../../shaders/probe/write_rate.wgsl");

/// Words of the large array, 64 MiB (half of WebGPU's default limit of a binding), and of the one that stays in a cache.
const LARGE: u64 = 1 << 24;
const SMALL: u64 = 1 << 18;
/// Times that the small array is read in a dispatch.
const PASSES: u32 = 32;
/// Workgroups of a probe: fills a GPU with a hundred processors many times over, and is no burden to four CPU cores.
const GROUPS: u32 = 2048;
const WORKGROUP: u32 = 64;
/// Rounds of a chain, operations of a round (see the shader).
const ROUNDS: u32 = 64;
const ROUND_FLOPS: u32 = 192;

pub async fn measure(gpu: &GpuDevice) -> Result<Peaks> {
    // One workgroup that does next to nothing.
    let program = Program { name: "flops", wgsl: FLOPS, constants: &[("ROUNDS", 1.0)] };
    let small = Stopwatch::new(gpu, &program, &[Contents::Zeros(u64::from(WORKGROUP))], 1).await?;
    // Half a second of single dispatches would measure nothing else: the median of twenty read-backs.
    let mut waits = Vec::new();
    for _ in 0..20 {
        waits.push(small.read_back().await?.as_secs_f64() * 1e6);
    }
    let f16_matrix = if gpu.has_f16_matrix { "present, not measured: no kernel uses it" } else { "not present" };
    Ok(Peaks {
        gflop_per_s: flops(gpu, 1.0).await?.max(flops(gpu, 0.0).await?),
        read_gb_per_s: read(gpu, LARGE, 1).await?,
        write_gb_per_s: write(gpu).await?,
        cached_gb_per_s: read(gpu, SMALL, PASSES).await?,
        dispatch_us: 1e6 / best_rate(|count| small.dispatches(count))?,
        submit_us: Some(1e6 / best_rate(|count| small.submits(count))?),
        read_back_us: Some(crate::bench::Spread::of(&waits).median),
        // They need a feature of which no kernel makes use yet; whether it is there is worth knowing.
        f16_matrix: f16_matrix.into(),
    })
}

/// Dispatches of the program a second.
async fn rate(gpu: &GpuDevice, program: Program<'_>, buffers: &[Contents], groups: u32) -> Result<f64> {
    let watch = Stopwatch::new(gpu, &program, buffers, groups).await?;
    best_rate(|count| watch.dispatches(count))
}

/// 10^9 operations a second of chains of multiply-adds, fused where `fused` is 1.
async fn flops(gpu: &GpuDevice, fused: f64) -> Result<f64> {
    let constants = [("ROUNDS", f64::from(ROUNDS)), ("FUSED", fused)];
    let program = Program { name: "flops", wgsl: FLOPS, constants: &constants };
    let invocations = u64::from(GROUPS * WORKGROUP);
    let each = invocations as f64 * f64::from(ROUNDS) * f64::from(ROUND_FLOPS);
    Ok(each * rate(gpu, program, &[Contents::Zeros(invocations)], GROUPS).await? / 1e9)
}

/// 10^9 bytes a second that are read, `passes` times over the same array.
async fn read(gpu: &GpuDevice, words: u64, passes: u32) -> Result<f64> {
    let groups = GROUPS.min((words / 4 / u64::from(WORKGROUP)) as u32);
    let stride = groups * WORKGROUP;
    let constants = [("STRIDE", f64::from(stride)), ("PASSES", f64::from(passes))];
    let program = Program { name: "read_rate", wgsl: READ, constants: &constants };
    let buffers = [Contents::Zeros(words), Contents::Zeros(u64::from(stride))];
    Ok(4.0 * words as f64 * f64::from(passes) * rate(gpu, program, &buffers, groups).await? / 1e9)
}

/// 10^9 bytes a second that are written.
async fn write(gpu: &GpuDevice) -> Result<f64> {
    let constants = [("STRIDE", f64::from(GROUPS * WORKGROUP))];
    let program = Program { name: "write_rate", wgsl: WRITE, constants: &constants };
    Ok(4.0 * LARGE as f64 * rate(gpu, program, &[Contents::Zeros(LARGE)], GROUPS).await? / 1e9)
}
