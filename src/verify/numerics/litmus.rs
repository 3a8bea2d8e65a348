//! Whether writes are seen where the memory model says so, and whether the adapter does what its limits claim.

use super::batch::WORKGROUP;
use crate::error::{Error, Result};
use crate::exec::gpu::adapter::GpuDevice;
use crate::exec::gpu::probe::{Contents, Pass, Probe, Program};
use serde::Serialize;

/// The exchange through workgroup memory.
pub const EXCHANGE: &str = include_str!("../../../shaders/probe/exchange.wgsl");
const STORAGE_EXCHANGE: &str = include_str!("../../../shaders/probe/storage_exchange.wgsl");
/// The permutation from dispatch to dispatch.
pub const PERMUTE: &str = include_str!("../../../shaders/probe/permute.wgsl");
const GROUPS: &str = include_str!("../../../shaders/probe/groups.wgsl");
const MEMORY: &str = include_str!("../../../shaders/probe/memory.wgsl");
const BINDING: &str = include_str!("../../../shaders/probe/binding.wgsl");
const BUFFERS: &str = include_str!("../../../shaders/probe/buffers.wgsl");
const SUBGROUPS: &str = include_str!("../../../shaders/probe/subgroups.wgsl");

/// Rounds of an exchange.
const ROUNDS: u32 = 32;
/// Workgroups of an exchange: more than a device holds at once.
const EXCHANGE_GROUPS: u32 = 256;
/// Dispatches that permute, one after the other in one pass.
const PERMUTATIONS: usize = 64;
/// Elements that they permute: 1,024 workgroups.
const PERMUTED: usize = 1 << 16;
/// The largest binding that is tried; a larger claim is believed, because an adapter shares its memory.
const LARGEST_BINDING: u64 = 256 << 20;

/// A claim and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What was tried.
    pub name: &'static str,
    /// What the adapter or the specification claims.
    pub claimed: String,
    /// What was found.
    pub found: String,
    /// True if the claim held as far as it was tried.
    pub held: bool,
}

/// A run that the device refuses is a finding, not an end of the measurement; a lost device is the end.
fn finding(name: &'static str, claimed: String, outcome: Result<(String, bool)>) -> Result<Finding> {
    match outcome {
        Ok((found, held)) => Ok(Finding { name, claimed, found, held }),
        Err(Error::Gpu { message, .. }) => {
            Ok(Finding { name, claimed, found: format!("refused: {message}"), held: false })
        }
        Err(other) => Err(other),
    }
}

fn all_of(found: usize, expected: usize, what: &str) -> (String, bool) {
    (format!("{found} of {expected} {what}"), found == expected)
}

/// Barriers and visibility.
pub async fn visibility(gpu: &GpuDevice) -> Result<Vec<Finding>> {
    let words = || "every word as written".to_string();
    Ok(vec![
        finding("workgroup memory after workgroupBarrier", words(), exchange(gpu, EXCHANGE, 64).await)?,
        finding("storage memory after storageBarrier", words(), storage_exchange(gpu).await)?,
        finding("storage writes in the next dispatch", words(), permutations(gpu, PERMUTE).await)?,
    ])
}

/// A neighbour's words over workgroup memory, round by round, in workgroups of `size`: what was found, and whether all
/// words were right. `wgsl` is [`EXCHANGE`]; a test gives a broken one.
///
/// # Errors
/// [`Error::Gpu`], [`Error::Device`].
pub async fn exchange(gpu: &GpuDevice, wgsl: &str, size: u32) -> Result<(String, bool)> {
    let program =
        Program { name: "exchange", wgsl, constants: &[("SIZE", f64::from(size)), ("ROUNDS", f64::from(ROUNDS))] };
    rounds(gpu, program, size, &[1]).await
}

async fn storage_exchange(gpu: &GpuDevice) -> Result<(String, bool)> {
    let constants = &[("SIZE", 64.0), ("ROUNDS", f64::from(ROUNDS))];
    rounds(gpu, Program { name: "storage_exchange", wgsl: STORAGE_EXCHANGE, constants }, 64, &[0, 1]).await
}

async fn rounds(gpu: &GpuDevice, program: Program<'_>, size: u32, buffers: &[usize]) -> Result<(String, bool)> {
    let invocations = (EXCHANGE_GROUPS * size) as usize;
    let contents = vec![Contents::Zeros(invocations as u64); 2];
    let matches = once(gpu, program, contents, buffers, [EXCHANGE_GROUPS, 1, 1]).await?;
    let right: usize = matches.iter().map(|m| *m as usize).sum();
    Ok(all_of(right, invocations * ROUNDS as usize, "words"))
}

/// The words of the last of these buffers after one dispatch, whose binding i is `bound[i]`.
pub(super) async fn once(
    gpu: &GpuDevice,
    program: Program<'_>,
    buffers: Vec<Contents>,
    bound: &[usize],
    groups: [u32; 3],
) -> Result<Vec<u32>> {
    let wanted = buffers.len() - 1;
    let pass = Pass { program: 0, buffers: bound, groups };
    Probe { programs: vec![program], buffers, passes: vec![pass] }.run(gpu, wanted).await
}

/// Each dispatch reads what other workgroups of the one before wrote; as [`exchange`], with [`PERMUTE`].
///
/// # Errors
/// [`Error::Gpu`], [`Error::Device`].
pub async fn permutations(gpu: &GpuDevice, wgsl: &str) -> Result<(String, bool)> {
    let start: Vec<u32> = (0..PERMUTED as u32).collect();
    let there = Pass { program: 0, buffers: &[0, 1], groups: [(PERMUTED / WORKGROUP) as u32, 1, 1] };
    let back = Pass { buffers: &[1, 0], ..there };
    let probe = Probe {
        programs: vec![Program { name: "permute", wgsl, constants: &[] }],
        buffers: vec![Contents::Words(start.clone()), Contents::Zeros(PERMUTED as u64)],
        passes: (0..PERMUTATIONS).map(|i| if i % 2 == 0 { there } else { back }).collect(),
    };
    let found = probe.run(gpu, PERMUTATIONS % 2).await?;
    let mut expected = start;
    for _ in 0..PERMUTATIONS {
        let from = |i: u32| (i.wrapping_mul(40503).wrapping_add(12345) as usize) % PERMUTED;
        let next = |i: u32| expected[from(i)].wrapping_mul(1_664_525).wrapping_add(i);
        expected = (0..PERMUTED as u32).map(next).collect();
    }
    let right = found.iter().zip(&expected).filter(|(f, e)| f == e).count();
    Ok(all_of(right, PERMUTED, &format!("words after {PERMUTATIONS} dispatches")))
}

/// Limits: claimed, and tried.
pub async fn limits(gpu: &GpuDevice) -> Result<Vec<Finding>> {
    let claimed = gpu.device.limits();
    let invocations = claimed.max_compute_invocations_per_workgroup.min(claimed.max_compute_workgroup_size_x);
    let memory = claimed.max_compute_workgroup_storage_size;
    let mut findings = vec![
        finding("invocations of a workgroup", invocations.to_string(), exchange(gpu, EXCHANGE, invocations).await)?,
        finding("bytes of workgroup memory", memory.to_string(), workgroup_memory(gpu, memory / 4).await)?,
    ];
    let groups = claimed.max_compute_workgroups_per_dimension;
    for (axis, name) in ["workgroups along x", "workgroups along y", "workgroups along z"].into_iter().enumerate() {
        findings.push(finding(name, groups.to_string(), dispatch(gpu, axis, groups).await)?);
    }
    let binding = claimed.max_storage_buffer_binding_size.min(claimed.max_buffer_size);
    findings.push(finding("bytes of a storage binding", binding.to_string(), largest_binding(gpu, binding).await)?);
    let buffers = claimed.max_storage_buffers_per_shader_stage;
    findings.push(finding("storage buffers a stage", buffers.to_string(), eight_buffers(gpu).await)?);
    findings.push(subgroups(gpu).await?);
    Ok(findings)
}

async fn workgroup_memory(gpu: &GpuDevice, words: u32) -> Result<(String, bool)> {
    let constants = [("WORDS", f64::from(words))];
    let program = Program { name: "memory", wgsl: MEMORY, constants: &constants };
    let matches = once(gpu, program, vec![Contents::Zeros(WORKGROUP as u64)], &[0], [1; 3]).await?;
    let right: usize = matches.into_iter().map(|m| 4 * m as usize).sum();
    Ok(all_of(right, 4 * words as usize, "bytes"))
}

async fn dispatch(gpu: &GpuDevice, axis: usize, groups: u32) -> Result<(String, bool)> {
    // A claim of 2^31 groups is tried as far as WebGPU's default.
    let tried = groups.min(65_535);
    let constants = [("AXIS", axis as f64)];
    let mut grid = [1; 3];
    grid[axis] = tried;
    let program = Program { name: "groups", wgsl: GROUPS, constants: &constants };
    let seen = once(gpu, program, vec![Contents::Zeros(u64::from(tried))], &[0], grid).await?;
    let right = seen.iter().enumerate().filter(|(g, s)| **s as usize == g + 1).count();
    Ok(all_of(right, tried as usize, "ran"))
}

async fn largest_binding(gpu: &GpuDevice, claimed: u64) -> Result<(String, bool)> {
    let words = claimed.min(LARGEST_BINDING) / 4;
    let write = [("PHASE", 0.0)];
    let check = [("PHASE", 1.0)];
    let program = |constants| Program { name: "binding", wgsl: BINDING, constants };
    let pass = |program| Pass { program, buffers: &[0, 1], groups: [1, 1, 1] };
    let probe = Probe {
        programs: vec![program(&write), program(&check)],
        buffers: vec![Contents::Zeros(words), Contents::Zeros(WORKGROUP as u64)],
        passes: vec![pass(0), pass(1)],
    };
    let found = probe.run(gpu, 1).await?;
    let expected =
        |i: usize| if i == 0 { words as u32 } else { (i as u32).wrapping_mul(2_654_435_761).wrapping_add(1) };
    let right = found.iter().enumerate().filter(|(i, f)| **f == expected(*i)).count();
    let held = right == WORKGROUP;
    Ok((format!("{} bytes tried, {right} of {WORKGROUP} words right", 4 * words), held))
}

async fn eight_buffers(gpu: &GpuDevice) -> Result<(String, bool)> {
    let digits = |k: u32| Contents::Words((0..WORKGROUP as u32).map(|i| (i + k) % 10).collect());
    let program = Program { name: "buffers", wgsl: BUFFERS, constants: &[] };
    let buffers = (0..7).map(digits).chain([Contents::Zeros(WORKGROUP as u64)]).collect();
    let found = once(gpu, program, buffers, &[0, 1, 2, 3, 4, 5, 6, 7], [1; 3]).await?;
    let expected = |i: u32| (0..7).map(|k| (i + k) % 10 * 10u32.pow(k)).sum::<u32>();
    let right = found.iter().enumerate().filter(|(i, f)| **f == expected(*i as u32)).count();
    Ok((format!("8 tried, {right} of {WORKGROUP} words right"), right == WORKGROUP))
}

/// Subgroup sizes, as the shader is told and as it counts.
async fn subgroups(gpu: &GpuDevice) -> Result<Finding> {
    let (least, most) = (gpu.info.subgroup_min_size, gpu.info.subgroup_max_size);
    let claimed = if least == most { least.to_string() } else { format!("{least} to {most}") };
    if !gpu.device.features().contains(wgpu::Features::SUBGROUP) {
        let found = "not measured: the device was opened without the feature subgroups".to_string();
        return Ok(Finding { name: "subgroup size", claimed, found, held: true });
    }
    let invocations = 2 * WORKGROUP as u64 * 4;
    let program = Program { name: "subgroups", wgsl: SUBGROUPS, constants: &[] };
    let outcome = once(gpu, program, vec![Contents::Zeros(invocations)], &[0], [4, 1, 1]).await.map(|found| {
        let mut pairs: Vec<[u32; 2]> = found.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let text: Vec<String> = pairs.iter().map(|[told, count]| format!("told {told}, counted {count}")).collect();
        // A workgroup of 64 fills subgroups of up to 64; a larger one is counted as 64.
        let right = |&[told, count]: &[u32; 2]| (least..=most).contains(&told) && count == told.min(WORKGROUP as u32);
        (text.join("; "), !pairs.is_empty() && pairs.iter().all(right))
    });
    finding("subgroup size", claimed, outcome)
}
