//! Many operations in one dispatch.

use super::litmus::once;
use crate::error::Result;
use crate::exec::gpu::adapter::GpuDevice;
use crate::exec::gpu::probe::{Contents, Program};
use crate::kernels::{Tiling, shader};

/// Invocations of a workgroup of the probe shaders.
pub const WORKGROUP: usize = 64;

/// The probe that computes operations, complete.
pub fn operations_wgsl() -> String {
    shader::expand(include_str!("../../../shaders/probe/operations.wgsl"), "", Tiling::default())
}

/// The results of these operations, each a code with its operands, in their order and as the device left their bits.
///
/// # Errors
/// [`crate::Error::Gpu`], [`crate::Error::Device`].
pub async fn run(gpu: &GpuDevice, wgsl: &str, operations: &[(u32, [f32; 3])]) -> Result<Vec<f32>> {
    let groups = operations.len().div_ceil(WORKGROUP) as u32;
    // Folded, because a dimension holds 65,535 groups; the shader compares with the length.
    let x = groups.min(1 << 12);
    let operands = |i: usize| Contents::Words(operations.iter().map(|(_, operands)| operands[i].to_bits()).collect());
    let codes = Contents::Words(operations.iter().map(|(code, _)| *code).collect());
    let results = Contents::Zeros(operations.len() as u64);
    let buffers = vec![codes, operands(0), operands(1), operands(2), results];
    let program = Program { name: "probe operations", wgsl, constants: &[] };
    let found = once(gpu, program, buffers, &[0, 1, 2, 3, 4], [x, groups.div_ceil(x), 1]).await?;
    Ok(found.into_iter().map(f32::from_bits).collect())
}
