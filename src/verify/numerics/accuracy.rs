//! Errors of the operations over their ranges, and whether a multiply-add is fused.

use super::operation::{Allowance, Operation, code};
use super::sample::{LARGEST, SAMPLES, SMALLEST_NORMAL, operands, residual, ulp};
use serde::Serialize;

/// The error of one operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accuracy {
    /// As WGSL writes it.
    pub operation: &'static str,
    /// True if kernels use it.
    pub used: bool,
    /// Samples whose exact result is a normal number.
    pub samples: usize,
    /// Largest error in units of the last place; infinite where the result is not finite.
    pub max_ulp: f64,
    /// Largest error relative to the result, in u = 2^-24.
    pub max_relative_u: f64,
    /// The sample with the largest error in ULP: operands, exact result, found.
    pub worst: Option<Worst>,
    /// Results that are not the nearest number, where that is known.
    pub not_nearest: Option<usize>,
    /// What WGSL allows.
    pub wgsl: Option<Held>,
    /// What wgrad's error bounds assume; for an unused built-in, what they would have to.
    pub wgrad: Option<Held>,
}

/// A sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Worst {
    /// Operands; those that the operation does not take are 0.
    pub operands: [f32; 3],
    /// The exact result.
    pub exact: f64,
    /// The device's.
    pub found: f32,
}

/// An allowance and whether it was kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Held {
    /// As a formula; u = 2^-24.
    pub allowed: &'static str,
    /// Largest error / allowance.
    pub max_ratio: f64,
    /// True if no error was larger than the allowance.
    pub kept: bool,
    /// The sample with the largest error / allowance.
    pub worst: Option<Worst>,
}

impl Held {
    fn new(allowance: Allowance) -> Held {
        Held { allowed: allowance.text, max_ratio: 0.0, kept: true, worst: None }
    }

    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "the negation is the point: NaN must fail")]
    fn take(&mut self, error: f64, allowed: f64, sample: Worst) {
        if !(error <= allowed) {
            self.kept = false;
        }
        let ratio = match error / allowed {
            _ if error == 0.0 => 0.0,
            ratio if ratio.is_nan() => f64::INFINITY,
            ratio => ratio,
        };
        if ratio > self.max_ratio || self.worst.is_none() {
            self.max_ratio = ratio;
            self.worst = Some(sample);
        }
    }
}

/// Compares the results of an operation's samples with the exact ones.
pub fn accuracy(operation: &Operation, found: &[f32]) -> Accuracy {
    let mut result = Accuracy {
        operation: operation.name,
        used: operation.used,
        samples: 0,
        max_ulp: 0.0,
        max_relative_u: 0.0,
        worst: None,
        not_nearest: operation.nearest.then_some(0),
        wgsl: operation.wgsl.map(Held::new),
        wgrad: operation.wgrad.map(Held::new),
    };
    for (i, &found) in found.iter().enumerate().take(SAMPLES) {
        let operands = operands(operation, i);
        let wide = operands.map(f64::from);
        let exact = (operation.exact)(wide);
        // A result below the normal numbers may be flushed, one above overflows: special values, not accuracy.
        if !(SMALLEST_NORMAL..=LARGEST).contains(&exact.abs()) {
            continue;
        }
        result.samples += 1;
        let distance = (f64::from(found) - exact).abs();
        let error = if distance.is_nan() { f64::INFINITY } else { distance };
        let ulps = error / ulp(exact);
        let sample = Worst { operands, exact, found };
        if ulps > result.max_ulp || result.worst.is_none() {
            result.max_ulp = ulps;
            result.worst = Some(sample);
        }
        result.max_relative_u = result.max_relative_u.max(error / exact.abs() / crate::kernels::bound::U);
        for (held, allowance) in [(&mut result.wgsl, operation.wgsl), (&mut result.wgrad, operation.wgrad)] {
            if let (Some(held), Some(allowance)) = (held, allowance) {
                held.take(error, (allowance.error)(wide, exact), sample);
            }
        }
        if let Some(count) = &mut result.not_nearest {
            *count += usize::from(found != exact as f32);
        }
    }
    result
}

/// How an expression with a product and a sum is rounded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contraction {
    /// As WGSL writes it.
    pub expression: &'static str,
    /// Samples that were rounded once.
    pub fused: usize,
    /// Samples whose product was rounded first.
    pub separate: usize,
    /// Samples that were neither.
    pub neither: usize,
}

impl Contraction {
    /// In words.
    pub fn verdict(&self) -> &'static str {
        match (self.fused, self.separate, self.neither) {
            (1.., 0, 0) => "fused: one rounding",
            (0, 1.., 0) => "not fused: the product is rounded first",
            (_, _, 0) => "fused for some operands and not for others",
            _ => "neither fused nor two roundings",
        }
    }
}

/// The expressions that may be contracted.
pub const CONTRACTIBLE: [(&str, u32); 2] = [("fma(a, b, c)", code::FMA), ("a * b + c", code::MUL_ADD)];

/// Sorts the results of [`residual`]'s samples.
pub fn contraction(expression: &'static str, found: &[f32]) -> Contraction {
    let mut result = Contraction { expression, fused: 0, separate: 0, neither: 0 };
    for (i, &found) in found.iter().enumerate() {
        let (_, remainder) = residual(i);
        // A product that happens to be an f32 tells nothing.
        if remainder == 0.0 {
            continue;
        }
        if found == remainder {
            result.fused += 1;
        } else if found == 0.0 {
            result.separate += 1;
        } else {
            result.neither += 1;
        }
    }
    result
}
