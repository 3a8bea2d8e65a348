//! What an adapter can hold, and the check of a plan against it before anything is allocated.

use super::{ALIGN_ELEMENTS, Plan};
use crate::error::{Error, Remedy, Result};
use crate::kernels::{Args, Engine, Kernel};

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
             numbers need {need} bytes. {remedy}, or {}",
            self.max_storage_buffer_binding_size_bytes.min(self.max_buffer_size_bytes),
            Remedy::UseCpu
        )))
    }

    /// Whether an invocation of a product runs its loops to their end.
    #[doc(hidden)]
    pub fn ends_loops(&self, kernel: Kernel, args: &Args) -> bool {
        product_rounds(kernel, args) <= u64::from(self.max_loop_rounds)
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
            let rounds = product_rounds(dispatch.kernel, &dispatch.args);
            if rounds > u64::from(self.max_loop_rounds) {
                return Err(Error::Limit(format!(
                    "{target} ends an invocation's loops after {} rounds, but {} ({}) sums {} products for each result. \
                     Reduce batch_size or the layers' sizes, or {}",
                    self.max_loop_rounds,
                    dispatch.label,
                    row.name,
                    dispatch.args.size(2),
                    Remedy::UseCpu
                )));
            }
            let rounds = column_rounds(dispatch.kernel, &dispatch.args);
            if rounds > u64::from(self.max_loop_rounds) {
                return Err(Error::Limit(format!(
                    "{target} ends an invocation's loops after {} rounds, but {} ({}) goes through the {} rows of a batch \
                     twice. Reduce batch_size, or {}",
                    self.max_loop_rounds,
                    dispatch.label,
                    row.name,
                    dispatch.args.size(0),
                    Remedy::UseCpu
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

/// Rounds of all loops of an invocation that goes through the rows of a batch twice; 0 for other kernels.
fn column_rounds(kernel: Kernel, args: &Args) -> u64 {
    match kernel {
        Kernel::batch_moments | Kernel::batch_norm_grad => 2 * args.size(0) as u64 + 2,
        _ => 0,
    }
}

/// Rounds of all loops of an invocation of a matrix product; 0 for other kernels, whose loops are short.
pub(super) fn product_rounds(kernel: Kernel, args: &Args) -> u64 {
    if kernel == Kernel::dense_cross_entropy {
        return head_rounds(args.sizes(), args.constant("WIDTH") as usize);
    }
    if !kernel.is_product() {
        return 0;
    }
    let k = args.size(2) as u64;
    // Besides the loop over k: the stores, at most one round for each row of a tile and loop.
    match kernel.engine(args) {
        Engine::Broadcast => k / 4 + 4 + 64,
        Engine::Tile if args.constant("DIRECT") != 0.0 => k + 24,
        // A slice of 16: itself, at most 16 rounds of loads and 16 of products.
        Engine::Tile => 33 * k.div_ceil(16) + 24,
    }
}

/// Rounds of an invocation of `dense_cross_entropy` for `width` rows a workgroup: the logits, a word of inputs a round; then a
/// word of every column of the weight and a row's gradient a round, for each pass over the inputs; and three loops over columns.
pub(super) fn head_rounds([_, n, k]: [usize; 3], width: usize) -> u64 {
    let width = width.max(1);
    (k / 4 + k.div_ceil(4 * width) * (1 + n + width) + 8 * n) as u64
}

fn too_large(target: &str, name: &str, limit: u64, what: &str, need: u64) -> Error {
    Error::Limit(format!(
        "the model is too large for {target}: {name} is {limit} bytes, but {what} needs {need} bytes. Reduce the layers' \
         sizes or batch_size, or {}",
        Remedy::UseCpu
    ))
}
