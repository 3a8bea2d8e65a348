//! What an adapter can hold, and the check of a plan against it before anything is allocated.

use super::Plan;
use crate::error::{Error, Result};

/// The limits that plans depend on; names follow WebGPU's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `maxBufferSize`, in bytes.
    pub max_buffer_size_bytes: u64,
    /// `maxStorageBufferBindingSize`, in bytes.
    pub max_storage_buffer_binding_size_bytes: u64,
    /// `maxStorageBuffersPerShaderStage`.
    pub max_storage_buffers_per_shader_stage: u32,
    /// `maxComputeWorkgroupsPerDimension`.
    pub max_compute_workgroups_per_dimension: u32,
    /// `maxComputeInvocationsPerWorkgroup`.
    pub max_compute_invocations_per_workgroup: u32,
}

impl Limits {
    /// WebGPU's defaults, which every conforming adapter has (<https://gpuweb.github.io/gpuweb/#limits>).
    pub const WEBGPU: Limits = Limits {
        max_buffer_size_bytes: 256 << 20,
        max_storage_buffer_binding_size_bytes: 128 << 20,
        max_storage_buffers_per_shader_stage: 8,
        max_compute_workgroups_per_dimension: 65_535,
        max_compute_invocations_per_workgroup: 256,
    };

    /// The CPU path: memory is the only limit.
    pub const CPU: Limits =
        Limits { max_buffer_size_bytes: u64::MAX, max_storage_buffer_binding_size_bytes: u64::MAX, ..Limits::WEBGPU };

    /// Checks tensors by name and shape: each against the limit of a binding. For a network that is far too large this
    /// must come before [`crate::plan::lower()`], whose dispatches grow with the sizes.
    ///
    /// # Errors
    /// As [`Limits::check`].
    pub fn check_tensors<'a>(
        &self,
        tensors: impl IntoIterator<Item = (&'a str, &'a [usize])>,
        target: &str,
    ) -> Result<()> {
        let limit = self.max_storage_buffer_binding_size_bytes;
        for (name, shape) in tensors {
            let need = shape.iter().fold(4u64, |bytes, &size| bytes.saturating_mul(size as u64));
            if need > limit {
                return Err(too_large(target, "maxStorageBufferBindingSize", limit, name, need));
            }
        }
        Ok(())
    }

    /// Checks every arena, binding and grid of `plan` against these limits.
    ///
    /// # Errors
    /// [`Error::Limit`] names the limit, its value, what the plan needs and what to change.
    pub fn check(&self, plan: &Plan, target: &str) -> Result<()> {
        for arena in &plan.arenas {
            let need = 4 * arena.len as u64;
            if need > self.max_buffer_size_bytes {
                return Err(too_large(target, "maxBufferSize", self.max_buffer_size_bytes, &arena.name, need));
            }
        }
        for dispatch in &plan.dispatches {
            let row = dispatch.kernel.row();
            let count = row.bindings.len() as u32;
            if count > self.max_storage_buffers_per_shader_stage {
                return Err(Error::Limit(format!(
                    "{target} allows maxStorageBuffersPerShaderStage = {}, but kernel {} binds {count}",
                    self.max_storage_buffers_per_shader_stage, row.name
                )));
            }
            for (range, binding) in dispatch.bindings.iter().zip(row.bindings) {
                let need = 4 * range.len as u64;
                let limit = self.max_storage_buffer_binding_size_bytes;
                if need > limit {
                    let what = format!("{} of {} ({})", binding.name, dispatch.label, row.name);
                    return Err(too_large(target, "maxStorageBufferBindingSize", limit, &what, need));
                }
            }
            if dispatch.grid.iter().any(|&g| g > self.max_compute_workgroups_per_dimension) {
                return Err(Error::Limit(format!(
                    "{target} allows maxComputeWorkgroupsPerDimension = {}, but {} ({}) needs {:?}. Reduce batch_size \
                     or the layers' sizes",
                    self.max_compute_workgroups_per_dimension, dispatch.label, row.name, dispatch.grid
                )));
            }
            if row.workgroup.iter().product::<u32>() > self.max_compute_invocations_per_workgroup {
                return Err(Error::Limit(format!(
                    "{target} allows maxComputeInvocationsPerWorkgroup = {}, but kernel {} needs {:?}",
                    self.max_compute_invocations_per_workgroup, row.name, row.workgroup
                )));
            }
        }
        Ok(())
    }
}

fn too_large(target: &str, name: &str, limit: u64, what: &str, need: u64) -> Error {
    Error::Limit(format!(
        "the model is too large for {target}: {name} is {limit} bytes, but {what} needs {need} bytes. Reduce the layers' \
         sizes or batch_size, or train with --device cpu"
    ))
}
