//! One element's derivative by central differences, extrapolated, with a bound on its error.
//!
//! D(h) = (L(p + h) - L(p - h)) / 2h = L' + a h^2 + b h^4 + ...; with steps that shrink by r = 4, the extrapolation
//! R = (16 D(h/4) - D(h)) / 15 is free of a and off by -b h^4 / 16 + ... Two of them, a step apart, differ by 255 times what
//! the finer one is off; the bound takes the whole of their difference, and at least 1/256 of the difference before, so that
//! a chance agreement of two does not count as proof. Rounding: a loss that is off by E makes D(h) off by E / h, hence R by
//! (16 * 4 + 1) / 15 * E / h. The step with the least sum of both is taken, unless a finer one contradicts it. Source of the method: L. F. Richardson, "The
//! approximate arithmetical solution by finite differences", 1911; choice of the step as in C. J. F. Ridders, Advances in
//! Engineering Software 4 (1982).

use super::probe::{Point, Probe};
use crate::error::Result;
use crate::nn::Tensor;

/// The first step, for a parameter of magnitude up to 1; larger ones take it in proportion.
pub const FIRST_STEP: f64 = 0.125;
/// Steps that are tried at most, each a quarter of the one before: the last is 2^-25, where rounding dominates any loss.
pub const LEVELS: usize = 12;
/// Steps without a kink that one bound needs: three extrapolations.
const NEEDED: usize = 4;

/// What became of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// The derivative and the bound on its error.
    Smooth { derivative: f64, error: f64 },
    /// A kink lies closer than the steps that could be used.
    Kink,
    /// The loss is no finite number at every step.
    NotFinite,
}

/// Differentiates the loss by `tensor[element]`. `loss_error` bounds the error of one evaluation.
pub(super) async fn differentiate(
    probe: &mut Probe,
    start: &Point,
    tensor: &Tensor,
    element: usize,
    loss_error: f64,
) -> Result<Outcome> {
    let at = tensor.values[element];
    let mut step = FIRST_STEP * at.abs().max(1.0);
    let mut series = Series { loss_error, quotients: Vec::new(), best: None };
    let mut crossed = false;
    // Where some gradient is no derivative, by design.
    let convention = start.pieces.contains(&None);
    for _ in 0..LEVELS {
        // The step that is really taken, after rounding of the sums.
        let (right, left) = (at + step, at - step);
        let (up, down) = (probe.at(tensor, element, right).await?, probe.at(tensor, element, left).await?);
        let smooth = !convention && up.pieces == start.pieces && down.pieces == start.pieces;
        if !smooth || !up.loss.is_finite() || !down.loss.is_finite() {
            crossed |= !smooth;
            series.quotients.clear();
        } else if series.push(step, (up.loss - down.loss) / (right - left)) {
            break;
        }
        step /= 4.0;
    }
    probe.restore(tensor)?;
    Ok(match series.best {
        Some((derivative, error)) => Outcome::Smooth { derivative, error },
        None if crossed || !series.quotients.is_empty() => Outcome::Kink,
        None => Outcome::NotFinite,
    })
}

/// The quotients of the steps so far, and the best bound.
pub struct Series {
    /// Bounds the error of one evaluation of the loss.
    pub loss_error: f64,
    /// One a step, without a kink between them.
    pub quotients: Vec<f64>,
    /// The derivative and the bound on its error.
    pub best: Option<(f64, f64)>,
}

impl Series {
    /// Adds the quotient of a step. True when smaller steps cannot do better.
    pub fn push(&mut self, step: f64, quotient: f64) -> bool {
        self.quotients.push(quotient);
        let n = self.quotients.len();
        if n < NEEDED {
            return false;
        }
        let extrapolated = |k: usize| (16.0 * self.quotients[k + 1] - self.quotients[k]) / 15.0;
        let (before, last, r) = (extrapolated(n - 4), extrapolated(n - 3), extrapolated(n - 2));
        let truncation = (r - last).abs().max((last - before).abs() / 256.0);
        // `step` is the finer of the two: E / step and E / 4 step, weighted 16 and 1. The last term is the arithmetic of
        // the quotients themselves, a handful of roundings of numbers of about R's size.
        let rounding = (16.0 + 0.25) / 15.0 * self.loss_error / step + 8.0 * f64::EPSILON * quotient.abs();
        let error = truncation + rounding;
        // Extrapolations that move apart do not converge to anything: so they look across a kink, however small they are.
        let converging = (r - last).abs() <= (last - before).abs() + rounding;
        if converging && self.best.is_none_or(|(_, best)| error < best) {
            self.best = Some((r, error));
        }
        self.best.is_some_and(|(_, best)| rounding > best)
    }
}
