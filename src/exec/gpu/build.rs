//! Building a session's GPU objects: buffers, pipelines, bind groups. Every wgpu error names its kernel or buffer.

use super::adapter::GpuDevice;
use super::fault::scoped;
use crate::error::Result;
use crate::exec::layout::join;
use crate::kernels::{Access, Args, Engine, Kernel, Param};
use crate::plan::{Dispatch, Plan, Range, memory::aligned};
use std::borrow::Cow;
use std::collections::HashMap;

/// A plan's GPU objects.
pub struct Program {
    /// The session's arena for each of the plan's.
    pub map: Vec<usize>,
    /// Where the losses are logged.
    pub log: Option<Range>,
    /// Launches of a step.
    pub launches: Vec<Launch>,
}

/// One dispatch, ready to encode.
pub struct Launch {
    pub pipeline: wgpu::ComputePipeline,
    pub bindings: wgpu::BindGroup,
    pub grid: [u32; 3],
}

/// Four numbers.
const WORD_BYTES: u64 = 16;
/// WebGPU's default alignment of uniform bindings, in bytes.
const UNIFORM_ALIGN: usize = 256;

/// Allocates the arenas and builds the programs of `plans`.
pub async fn build(gpu: &GpuDevice, plans: &[Plan]) -> Result<(Vec<wgpu::Buffer>, Vec<Program>)> {
    let (allocations, maps) = join(plans)?;
    let mut arenas = Vec::with_capacity(allocations.len());
    for a in &allocations {
        let descriptor = wgpu::BufferDescriptor {
            label: Some(&a.name),
            size: 4 * aligned(a.len) as u64,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        let at = format!("buffer {} of {} bytes", a.name, descriptor.size);
        arenas.push(scoped(&gpu.device, &at, || gpu.device.create_buffer(&descriptor)).await?);
    }
    let mut pipelines = Pipelines::default();
    let mut programs = Vec::with_capacity(plans.len());
    for (plan, map) in plans.iter().zip(maps) {
        let params = upload_params(gpu, plan).await?;
        let mut launches = Vec::with_capacity(plan.dispatches.len());
        for (i, dispatch) in plan.dispatches.iter().enumerate() {
            let (pipeline, layout) = pipelines.get(gpu, dispatch.kernel, &dispatch.args).await?;
            let at = format!("bind group of {} ({})", dispatch.kernel.name(), dispatch.label);
            let bindings = scoped(&gpu.device, &at, || bind(gpu, &layout, dispatch, &params, i, &map, &arenas)).await?;
            launches.push(Launch { pipeline, bindings, grid: dispatch.grid });
        }
        let log = plan.buffer("loss").map(|b| b.range);
        programs.push(Program { map, log, launches });
    }
    gpu.faults.check("while the pipelines were built")?;
    Ok((arenas, programs))
}

/// One uniform buffer with the params of every dispatch, each at an aligned offset.
async fn upload_params(gpu: &GpuDevice, plan: &Plan) -> Result<wgpu::Buffer> {
    let mut bytes = vec![0u8; UNIFORM_ALIGN * plan.dispatches.len().max(1)];
    for (slot, dispatch) in bytes.chunks_mut(UNIFORM_ALIGN).zip(&plan.dispatches) {
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
    (4 * kernel.row().params.len() as u64).next_multiple_of(16)
}

fn bind(
    gpu: &GpuDevice,
    layout: &wgpu::BindGroupLayout,
    dispatch: &Dispatch,
    params: &wgpu::Buffer,
    slot: usize,
    map: &[usize],
    arenas: &[wgpu::Buffer],
) -> wgpu::BindGroup {
    let part = |buffer, offset: u64, size: u64| {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(size) })
    };
    let uniform = part(params, (slot * UNIFORM_ALIGN) as u64, params_size_bytes(dispatch.kernel));
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: uniform }];
    for (i, range) in dispatch.bindings.iter().enumerate() {
        // Kernels that load four numbers at once see whole words; behind every range is padding up to the next.
        let size_bytes = (4 * range.len as u64).next_multiple_of(WORD_BYTES);
        let resource = part(&arenas[map[range.arena]], 4 * range.offset as u64, size_bytes);
        entries.push(wgpu::BindGroupEntry { binding: i as u32 + 1, resource });
    }
    let descriptor = wgpu::BindGroupDescriptor { label: Some(&dispatch.label), layout, entries: &entries };
    gpu.device.create_bind_group(&descriptor)
}

/// A kernel's shader module and layouts.
#[derive(Clone)]
struct Module {
    shader: wgpu::ShaderModule,
    bindings: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
}

/// Pipelines by kernel and constants, modules by kernel: each is made once.
#[derive(Default)]
struct Pipelines {
    modules: HashMap<(Kernel, Engine), Module>,
    made: HashMap<(Kernel, String), wgpu::ComputePipeline>,
}

impl Pipelines {
    async fn get(
        &mut self,
        gpu: &GpuDevice,
        kernel: Kernel,
        args: &Args,
    ) -> Result<(wgpu::ComputePipeline, wgpu::BindGroupLayout)> {
        let engine = kernel.engine(args);
        let module = self.module(gpu, kernel, engine).await?;
        let key = (kernel, format!("{:?}", args.constants));
        if let Some(pipeline) = self.made.get(&key) {
            return Ok((pipeline.clone(), module.bindings));
        }
        let descriptor = wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name()),
            layout: Some(&module.layout),
            module: &module.shader,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &args.constants,
                // Every kernel writes what it reads of workgroup memory; zeroing it would cost each dispatch.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        };
        let at = format!("kernel {} with {:?}", kernel.name(), args.constants);
        let pipeline = scoped(&gpu.device, &at, || gpu.device.create_compute_pipeline(&descriptor)).await?;
        self.made.insert(key, pipeline.clone());
        Ok((pipeline, module.bindings))
    }

    async fn module(&mut self, gpu: &GpuDevice, kernel: Kernel, engine: Engine) -> Result<Module> {
        if let Some(module) = self.modules.get(&(kernel, engine)) {
            return Ok(module.clone());
        }
        let made = scoped(&gpu.device, &format!("kernel {}", kernel.name()), || module(gpu, kernel, engine)).await?;
        self.modules.insert((kernel, engine), made.clone());
        Ok(made)
    }
}

fn module(gpu: &GpuDevice, kernel: Kernel, engine: Engine) -> Module {
    let device = &gpu.device;
    let label = Some(kernel.name());
    let source = wgpu::ShaderSource::Wgsl(Cow::Owned(gpu.shader(kernel, engine)));
    let shader = device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
    let entry = |binding: u32, ty: wgpu::BufferBindingType| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
    for (i, binding) in kernel.row().bindings.iter().enumerate() {
        let read_only = binding.access == Access::Read;
        entries.push(entry(i as u32 + 1, wgpu::BufferBindingType::Storage { read_only }));
    }
    let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&bindings)],
        immediate_size: 0,
    });
    Module { shader, bindings, layout }
}
