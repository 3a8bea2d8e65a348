//! What an adapter's arithmetic really does, measured on it and held against `f64` on the CPU.
//!
//! Operations and built-ins are run over their ranges and at special values; barriers, visibility between dispatches and
//! limits are tried. From this follows which guards of the kernels the adapter needs. A measurement fails where something
//! that the kernels rely on does not hold: `+ - * /`, `sqrt`, wgrad's own functions within the constants of
//! [`crate::kernels::bound`], memory as the model says, limits as claimed. The rest is a fact about the adapter.

mod accuracy;
mod batch;
mod guard;
pub mod litmus;
mod operation;
mod sample;
mod special;
mod text;

pub use accuracy::{Accuracy, Contraction, Held, Worst};
pub use batch::operations_wgsl;
pub use guard::Guard;
pub use litmus::Finding;
#[cfg(feature = "testing")]
pub use sample::ulp;
pub use special::Special;
pub use text::text;

use crate::error::Result;
use crate::exec::gpu::adapter::GpuDevice;
use operation::OPERATIONS;
use sample::{SAMPLES, operands, residual};
use serde::Serialize;
use special::CASES;

/// Samples that tell a fused multiply-add from two roundings.
const RESIDUALS: usize = 4096;

/// The measurement of an adapter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numerics {
    /// The adapter's name.
    pub adapter: String,
    /// Its backend.
    pub backend: String,
    /// Its driver.
    pub driver: String,
    /// True if everything that the kernels rely on holds.
    pub passed: bool,
    /// Errors of operations and built-ins.
    pub accuracy: Vec<Accuracy>,
    /// Whether a multiply-add is fused.
    pub contraction: Vec<Contraction>,
    /// Results at special values.
    pub specials: Vec<Special>,
    /// Barriers and visibility.
    pub visibility: Vec<Finding>,
    /// Limits as claimed and as found.
    pub limits: Vec<Finding>,
    /// The kernels' guards.
    pub guards: Vec<Guard>,
}

impl Numerics {
    /// The first thing that the kernels rely on and that does not hold, in words.
    pub fn first_fault(&self) -> Option<String> {
        let inaccurate = self.accuracy.iter().filter(|a| a.used).find_map(|a| {
            let held = a.wgrad.as_ref().filter(|held| !held.kept)?;
            Some(format!("{}: error / bound {:.3}, bound {}", a.operation, held.max_ratio, held.allowed))
        });
        let special = || {
            let wrong = self.specials.iter().find(|s| s.relied_on && !s.agrees)?;
            Some(format!("{} is {}, not {}", wrong.expression, wrong.found, wrong.expected))
        };
        let finding = || {
            let wrong = self.visibility.iter().chain(&self.limits).find(|f| !f.held)?;
            Some(format!("{}: claimed {}, found {}", wrong.name, wrong.claimed, wrong.found))
        };
        inaccurate.or_else(special).or_else(finding)
    }

    /// Operations whose error is larger than WGSL allows.
    pub fn outside_wgsl(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.accuracy.iter().filter(|a| a.wgsl.as_ref().is_some_and(|held| !held.kept)).map(|a| a.operation)
    }
}

/// Measures everything.
///
/// # Errors
/// [`crate::Error::Gpu`], [`crate::Error::Device`]: what keeps a probe from running. A wrong result is no error but a
/// finding.
pub async fn measure(gpu: &GpuDevice) -> Result<Numerics> {
    let (accuracy, contraction, specials) = arithmetic(gpu, &operations_wgsl()).await?;
    let guards = guard::guards(&accuracy, &specials);
    let driver = format!("{} {}", gpu.info.driver, gpu.info.driver_info).trim().to_string();
    let mut numerics = Numerics {
        adapter: gpu.info.name.clone(),
        backend: gpu.info.backend.to_string(),
        driver,
        passed: false,
        accuracy,
        contraction,
        specials,
        visibility: litmus::visibility(gpu).await?,
        limits: litmus::limits(gpu).await?,
        guards,
    };
    numerics.passed = numerics.first_fault().is_none();
    Ok(numerics)
}

/// Accuracy, contraction and special values, from the text of the probe `operations` (see [`operations_wgsl`]): a test
/// gives one with a broken function.
///
/// # Errors
/// As [`measure`].
pub async fn arithmetic(gpu: &GpuDevice, wgsl: &str) -> Result<(Vec<Accuracy>, Vec<Contraction>, Vec<Special>)> {
    let mut batch = Vec::new();
    for operation in OPERATIONS {
        batch.extend((0..SAMPLES).map(|i| (operation.code, operands(operation, i))));
    }
    for (_, code) in accuracy::CONTRACTIBLE {
        batch.extend((0..RESIDUALS).map(|i| (code, residual(i).0)));
    }
    batch.extend(CASES.iter().map(|case| (case.1, case.2)));
    let found = batch::run(gpu, wgsl, &batch).await?;
    let (ranges, rest) = found.split_at(OPERATIONS.len() * SAMPLES);
    let (residuals, specials) = rest.split_at(accuracy::CONTRACTIBLE.len() * RESIDUALS);
    let rows = OPERATIONS.iter().zip(ranges.chunks_exact(SAMPLES)).map(|(op, found)| accuracy::accuracy(op, found));
    let contractible = accuracy::CONTRACTIBLE.iter().zip(residuals.chunks_exact(RESIDUALS));
    let contraction = contractible.map(|((name, _), found)| accuracy::contraction(name, found));
    let specials = CASES.iter().zip(specials).map(|(case, found)| special::special(case, *found));
    Ok((rows.collect(), contraction.collect(), specials.collect()))
}
