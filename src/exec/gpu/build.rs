//! Building a session's GPU objects: buffers, pipelines, bind groups. Every wgpu error names its kernel or buffer.

use super::adapter::GpuDevice;
use super::arenas::{DeviceArena, allocate};
use super::fault::scoped;
use super::pace::Pace;
use super::pipelines::{Built, Key, pipelines};
use super::whole::{self, WholeProgram};
use crate::error::Result;
use crate::exec::layout::join;
use crate::kernels::{Kernel, Param};
use crate::plan::{Dispatch, Plan, Range, Role};

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
    /// Dispatches of `count` steps in a pass of their own.
    pub fn dispatches(&self, count: usize) -> usize {
        self.whole.as_ref().map_or(count * self.launches.len(), |w| w.dispatches(count))
    }
}

/// One dispatch, ready to encode.
pub struct Launch {
    pub pipeline: wgpu::ComputePipeline,
    pub bindings: wgpu::BindGroup,
    pub grid: [u32; 3],
}

impl Launch {
    /// Encodes the dispatch into `pass`.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        let [x, y, z] = self.grid;
        pass.dispatch_workgroups(x, y, z);
    }
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
            let bindings = scoped(&gpu.device, &at, || bind(gpu, layout, dispatch, &params, i, &map, &arenas)).await?;
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
    let descriptor = wgpu::BufferDescriptor {
        label: Some(&name),
        size: bytes.len() as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    };
    let buffer = scoped(&gpu.device, &name, || gpu.device.create_buffer(&descriptor)).await?;
    gpu.queue.write_buffer(&buffer, 0, &bytes);
    Ok(buffer)
}

/// Size of a kernel's `Params` struct in the uniform address space: a multiple of 16 bytes covers every row.
fn params_size_bytes(kernel: Kernel) -> u64 {
    (4 * kernel.params.len() as u64).next_multiple_of(16)
}

fn bind(
    gpu: &GpuDevice,
    layout: &wgpu::BindGroupLayout,
    dispatch: &Dispatch,
    params: &wgpu::Buffer,
    slot: usize,
    map: &[usize],
    arenas: &[DeviceArena],
) -> wgpu::BindGroup {
    let part = |buffer, offset: u64, size: u64| {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(size) })
    };
    let uniform = part(params, (slot * UNIFORM_ALIGN) as u64, params_size_bytes(dispatch.kernel));
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: uniform }];
    for (i, range) in dispatch.bindings.iter().enumerate() {
        // Kernels that load four numbers at once see whole words; behind every range is padding up to the next.
        let size_bytes = (4 * range.len as u64).next_multiple_of(WORD_BYTES);
        let (buffer, offset_bytes) = arenas[map[range.arena]].at(range.offset);
        let resource = part(buffer, offset_bytes, size_bytes);
        entries.push(wgpu::BindGroupEntry { binding: i as u32 + 1, resource });
    }
    let descriptor = wgpu::BindGroupDescriptor { label: Some(&dispatch.label), layout, entries: &entries };
    gpu.device.create_bind_group(&descriptor)
}
