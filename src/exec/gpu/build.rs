//! Building a session's GPU objects: buffers, pipelines, bind groups. Every wgpu error names its kernel or buffer.

use super::adapter::GpuDevice;
use super::arenas::{DeviceArena, allocate};
use super::fault::scoped;
use super::pace::Pace;
use super::pipelines::{Built, Key, pipelines};
use super::whole::{self, WholeProgram};
use crate::error::Result;
use crate::exec::layout::join;
use crate::kernels::Param;
use crate::plan::{Dispatch, Plan, Range, Role};
use std::num::NonZeroU64;

/// A plan's GPU objects.
pub struct Program {
    /// The session's arena for each of the plan's.
    pub map: Vec<usize>,
    /// Where the losses are logged.
    pub log: Option<Range>,
    /// Launches of a step; none where whole steps run in one dispatch.
    pub launches: Vec<Launch>,
    /// Launches that end a submit.
    pub guard: Vec<Launch>,
    /// Where these leave what they found.
    pub nonfinite: Option<Range>,
    /// Whole steps in one dispatch.
    pub whole: Option<WholeProgram>,
    /// What each launch of a step costs, in operations and bytes: where a long step is cut.
    pub weights: Vec<u64>,
    /// What the next submit holds.
    pub pace: Pace,
}

impl Program {
    /// The dispatches of `count` steps in a pass of their own.
    pub fn steps(&self, count: usize) -> impl Iterator<Item = &Launch> {
        let (launches, times) = match &self.whole {
            Some(whole) => (std::slice::from_ref(&whole.launch), whole.dispatches(count)),
            None => (&self.launches[..], count),
        };
        (0..times).flat_map(move |_| launches)
    }
}

/// One dispatch, ready to encode.
pub struct Launch {
    pub pipeline: wgpu::ComputePipeline,
    pub bindings: wgpu::BindGroup,
    pub grid: [u32; 3],
}

impl Launch {
    /// Adds the dispatch to a pass.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        let [x, y, z] = self.grid;
        pass.dispatch_workgroups(x, y, z);
    }
}

/// Encodes `launches` in a pass of their own.
pub fn encode<'a>(encoder: &mut wgpu::CommandEncoder, launches: impl IntoIterator<Item = &'a Launch>) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    launches.into_iter().for_each(|launch| launch.encode(&mut pass));
}

/// Four numbers.
const WORD_BYTES: u64 = 16;
/// WebGPU's default alignment of uniform bindings, in bytes.
const UNIFORM_ALIGN: usize = 256;

/// Allocates the arenas and builds the programs of `plans`.
pub async fn build(gpu: &GpuDevice, plans: &[Plan]) -> Result<(Vec<DeviceArena>, Vec<Program>)> {
    let (allocations, maps) = join(plans)?;
    let arenas = allocate(gpu, &allocations).await?;
    let pipelines = pipelines(gpu, plans).await?;
    let mut programs = Vec::with_capacity(plans.len());
    for (plan, map) in plans.iter().zip(maps) {
        let log = plan.buffer(Role::Loss).map(|b| b.range);
        let nonfinite = plan.buffer(Role::NonFinite).map(|b| b.range);
        let whole = match &plan.whole {
            Some(description) => Some(whole::build(gpu, plan, description, &map, &arenas).await?),
            None => None,
        };
        let params = upload_params(gpu, plan).await?;
        let mut launches = Vec::with_capacity(plan.dispatches.len() + plan.guard.len());
        for (i, dispatch) in plan.launches().enumerate().skip(if whole.is_some() { plan.dispatches.len() } else { 0 }) {
            let Built { pipeline, bindings: layout } = &pipelines[&Key::of(dispatch)];
            let at = format!("bind group of {} ({})", dispatch.kernel.name, dispatch.label);
            // A `Params` struct in the uniform address space: a multiple of 16 bytes covers every kernel's.
            let size = NonZeroU64::new((4 * dispatch.kernel.params.len() as u64).next_multiple_of(WORD_BYTES));
            let uniform = wgpu::BufferBinding { buffer: &params, offset: (i * UNIFORM_ALIGN) as u64, size };
            let build = || bind(gpu, &dispatch.label, layout, uniform, &dispatch.bindings, &map, &arenas);
            let bindings = scoped(&gpu.device, &at, build).await?;
            launches.push(Launch { pipeline: pipeline.clone(), bindings, grid: dispatch.grid });
        }
        let guard = launches.split_off(launches.len() - plan.guard.len());
        let cost = |d: &Dispatch| (d.kernel.flops)(&d.args) + (d.kernel.bytes)(&d.args);
        let weights: Vec<u64> = plan.dispatches.iter().map(cost).collect();
        let pace = Pace::first(if whole.is_some() { 0 } else { plan.flops() });
        programs.push(Program { map, log, launches, guard, nonfinite, whole, weights, pace });
    }
    gpu.check("while the pipelines were built")?;
    Ok((arenas, programs))
}

/// One uniform buffer with the params of every dispatch, each at an aligned offset.
async fn upload_params(gpu: &GpuDevice, plan: &Plan) -> Result<wgpu::Buffer> {
    let mut bytes = vec![0u8; UNIFORM_ALIGN * plan.launches().count().max(1)];
    for (slot, dispatch) in bytes.chunks_mut(UNIFORM_ALIGN).zip(plan.launches()) {
        for (word, param) in slot.chunks_exact_mut(4).zip(&dispatch.args.params) {
            word.copy_from_slice(&match param {
                Param::U(v) => v.to_le_bytes(),
                Param::F(v) => (*v as f32).to_le_bytes(),
            });
        }
    }
    let name = format!("{}.params", plan.name);
    uniform(gpu, &name, &name, &bytes).await
}

/// A uniform buffer that holds `bytes`; an error names `at`.
pub async fn uniform(gpu: &GpuDevice, label: &str, at: &str, bytes: &[u8]) -> Result<wgpu::Buffer> {
    let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
    let buffer = scoped(&gpu.device, at, || gpu.buffer(label, bytes.len() as u64, usage)).await?;
    gpu.queue.write_buffer(&buffer, 0, bytes);
    Ok(buffer)
}

/// `uniform` at binding 0, behind it `ranges` of a plan, whose arenas are `arenas[map[i]]`.
pub fn bind(
    gpu: &GpuDevice,
    label: &str,
    layout: &wgpu::BindGroupLayout,
    uniform: wgpu::BufferBinding<'_>,
    ranges: &[Range],
    map: &[usize],
    arenas: &[DeviceArena],
) -> wgpu::BindGroup {
    let storage = ranges.iter().map(|range| {
        // Kernels that load four numbers at once see whole words; behind every range is padding up to the next.
        let size = NonZeroU64::new((4 * range.len as u64).next_multiple_of(WORD_BYTES));
        let (buffer, offset) = arenas[map[range.arena]].at(range.offset);
        wgpu::BufferBinding { buffer, offset, size }
    });
    let bound = [uniform].into_iter().chain(storage).map(wgpu::BindingResource::Buffer);
    let entries: Vec<_> =
        (0..).zip(bound).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
    gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(label), layout, entries: &entries })
}
