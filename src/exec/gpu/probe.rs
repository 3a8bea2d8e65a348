//! Small programs on a device, outside of any plan: what a measurement of the device itself runs.

use super::adapter::GpuDevice;
use super::fault::scoped;
use super::read_back::ReadBack;
use crate::error::Result;
use std::borrow::Cow;

/// What a probe's buffer holds before the first pass.
#[derive(Debug, Clone)]
pub enum Contents {
    /// These words; numbers by their bits.
    Words(Vec<u32>),
    /// This many words of zero, which are not uploaded.
    Zeros(u64),
}

/// A shader with its constants; the entry point is `main`, all bindings are storage buffers of group 0.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Names the program in messages.
    pub name: &'a str,
    /// Complete WGSL text, includes expanded.
    pub wgsl: &'a str,
    /// `override` constants.
    pub constants: &'a [(&'a str, f64)],
}

/// One dispatch: binding i is `buffers[i]`, an index into the probe's buffers.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// Index into the probe's programs.
    pub program: usize,
    /// The buffer of each binding.
    pub buffers: &'a [usize],
    /// Workgroups.
    pub groups: [u32; 3],
}

/// Programs, buffers, and dispatches that run in one compute pass of one submit.
#[derive(Debug, Clone, Default)]
pub struct Probe<'a> {
    /// The programs.
    pub programs: Vec<Program<'a>>,
    /// The buffers.
    pub buffers: Vec<Contents>,
    /// The dispatches, in order.
    pub passes: Vec<Pass<'a>>,
}

impl Probe<'_> {
    /// Runs the passes and returns the words of buffer `wanted`.
    ///
    /// # Errors
    /// [`crate::Error::Gpu`] with the program's name and what wgpu said; [`crate::Error::Device`] when the device fails.
    pub async fn run(&self, gpu: &GpuDevice, wanted: usize) -> Result<Vec<u32>> {
        let mut pipelines = Vec::with_capacity(self.programs.len());
        for program in &self.programs {
            pipelines.push(scoped(&gpu.device, program.name, || pipeline(gpu, program)).await?);
        }
        let mut buffers = Vec::with_capacity(self.buffers.len());
        for contents in &self.buffers {
            buffers.push(scoped(&gpu.device, self.name(), || buffer(gpu, contents)).await?);
        }
        let read_back = ReadBack::new(&gpu.device, buffers[wanted].size());
        let encode = || {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                for step in &self.passes {
                    let pipeline = &pipelines[step.program];
                    pass.set_pipeline(pipeline);
                    pass.set_bind_group(0, &bind(gpu, pipeline, step, &buffers), &[]);
                    let [x, y, z] = step.groups;
                    pass.dispatch_workgroups(x, y, z);
                }
            }
            encoder.copy_buffer_to_buffer(&buffers[wanted], 0, read_back.buffer(), 0, read_back.size_bytes());
            gpu.queue.submit([encoder.finish()]);
        };
        scoped(&gpu.device, self.name(), encode).await?;
        let words = read_back.finish(&gpu.device, |bytes| bytemuck::cast_slice(bytes).to_vec()).await;
        gpu.check(&format!("in the probe {}", self.name()))?;
        words
    }

    fn name(&self) -> &str {
        self.programs.first().map_or("without a program", |p| p.name)
    }
}

/// The layout follows from the shader, so that a probe is its WGSL file and nothing else.
pub(super) fn pipeline(gpu: &GpuDevice, program: &Program<'_>) -> wgpu::ComputePipeline {
    let source = wgpu::ShaderSource::Wgsl(Cow::Borrowed(program.wgsl));
    let descriptor = wgpu::ShaderModuleDescriptor { label: Some(program.name), source };
    let module = gpu.device.create_shader_module(descriptor);
    gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(program.name),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: program.constants,
            // As the kernels run.
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    })
}

pub(super) fn buffer(gpu: &GpuDevice, contents: &Contents) -> wgpu::Buffer {
    let size = 4 * match contents {
        Contents::Words(words) => words.len() as u64,
        Contents::Zeros(words) => *words,
    };
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("probe"),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    if let Contents::Words(words) = contents {
        gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
    }
    buffer
}

pub(super) fn bind(
    gpu: &GpuDevice,
    pipeline: &wgpu::ComputePipeline,
    step: &Pass<'_>,
    buffers: &[wgpu::Buffer],
) -> wgpu::BindGroup {
    let entry = |(binding, buffer): (usize, &usize)| wgpu::BindGroupEntry {
        binding: binding as u32,
        resource: buffers[*buffer].as_entire_binding(),
    };
    let entries: Vec<_> = step.buffers.iter().enumerate().map(entry).collect();
    let layout = pipeline.get_bind_group_layout(0);
    gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries })
}
