//! Small programs on a device, outside of any plan: what a measurement of the device itself runs.

use super::adapter::GpuDevice;
use super::arenas::STORAGE;
use super::build::{Launch, encode};
use super::fault::scoped;
use super::pipelines::{pipeline, shader};
use super::read_back::ReadBack;
use crate::error::Result;

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
            pipelines.push(scoped(&gpu.device, program.name, || program.pipeline(gpu)).await?);
        }
        let mut buffers = Vec::with_capacity(self.buffers.len());
        for contents in &self.buffers {
            buffers.push(scoped(&gpu.device, self.name(), || contents.buffer(gpu)).await?);
        }
        let read_back = ReadBack::new(gpu, buffers[wanted].size());
        let submit = || {
            let launch = |pass: &Pass<'_>| pass.launch(gpu, &pipelines[pass.program], &buffers);
            let launches: Vec<Launch> = self.passes.iter().map(launch).collect();
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encode(&mut encoder, &launches);
            encoder.copy_buffer_to_buffer(&buffers[wanted], 0, read_back.buffer(), 0, read_back.size_bytes());
            gpu.queue.submit([encoder.finish()]);
        };
        scoped(&gpu.device, self.name(), submit).await?;
        let words = read_back.finish(gpu, <[u32]>::to_vec).await;
        gpu.check(&format!("in the probe {}", self.name()))?;
        words
    }

    fn name(&self) -> &str {
        self.programs.first().map_or("without a program", |p| p.name)
    }
}

impl Program<'_> {
    /// The layout follows from the shader, so that a probe is its WGSL file and nothing else.
    pub(super) fn pipeline(&self, gpu: &GpuDevice) -> wgpu::ComputePipeline {
        pipeline(gpu, self.name, None, &shader(gpu, self.name, self.wgsl.into()), self.constants)
    }
}

impl Contents {
    /// A buffer that holds them.
    pub(super) fn buffer(&self, gpu: &GpuDevice) -> wgpu::Buffer {
        match self {
            Contents::Zeros(words) => gpu.buffer("probe", 4 * words, STORAGE),
            Contents::Words(words) => {
                let buffer = gpu.buffer("probe", 4 * words.len() as u64, STORAGE);
                gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
                buffer
            }
        }
    }
}

impl Pass<'_> {
    /// The dispatch with its buffers of all, by the pipeline of its program.
    pub(super) fn launch(&self, gpu: &GpuDevice, pipeline: &wgpu::ComputePipeline, buffers: &[wgpu::Buffer]) -> Launch {
        let resource = |buffer: &usize| buffers[*buffer].as_entire_binding();
        let entry = |(binding, buffer)| wgpu::BindGroupEntry { binding, resource: resource(buffer) };
        let entries: Vec<_> = (0..).zip(self.buffers).map(entry).collect();
        let layout = pipeline.get_bind_group_layout(0);
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries };
        let bindings = gpu.device.create_bind_group(&descriptor);
        Launch { pipeline: pipeline.clone(), bindings, grid: self.groups }
    }
}
