//! Whole train steps: the one pipeline and bind group of a plan whose steps run in one dispatch.

use super::adapter::GpuDevice;
use super::arenas::DeviceArena;
use super::fault::scoped;
use super::pipelines::Module;
use crate::error::Result;
use crate::plan::{Plan, Whole, whole};

/// A plan's whole-step program on a device.
pub struct WholeProgram {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    program: wgpu::Buffer,
    /// Steps of a dispatch at most.
    steps: u32,
}

/// Builds the program of `plan`, whose arenas are `arenas[map[i]]`.
pub async fn build(
    gpu: &GpuDevice,
    plan: &Plan,
    description: &Whole,
    map: &[usize],
    arenas: &[DeviceArena],
) -> Result<WholeProgram> {
    let at = format!("whole steps of {}", plan.name);
    let (pipeline, layout) = scoped(&gpu.device, &at, || pipeline(gpu, description)).await?;
    let size = 4 * description.program.len() as u64;
    let descriptor = wgpu::BufferDescriptor {
        label: Some("whole.program"),
        size,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    };
    let program = scoped(&gpu.device, &at, || gpu.device.create_buffer(&descriptor)).await?;
    gpu.queue.write_buffer(&program, 0, bytemuck::cast_slice(&description.program));
    let bind = || {
        let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: program.as_entire_binding() }];
        for (i, range) in description.bindings.iter().enumerate() {
            let (buffer, offset) = arenas[map[range.arena]].at(range.offset);
            let size = std::num::NonZeroU64::new(4 * range.len as u64);
            let buffer = wgpu::BufferBinding { buffer, offset, size };
            entries
                .push(wgpu::BindGroupEntry { binding: i as u32 + 1, resource: wgpu::BindingResource::Buffer(buffer) });
        }
        let descriptor = wgpu::BindGroupDescriptor { label: Some(&at), layout: &layout, entries: &entries };
        gpu.device.create_bind_group(&descriptor)
    };
    let bindings = scoped(&gpu.device, &at, bind).await?;
    Ok(WholeProgram { pipeline, bindings, program, steps: description.steps })
}

fn pipeline(gpu: &GpuDevice, description: &Whole) -> (wgpu::ComputePipeline, wgpu::BindGroupLayout) {
    let label = "whole_steps";
    let module = Module::new(gpu, label, gpu.whole_shader(), whole::BINDINGS.iter().map(|(_, written)| !written));
    (module.pipeline(gpu, label, &description.constants), module.bindings)
}

impl WholeProgram {
    /// Dispatches that `count` steps take.
    pub fn dispatches(&self, count: usize) -> usize {
        count.div_ceil(self.steps as usize)
    }

    /// Says how the dispatches of the next submit run: up to `each` steps each, and none from step `end` on. The write is
    /// ordered before that submit and after the last.
    pub fn set_steps(&self, gpu: &GpuDevice, each: usize, end: usize) {
        let words = [self.steps.min(each as u32), end as u32];
        gpu.queue.write_buffer(&self.program, 0, bytemuck::cast_slice(&words));
    }

    /// Encodes `count` steps.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>, count: usize) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        for _ in 0..self.dispatches(count) {
            pass.dispatch_workgroups(1, 1, 1);
        }
    }
}
