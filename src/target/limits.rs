//! What an adapter can hold.

use super::ALIGN_ELEMENTS;
use crate::error::{Error, Remedy, Result};
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
    /// large this must come before lowering, whose dispatches grow with the sizes.
    ///
    /// # Errors
    /// [`Error::Limit`] names the limit, its value, what is needed and what to change.
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
             numbers need {need} bytes. {remedy}, or {}",
            self.max_storage_buffer_binding_size_bytes.min(self.max_buffer_size_bytes),
            Remedy::UseCpu
        )))
    }

    /// Whether an invocation of a kernel runs its loops to their end.
    pub fn ends_loops(&self, kernel: Kernel, args: &Args) -> bool {
        (kernel.rounds)(args) <= u64::from(self.max_loop_rounds)
    }
}

/// The error for what needs more than a limit.
pub fn too_large(target: &str, name: &str, limit: u64, what: &str, need: u64) -> Error {
    Error::Limit(format!(
        "the model is too large for {target}: {name} is {limit} bytes, but {what} needs {need} bytes. Reduce the layers' \
         sizes or batch_size, or {}",
        Remedy::UseCpu
    ))
}

/// The error for what cannot be divided: a tensor of `len` elements, because not even `least` fits a binding.
pub fn cannot_divide(limits: &Limits, label: &str, len: usize, least: &str) -> Error {
    let (name, limit) = match limits.max_buffer_size_bytes < limits.max_storage_buffer_binding_size_bytes {
        true => ("maxBufferSize", limits.max_buffer_size_bytes),
        false => ("maxStorageBufferBindingSize", limits.max_storage_buffer_binding_size_bytes),
    };
    let whole = 4 * len as u128;
    let why = match least {
        "" => "and cannot be divided".to_string(),
        least => {
            format!("and can be divided only in multiples of {least}, for a binding begins at a multiple of 256 bytes")
        }
    };
    Error::Limit(format!(
        "the model is too large for the adapter: {name} is {limit} bytes, but {label} needs {whole} bytes {why}. Reduce \
         batch_size, or make the layers' sizes smaller or multiples of 64, or {}",
        Remedy::UseCpu
    ))
}
