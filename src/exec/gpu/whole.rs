//! Whole train steps: the one pipeline and bind group of a plan whose steps run in one dispatch.

use super::adapter::GpuDevice;
use super::arenas::DeviceArena;
use super::build::{Launch, bind, uniform};
use super::fault::scoped;
use super::pipelines::Module;
use crate::error::Result;
use crate::plan::{Plan, Whole, whole};

/// A plan's whole-step program on a device.
pub struct WholeProgram {
    /// A dispatch of several steps.
    pub launch: Launch,
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
    let made = || {
        let read_only = whole::BINDINGS.iter().map(|(_, written)| !written);
        let module = Module::new(gpu, "whole_steps", gpu.whole_shader(), read_only);
        (module.pipeline(gpu, "whole_steps", &description.constants), module.bindings)
    };
    let (pipeline, layout) = scoped(&gpu.device, &at, made).await?;
    let program = uniform(gpu, "whole.program", &at, bytemuck::cast_slice(&description.program)).await?;
    let whole = program.as_entire_buffer_binding();
    let build = || bind(gpu, &at, &layout, whole, &description.bindings, map, arenas);
    let bindings = scoped(&gpu.device, &at, build).await?;
    Ok(WholeProgram { launch: Launch { pipeline, bindings, grid: [1; 3] }, program, steps: description.steps })
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
}
