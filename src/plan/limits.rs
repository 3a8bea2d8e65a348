//! What an adapter can hold, and the check of a plan against it before anything is allocated.

use super::{ALIGN_ELEMENTS, Plan};
use crate::error::{Error, Result};
use crate::kernels::{Args, Kernel};

/// Bindings that one tensor may be divided among: each is a few dispatches more in every pass over it.
pub const MAX_BLOCKS: u64 = 1024;

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
    pub const CPU: Limits = Limits {
        max_buffer_size_bytes: u64::MAX,
        max_storage_buffer_binding_size_bytes: u64::MAX,
        max_storage_buffers_per_shader_stage: u32::MAX,
        ..Limits::WEBGPU
    };

    /// These limits with those lowered that `text` names, such as `max_storage_buffer_binding_size=4096,max_buffer_size=16384`:
    /// so that small networks meet what only huge ones meet otherwise.
    ///
    /// # Errors
    /// [`Error::Limit`] for an unknown name, a value that is no number or too small to hold anything, and a value above what
    /// `target` has.
    pub fn lowered(mut self, text: &str, target: &str) -> Result<Limits> {
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let refused = |why: String| Err(Error::Limit(format!("WGRAD_LIMITS, {part}: {why}")));
            let Some((name, value)) = part.split_once('=') else {
                return refused("write NAME=VALUE, several with commas between them".into());
            };
            let (name, value) = (name.trim(), value.trim());
            let Ok(value) = value.parse::<u64>() else { return refused(format!("{value} is not a whole number")) };
            let least = if name.ends_with("_size") { 4 * ALIGN_ELEMENTS as u64 } else { 1 };
            let has = match name {
                "max_buffer_size" => self.max_buffer_size_bytes,
                "max_storage_buffer_binding_size" => self.max_storage_buffer_binding_size_bytes,
                "max_compute_workgroups_per_dimension" => u64::from(self.max_compute_workgroups_per_dimension),
                "max_loop_rounds" => u64::from(self.max_loop_rounds),
                _ => return refused(format!("there is no such limit; there is {}", Limits::NAMES.join(", "))),
            };
            if value > has {
                return refused(format!("{target} has {has}; a limit can only be lowered"));
            }
            if value < least {
                return refused(format!("the least that can hold anything is {least}"));
            }
            match name {
                "max_buffer_size" => self.max_buffer_size_bytes = value,
                "max_storage_buffer_binding_size" => self.max_storage_buffer_binding_size_bytes = value,
                "max_compute_workgroups_per_dimension" => self.max_compute_workgroups_per_dimension = value as u32,
                _ => self.max_loop_rounds = value as u32,
            }
        }
        Ok(self)
    }

    /// The names that [`Limits::lowered`] knows; sizes are in bytes.
    pub const NAMES: [&str; 4] = [
        "max_storage_buffer_binding_size",
        "max_buffer_size",
        "max_compute_workgroups_per_dimension",
        "max_loop_rounds",
    ];

    /// Elements that a binding may have: it lies within one buffer, and in whole words of four elements.
    pub fn binding_elements(&self) -> usize {
        let bytes = self.max_storage_buffer_binding_size_bytes.min(self.max_buffer_size_bytes);
        usize::try_from(bytes / 16).unwrap_or(usize::MAX / 16).saturating_mul(4)
    }

    /// Elements that a buffer may have, a multiple of [`ALIGN_ELEMENTS`].
    pub fn buffer_elements(&self) -> usize {
        let blocks = self.max_buffer_size_bytes / 4 / ALIGN_ELEMENTS as u64;
        usize::try_from(blocks).unwrap_or(usize::MAX).min(usize::MAX / ALIGN_ELEMENTS / 4) * ALIGN_ELEMENTS
    }

    /// Checks tensors by name and shape: none may take more than [`MAX_BLOCKS`] bindings. For a network that is far too
    /// large this must come before [`crate::plan::lower()`], whose dispatches grow with the sizes.
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
            if need > limit.saturating_mul(MAX_BLOCKS) {
                return Err(too_large(target, "maxStorageBufferBindingSize", limit, name, need));
            }
        }
        Ok(())
    }

    /// Checks that a binding holds `batch` samples of `width` numbers.
    ///
    /// # Errors
    /// [`Error::Limit`] says which batch size would fit.
    pub fn check_batch(&self, target: &str, batch: usize, width: usize) -> Result<()> {
        let most = self.binding_elements() / width.max(1);
        if batch <= most {
            return Ok(());
        }
        let need = 4 * batch as u128 * width as u128;
        let remedy = match most {
            0 => "Reduce the number of features".to_string(),
            _ => format!("Reduce batch_size to at most {most}"),
        };
        Err(Error::Limit(format!(
            "the batch is too large for {target}: maxStorageBufferBindingSize is {} bytes, but {batch} samples of {width} \
             numbers need {need} bytes. {remedy}, or train with --device cpu",
            self.max_storage_buffer_binding_size_bytes.min(self.max_buffer_size_bytes)
        )))
    }

    /// Whether an invocation of a kernel runs its loops to their end.
    #[doc(hidden)]
    pub fn ends_loops(&self, kernel: Kernel, args: &Args) -> bool {
        (kernel.rounds)(args) <= u64::from(self.max_loop_rounds)
    }

    /// Checks every arena, binding and grid of `plan` against these limits.
    ///
    /// # Errors
    /// [`Error::Limit`] names the limit, its value, what the plan needs and what to change.
    pub fn check(&self, plan: &Plan, target: &str) -> Result<()> {
        for arena in &plan.arenas {
            let need = arena.buffers().map(|(start, end)| 4 * (end - start) as u64).max().unwrap_or(0);
            if need > self.max_buffer_size_bytes {
                return Err(too_large(target, "maxBufferSize", self.max_buffer_size_bytes, &arena.name, need));
            }
        }
        for dispatch in plan.launches() {
            let row = dispatch.kernel;
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
            let rounds = (row.rounds)(&dispatch.args);
            if rounds > u64::from(self.max_loop_rounds) {
                return Err(Error::Limit(format!(
                    "{target} ends an invocation's loops after {} rounds, but {} ({}) needs {rounds}. Reduce batch_size or \
                     the layers' sizes, or train with --device cpu",
                    self.max_loop_rounds, dispatch.label, row.name
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
