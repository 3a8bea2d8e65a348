//! The check of a plan against a device's limits, before anything is allocated.

use super::Plan;
use crate::error::{Error, Remedy, Result};
use crate::target::Limits;
use crate::target::limits::too_large;

impl Plan {
    /// Checks every arena, binding and grid against `limits`.
    ///
    /// # Errors
    /// [`Error::Limit`] names the limit, its value, what the plan needs and what to change.
    pub fn check(&self, limits: &Limits, target: &str) -> Result<()> {
        for arena in &self.arenas {
            let need = arena.buffers().map(|(start, end)| 4 * (end - start) as u64).max().unwrap_or(0);
            if need > limits.max_buffer_size_bytes {
                return Err(too_large(target, "maxBufferSize", limits.max_buffer_size_bytes, &arena.name, need));
            }
        }
        for dispatch in self.launches() {
            let row = dispatch.kernel;
            let count = row.bindings.len() as u32;
            if count > limits.max_storage_buffers_per_shader_stage {
                return Err(Error::Limit(format!(
                    "{target} allows maxStorageBuffersPerShaderStage = {}, but kernel {} binds {count}",
                    limits.max_storage_buffers_per_shader_stage, row.name
                )));
            }
            for (range, binding) in dispatch.bindings.iter().zip(row.bindings) {
                let need = 4 * range.len as u64;
                let limit = limits.max_storage_buffer_binding_size_bytes;
                if need > limit {
                    let what = format!("{} of {} ({})", binding.name, dispatch.label, row.name);
                    return Err(too_large(target, "maxStorageBufferBindingSize", limit, &what, need));
                }
            }
            if dispatch.grid.iter().any(|&g| g > limits.max_compute_workgroups_per_dimension) {
                return Err(Error::Limit(format!(
                    "{target} allows maxComputeWorkgroupsPerDimension = {}, but {} ({}) needs {:?}. Reduce batch_size \
                     or the layers' sizes",
                    limits.max_compute_workgroups_per_dimension, dispatch.label, row.name, dispatch.grid
                )));
            }
            let rounds = (row.rounds)(&dispatch.args);
            if rounds > u64::from(limits.max_loop_rounds) {
                return Err(Error::Limit(format!(
                    "{target} ends an invocation's loops after {} rounds, but {} ({}) needs {rounds}. Reduce batch_size or \
                     the layers' sizes, or {}",
                    limits.max_loop_rounds,
                    dispatch.label,
                    row.name,
                    Remedy::UseCpu
                )));
            }
            if row.workgroup.iter().product::<u32>() > limits.max_compute_invocations_per_workgroup {
                return Err(Error::Limit(format!(
                    "{target} allows maxComputeInvocationsPerWorkgroup = {}, but kernel {} needs {:?}",
                    limits.max_compute_invocations_per_workgroup, row.name, row.workgroup
                )));
            }
        }
        Ok(())
    }
}
