//! Which activation a chain of element-wise operations is.
//!
//! Exporters write gelu, silu and others out in a dozen ways. A chain is not compared with all of these but computed, at
//! [`POINTS`] arguments in double precision, and held against every activation: equal there to what the rounding of its constants
//! to single precision explains is equal.

use crate::graph::Activation;

/// Arguments at which a function is known.
pub const POINTS: usize = 401;

/// A function of the last dense layer's output, by its values at the arguments.
pub type Curve = Vec<f64>;

/// The arguments: from -20 to 20 by 0.1, 0 among them. Outside, every activation is within 1e-8 of a straight line.
pub fn arguments() -> Curve {
    (0..POINTS).map(|i| (i as f64 - 200.0) / 10.0).collect()
}

/// The activation that `curve` is, if it is one.
pub fn recognise(curve: &[f64]) -> Option<Activation> {
    // The value at -1 is the slope's negative, where the curve is a leaky ReLU.
    let slope = -curve.get(190).copied().unwrap_or(f64::NAN);
    let slope = decimal(slope as f32);
    let mut known = Activation::element_wise().map(|activation| activation.with_parameter(slope));
    let agrees = |activation: &Activation| {
        // A constant's rounding is 2^-24 of itself; in none of the formulas do three of them make more than 2^-21 of 1 + |x|.
        let close = |(x, y): (f64, &f64)| (activation.value(x) - y).abs() <= (1.0 + x.abs()) / f64::from(1 << 21);
        arguments().into_iter().zip(curve).all(close)
    };
    known.find(agrees)
}

/// The shortest decimal that rounds to `value`: 0.01 for what a file holds as 0.009999999776.
pub(crate) fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
