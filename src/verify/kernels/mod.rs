//! Conformance: every row of the kernel table on a device, dispatch by dispatch, against the row's CPU function in `f64`
//! within the row's error bound. A test that a driver can fail.
//!
//! A [`Case`], which comes from the kernel's definition, becomes a plan of a single dispatch, so that it runs through the
//! same executor as training: bindings, uniform parameters, override constants, folded grids, read-back.

pub use crate::kernels::conformance::{Case, cases, sized};

use crate::compare::{Comparison, compare};
use crate::error::Result;
use crate::exec::analysis::Analysis;
use crate::exec::{Device, Flow, Session};
use crate::kernels::{Access, Dtype, Kernel, Measured};
use crate::plan::lower::fold_grid;
use crate::plan::{Arena, Buffer, Dispatch, Holds, Lifetime, Plan, Range, Role};
use rayon::prelude::*;
use serde::Serialize;

/// The comparisons of one dispatch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Sizes and constants.
    pub case: String,
    /// One for each written binding.
    pub outputs: Vec<Comparison>,
}

/// The comparisons of one row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelReport {
    /// The kernel.
    pub kernel: &'static str,
    /// True if every output of every case passed.
    pub passed: bool,
    /// Largest error / bound over all cases.
    pub max_ratio: f64,
    /// The cases.
    pub cases: Vec<Checked>,
}

impl KernelReport {
    /// The first output that failed, with its case.
    pub fn first_fault(&self) -> Option<(&str, &Comparison)> {
        let mut outputs = self.cases.iter().flat_map(|c| c.outputs.iter().map(|o| (c.case.as_str(), o)));
        outputs.find(|(_, output)| !output.passed)
    }
}

/// Runs every case of `kernel` on `device` and compares. `seed` decides the operands.
///
/// # Errors
/// [`crate::Error::Limit`], [`crate::Error::Gpu`], [`crate::Error::Device`]: what keeps a dispatch from running. A result
/// that is wrong is no error but a report.
pub async fn check_kernel(device: &Device, kernel: Kernel, seed: u64) -> Result<KernelReport> {
    let cases = cases(kernel, seed, device.products().lanes);
    let found = run(device, &cases).await?;
    let judged: Vec<Vec<Measured>> = cases.par_iter().map(Case::judge).collect::<Result<_>>()?;
    let checked = cases.iter().zip(&judged).zip(&found);
    let checked: Vec<Checked> = checked.map(|((case, judged), found)| case.compare(judged, found)).collect();
    let outputs = || checked.iter().flat_map(|c| &c.outputs);
    Ok(KernelReport {
        kernel: kernel.name,
        passed: outputs().all(|o| o.passed),
        max_ratio: outputs().map(|o| o.max_ratio).fold(0.0, f64::max),
        cases: checked,
    })
}

/// What `device` leaves in the written bindings of each case, in the row's order. Cases of one kernel share pipelines.
///
/// # Errors
/// As [`check_kernel`].
pub async fn run(device: &Device, cases: &[Case]) -> Result<Vec<Vec<Vec<f64>>>> {
    let plans = cases.iter().enumerate().map(|(i, case)| case.plan(&format!("case{i}"))).collect();
    let mut session = Session::open(device, plans).await?;
    let mut found = Vec::with_capacity(cases.len());
    for (plan, case) in cases.iter().enumerate() {
        for ((i, values), dtype) in case.values.iter().enumerate().zip(&case.dtypes) {
            match dtype {
                Dtype::F32 => session.write(plan, case.role(i), values)?,
                Dtype::U32 => {
                    let words: Vec<u32> = values.iter().map(|v| *v as u32).collect();
                    session.write_u32(plan, case.role(i), &words)?;
                }
            }
        }
        session.run(plan, 1, &mut |_| Flow::Continue).await?;
        let mut outputs = Vec::new();
        for i in case.written() {
            // Arena 0 is the plan's step counter; the bindings follow in order.
            outputs.push(session.read_arena(plan, i + 1).await?);
        }
        found.push(outputs);
    }
    Ok(found)
}

impl Case {
    /// Positions of the written bindings.
    pub fn written(&self) -> impl Iterator<Item = usize> + use<> {
        let bindings = self.kernel.bindings.iter().enumerate();
        bindings.filter(|(_, b)| b.access != Access::Read).map(|(i, _)| i)
    }

    /// Where a binding's buffer is found.
    pub fn role(&self, binding: usize) -> Role {
        Role::Output(self.buffer(binding))
    }

    /// Name of a binding's buffer.
    pub fn buffer(&self, binding: usize) -> String {
        format!("{binding} {}", self.kernel.bindings[binding].name)
    }

    /// A plan of this dispatch alone, each binding in an arena of its own.
    pub fn plan(&self, name: &str) -> Plan {
        // The executor resets the first arena, the plan's step counter. The kernel's own counter is an operand.
        let mut arenas = vec![Arena::new(format!("{name}.step"), Dtype::U32, 1, Lifetime::Plan, Holds::Counter)];
        let mut buffers = Vec::new();
        for ((i, values), dtype) in self.values.iter().enumerate().zip(&self.dtypes) {
            let (buffer, len) = (self.buffer(i), values.len());
            let range = Range { arena: arenas.len(), offset: 0, len };
            arenas.push(Arena::new(format!("{name}.{buffer}"), *dtype, len, Lifetime::Plan, Holds::Scratch));
            buffers.push(Buffer { role: self.role(i), name: buffer, shape: vec![len], range, live: (0, 1) });
        }
        let dispatch = Dispatch {
            kernel: self.kernel,
            label: self.name.clone(),
            args: self.args.clone(),
            bindings: buffers.iter().map(|b| b.range).collect(),
            grid: fold_grid((self.kernel.groups)(&self.args), self.groups_a_dimension),
        };
        Plan {
            name: name.to_string(),
            steps: 1,
            arenas,
            buffers,
            dispatches: vec![dispatch],
            guard: vec![],
            whole: None,
        }
    }

    /// The written bindings after the row's CPU function in `f64`, each element with the row's bound.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] for a broken case.
    pub fn judge(&self) -> Result<Vec<Measured>> {
        let mut analysis = Analysis::new(&self.plan("judge"));
        for (i, values) in self.values.iter().enumerate() {
            analysis.write(self.role(i), values, None)?;
        }
        analysis.step();
        self.written().map(|i| analysis.read(self.role(i))).collect()
    }

    /// Compares what a device found with what the judge did.
    pub fn compare(&self, judged: &[Measured], found: &[Vec<f64>]) -> Checked {
        let outputs = self.written().zip(judged).zip(found).map(|((i, judged), found)| {
            let name = self.kernel.bindings[i].name;
            let shape = [judged.value.len()];
            if !self.with_nan || found.len() != judged.value.len() {
                return compare(name, &shape, &judged.value, found, &judged.error);
            }
            // Where both are NaN they agree; a NaN on one side alone stays, and the comparator refuses it.
            let agree: Vec<bool> = judged.value.iter().zip(found).map(|(j, f)| j.is_nan() && f.is_nan()).collect();
            let masked = |values: &[f64]| -> Vec<f64> {
                values.iter().zip(&agree).map(|(v, both)| if *both { 0.0 } else { *v }).collect()
            };
            compare(name, &shape, &masked(&judged.value), &masked(found), &masked(&judged.error))
        });
        Checked { case: self.name.clone(), outputs: outputs.collect() }
    }
}
