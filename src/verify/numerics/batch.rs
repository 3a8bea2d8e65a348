//! Many operations in one dispatch.

use crate::error::Result;
use crate::exec::gpu::adapter::GpuDevice;
use crate::exec::gpu::probe::{Contents, Pass, Probe, Program};
use crate::kernels::{Engine, shader};

/// Invocations of a workgroup of the probe shaders.
pub const WORKGROUP: usize = 64;

/// The probe that computes operations, complete.
pub fn operations_wgsl() -> String {
    shader::expand(include_str!("../../../shaders/probe/operations.wgsl"), "", Engine::default())
}

/// Operations to run, by code, with their operands.
#[derive(Debug, Default)]
pub struct Batch {
    code: Vec<u32>,
    operands: [Vec<u32>; 3],
}

impl Batch {
    /// Adds one operation.
    pub fn push(&mut self, code: u32, operands: [f32; 3]) {
        self.code.push(code);
        for (column, x) in self.operands.iter_mut().zip(operands) {
            column.push(x.to_bits());
        }
    }

    /// The results in order, as the device left their bits.
    ///
    /// # Errors
    /// [`crate::Error::Gpu`], [`crate::Error::Device`].
    pub async fn run(self, gpu: &GpuDevice, wgsl: &str) -> Result<Vec<f32>> {
        let n = self.code.len();
        let groups = n.div_ceil(WORKGROUP) as u32;
        // Folded, because a dimension holds 65,535 groups; the shader compares with the length.
        let x = groups.min(1 << 12);
        let [a, b, c] = self.operands;
        let mut buffers: Vec<Contents> = [self.code, a, b, c].into_iter().map(Contents::Words).collect();
        buffers.push(Contents::Zeros(n as u64));
        let probe = Probe {
            programs: vec![Program { name: "probe operations", wgsl, constants: &[] }],
            buffers,
            passes: vec![Pass { program: 0, buffers: &[0, 1, 2, 3, 4], groups: [x, groups.div_ceil(x), 1] }],
        };
        Ok(probe.run(gpu, 4).await?.into_iter().map(f32::from_bits).collect())
    }
}
