//! The judge: the trajectory in `f64`, and the comparison of one step with what a device held before and after it.

use super::{Row, digest};
use crate::compare::{Comparison, compare};
use crate::data::Dataset;
use crate::error::Result;
use crate::exec::analysis::{Analysis, analyse, blind, most};
use crate::graph::UpdateRule;
use crate::kernels::{Access, Measured};
use crate::nn::{Network, Tensor};
use crate::plan::{Buffer, Dispatch, Plan, Range, Role};
use crate::train::inputs::{Rounded, Steps, fill_samples};
use crate::train::tables::shares;

/// One step of a device, as it was observed.
pub struct StepInput<'a> {
    /// The train plan; every value has a place of its own.
    pub plan: &'a Plan,
    /// The samples that lie on the device: all of them, or those of this step.
    pub data: &'a Dataset<f32>,
    /// The rows of this step among them.
    pub rows: &'a [u32],
    /// Rows of a full step.
    pub batch: usize,
    /// Steps before this one.
    pub t: usize,
    /// Decides what layers draw at random.
    pub seed: u64,
    /// Every arena before the step, in the plan's order.
    pub before: &'a [Vec<f64>],
    /// Every arena after it.
    pub after: &'a [Vec<f64>],
}

/// The trajectory in `f64`.
pub struct Judge {
    rule: UpdateRule,
    parameters: Vec<Tensor>,
    states: Vec<Tensor>,
    slack: f64,
}

impl Judge {
    /// Starts from `parameters`, rounded as a device holds them, and states as the optimizer begins with them.
    pub fn new(network: &Network, rule: UpdateRule, parameters: &[Tensor], slack: f64) -> Judge {
        let mut parameters = parameters.to_vec();
        parameters.iter_mut().flat_map(|p| &mut p.values).for_each(|v| *v = f64::from(*v as f32));
        let first = f64::from(rule.optimizer.initial_state() as f32);
        let filled = |(name, shape): (String, Vec<usize>)| {
            let values = vec![first; shape.iter().product()];
            Tensor { name, shape, values }
        };
        let states = network.states(rule.optimizer).into_iter().map(filled).collect();
        Judge { rule, parameters, states, slack }
    }

    /// Root mean square distance of the judge's parameters from `others`.
    pub fn distance(&self, others: &[Tensor]) -> f64 {
        let pairs = self.parameters.iter().zip(others).flat_map(|(a, b)| a.values.iter().zip(&b.values));
        let (sum, n) = pairs.fold((0.0, 0usize), |(s, n), (a, b)| (s + (a - b) * (a - b), n + 1));
        (sum / n.max(1) as f64).sqrt()
    }

    /// Takes the step and compares every value that its dispatches write: the judge's loss, the device's, and the values.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] for a plan that lacks a buffer.
    pub fn step(&mut self, input: &StepInput<'_>) -> Result<(f64, f64, Vec<Row>)> {
        let plan = input.plan;
        let mut analysis = Analysis::new(plan);
        write_batch(&mut analysis, input, &self.rule)?;
        for mine in self.parameters.iter().chain(&self.states) {
            let Some(buffer) = plan.buffer(&mine.name) else { continue };
            let device = slice(input.before, buffer.range);
            let distance: Vec<f64> = mine.values.iter().zip(device).map(|(a, b)| (a - b).abs()).collect();
            // Before the first step both hold the same numbers: a device that starts elsewhere is wrong, not far.
            let distance = (input.t > 0).then_some(&distance[..]);
            analysis.write(&mine.name, &mine.values, distance)?;
        }
        analysis.step();
        let written = written(plan);
        let mut rows: Vec<Row> = Vec::new();
        for dispatch in 0..plan.dispatches.len() {
            let operands = operands(plan, dispatch, &written);
            let get = |r| device_operand(input, dispatch, r);
            let found = analyse(plan, dispatch, get);
            let blind = blind(plan, dispatch, get, &found);
            for ((range, local), blind) in found.iter().zip(&blind) {
                for named in plan.buffers.iter().filter_map(|b| named_part(b, *range)) {
                    let mut row = self.row(input, &analysis, dispatch, &named, (*range, local), &operands, &rows);
                    refuse_blind(&mut row, &named, *range, local, blind);
                    rows.push(row);
                }
            }
        }
        for tensor in self.parameters.iter_mut().chain(&mut self.states) {
            tensor.values = analysis.read(&tensor.name)?.value;
        }
        let loss_found = plan.buffer(Role::Loss).map_or(f64::NAN, |b| slice(input.after, b.range)[0]);
        Ok((analysis.read(Role::Loss)?.value[0], loss_found, rows))
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one comparison, each used once")]
    fn row(
        &self,
        input: &StepInput<'_>,
        analysis: &Analysis,
        dispatch: usize,
        named: &Named,
        (range, measured): (Range, &Measured),
        operands: &[String],
        earlier: &[Row],
    ) -> Row {
        let found = slice(input.after, named.range);
        let start = named.range.offset - range.offset;
        let part = start..start + named.range.len;
        let local = self.compare(named, &measured.value[part.clone()], found, &measured.error[part.clone()]);
        let judged = analysis.at(named.range);
        let total = self.compare(named, &judged.value, found, &judged.error);
        let failed = |name: &&String| earlier.iter().any(|r| r.name == **name && !r.passed());
        // Operands that are no numbers leave nothing to compute from: the fault is theirs.
        let unfed = measured.value[part].iter().any(|v| !v.is_finite());
        let inherited = !total.passed && (local.passed || unfed);
        let inherited_from = if inherited { operands.iter().find(failed).cloned() } else { None };
        Row {
            name: named.name.clone(),
            kernel: input.plan.dispatches[dispatch].kernel.name.to_string(),
            dispatch,
            operands: operands.to_vec(),
            local,
            total,
            inherited_from,
            digest: digest(found),
            reference_digest: digest(&judged.value),
        }
    }

    fn compare(&self, named: &Named, expected: &[f64], found: &[f64], error: &[f64]) -> Comparison {
        let bound: Vec<f64> = error.iter().map(|e| e * self.slack).collect();
        compare(&named.name, &named.shape, expected, found, &bound)
    }
}

/// A bound that lets anything pass proves nothing, so a value with such a bound has not passed.
fn refuse_blind(row: &mut Row, named: &Named, range: Range, local: &Measured, blind: &[bool]) {
    let start = named.range.offset - range.offset;
    let Some(part) = blind.get(start..start + named.range.len).filter(|part| most(part)) else { return };
    let Some(first) = part.iter().position(|element| *element) else { return };
    let count = part.iter().filter(|element| **element).count();
    row.local.fail(format!(
        "the bound of the kernel {} is blind, correct it: at {count} of {} elements it exceeds a thousand times every number that \
         the dispatch reads and writes (element {first}: {:e}, bound {:e})",
        row.kernel,
        part.len(),
        local.value[start + first],
        local.error[start + first]
    ));
}

fn slice(arenas: &[Vec<f64>], range: Range) -> &[f64] {
    &arenas[range.arena][range.offset..range.offset + range.len]
}

/// The ranges that a dispatch reads, writes or updates.
fn bound(dispatch: &Dispatch, is: fn(Access) -> bool) -> impl Iterator<Item = Range> {
    let pairs = dispatch.kernel.bindings.iter().zip(&dispatch.bindings);
    pairs.filter(move |(binding, _)| is(binding.access)).map(|(_, range)| *range)
}

/// What the device's dispatch saw in a range: exact, because these are the device's own numbers.
fn device_operand(input: &StepInput<'_>, dispatch: usize, range: Range) -> Measured {
    let arenas = if input.plan.is_yet_to_update(dispatch, range) { input.before } else { input.after };
    let value = match (range.arena, range.offset) {
        // The step counter starts each submit at 0, whatever it held before.
        (0, 0) => vec![0.0],
        _ => slice(arenas, range).to_vec(),
    };
    Measured { error: vec![0.0; value.len()], value }
}

/// A named value, or the part of it that one dispatch of several writes.
struct Named {
    /// The buffer's name; for a part followed by its elements.
    name: String,
    shape: Vec<usize>,
    range: Range,
}

/// What `range` holds of a buffer. Bindings that exist only to be bound are left out, as is the step counter.
fn named_part(buffer: &Buffer, range: Range) -> Option<Named> {
    let b = buffer.range;
    let (start, end) = (b.offset.max(range.offset), (b.offset + b.len).min(range.offset + range.len));
    if b.arena != range.arena || start >= end || buffer.role == Role::Unused {
        return None;
    }
    let whole = end - start == b.len;
    let (from, to) = (start - b.offset, end - b.offset);
    Some(Named {
        name: if whole { buffer.name.clone() } else { format!("{}[{from}..{to}]", buffer.name) },
        shape: if whole { buffer.shape.clone() } else { vec![to - from] },
        range: Range { arena: b.arena, offset: start, len: end - start },
    })
}

/// For every buffer the values by which it is known: itself, or the parts that the dispatches write of it.
fn written(plan: &Plan) -> Vec<Named> {
    let writes = || plan.dispatches.iter().flat_map(|d| bound(d, |a| a != Access::Read));
    let of = |buffer: &Buffer| {
        let mut parts: Vec<Named> = writes().filter_map(|range| named_part(buffer, range)).collect();
        if parts.is_empty() {
            parts.extend(named_part(buffer, buffer.range));
        }
        parts
    };
    plan.buffers.iter().flat_map(of).collect()
}

/// Names of the values that a dispatch reads or updates.
fn operands(plan: &Plan, dispatch: usize, written: &[Named]) -> Vec<String> {
    let read = bound(&plan.dispatches[dispatch], |a| a != Access::Write);
    read.flat_map(|r| written.iter().filter(move |n| n.range.meets(r)).map(|n| n.name.clone())).collect()
}

/// The samples and tables of one step, as the device holds them: rounded to `f32`.
fn write_batch(analysis: &mut Analysis, input: &StepInput<'_>, rule: &UpdateRule) -> Result<()> {
    let StepInput { data, rows, batch, seed, t, .. } = *input;
    let mut into = Rounded(analysis);
    let data: Dataset = data.cast();
    fill_samples(&mut into, "train", &data.x, &data.targets)?;
    let (parts, shares) = (rule.parts(batch), &shares(rows, &data.weights));
    Steps { rule: Some(rule), batch, parts, rows, shares, seed, first: t as u64 }.fill(&mut into)
}
