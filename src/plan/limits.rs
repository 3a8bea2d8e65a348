//! What an adapter can hold, and the check of a plan against it before anything is allocated.

use super::{Dispatch, Plan};
use crate::error::{Error, Result};
use crate::kernels::Engine;

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
    /// Rounds of its loops together that an invocation may take; no limit of WebGPU's, but llvmpipe has one.
    pub max_loop_rounds: u32,
}

impl Limits {
    /// WebGPU's defaults, which every conforming adapter has (<https://gpuweb.github.io/gpuweb/#limits>).
    pub const WEBGPU: Limits = Limits {
        max_buffer_size_bytes: 256 << 20,
        max_storage_buffer_binding_size_bytes: 128 << 20,
        max_storage_buffers_per_shader_stage: 8,
        max_compute_workgroups_per_dimension: 65_535,
        max_compute_invocations_per_workgroup: 256,
        max_loop_rounds: u32::MAX,
    };

    /// Rounds after which llvmpipe leaves every loop of an invocation, without a word (`LP_MAX_TGSI_LOOP_ITERATIONS` of Mesa;
    /// seen in steps that stopped logging their loss).
    pub const LLVMPIPE_LOOP_ROUNDS: u32 = 65_535;

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
            let rounds = product_rounds(dispatch);
            if rounds > u64::from(self.max_loop_rounds) {
                return Err(Error::Limit(format!(
                    "{target} ends an invocation's loops after {} rounds, but {} ({}) sums {} products for each result. \
                     Reduce batch_size or the layers' sizes, or train with --device cpu",
                    self.max_loop_rounds,
                    dispatch.label,
                    row.name,
                    dispatch.args.size(2)
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

/// Rounds of all loops of an invocation of a matrix product; 0 for other kernels, whose loops are short.
fn product_rounds(dispatch: &Dispatch) -> u64 {
    if !dispatch.kernel.is_product() {
        return 0;
    }
    let k = dispatch.args.size(2) as u64;
    // Besides the loop over k: the stores, at most one round for each row of a tile and loop.
    match dispatch.kernel.engine(&dispatch.args) {
        Engine::Broadcast => k / 4 + 4 + 64,
        Engine::Tile if dispatch.args.constant("DIRECT") != 0.0 => k + 24,
        // A slice of 16: itself, at most 16 rounds of loads and 16 of products.
        Engine::Tile => 33 * k.div_ceil(16) + 24,
    }
}

fn too_large(target: &str, name: &str, limit: u64, what: &str, need: u64) -> Error {
    Error::Limit(format!(
        "the model is too large for {target}: {name} is {limit} bytes, but {what} needs {need} bytes. Reduce the layers' \
         sizes or batch_size, or train with --device cpu"
    ))
}
