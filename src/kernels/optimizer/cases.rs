//! What conformance cases put before the optimizer steps.

use super::HYPER_COLUMNS;
use crate::kernels::conformance::{Case, Scale, Shape};
use crate::kernels::definition::Param;
use crate::kernels::philox::Philox;

/// Numbers of the table `hyper` as they stand after `10 t` steps of a cycled momentum.
pub struct Rates {
    lr: f64,
    momentum: f64,
    step_size: f64,
    inv_sqrt_bias2: f64,
}

impl Rates {
    pub fn after(t: usize) -> Rates {
        let steps = (10 * t + 1) as f64;
        let lr = 0.05 / (t + 1) as f64;
        let momentum = 0.95 - 0.05 * t as f64;
        let inv_sqrt_bias2 = 1.0 / (1.0 - 0.999_f64.powf(steps)).sqrt();
        Rates { lr, momentum, step_size: lr / (1.0 - momentum.powf(steps)), inv_sqrt_bias2 }
    }
}

/// What a rule reads of a row of the table; what it does not is poisoned.
type Row = fn(Rates) -> [f64; HYPER_COLUMNS];

const X: f64 = f64::NAN;
pub const PLAIN: Row = |r| [r.lr, X, X, X, X, X];
pub const MOMENTUM: Row = |r| [r.lr, X, X, X, r.momentum, X];
pub const ADAM: Row = |r| [r.lr, r.step_size, r.inv_sqrt_bias2, X, r.momentum, 1.0 - r.momentum];
pub const NADAM: Row = |r| [X, 0.1 * r.lr, r.inv_sqrt_bias2, r.lr, r.momentum, 1.0 - r.momentum];
pub const ADAGRAD: Row = |r| [X, r.lr, X, X, X, X];
pub const LION: Row = |r| [r.lr, X, X, X, r.momentum, 1.0 - r.momentum];

/// Means of numbers whose squares have the means in `square`, the binding before the last two. The square of a mean is at most the
/// mean of the squares, but for rounding: some are a little larger, so that the variance counts as 0.
pub fn means(case: &Case, len: usize, _scale: Scale, rng: &mut Philox) -> Vec<f64> {
    let square = &case.values[4];
    (0..len).map(|i| 2.2 * (rng.next_f64() - 0.5) * square[i].sqrt()).collect()
}

/// What stands behind n and hyper_stride, with a weight decay; one set or several.
type Constants = fn(f64) -> Vec<Vec<Param>>;

fn numbers<const N: usize>(numbers: [f64; N]) -> Vec<Vec<Param>> {
    vec![numbers.map(Param::F).to_vec()]
}

pub const DECAY: Constants = |decay| numbers([decay]);
/// Without and with Nesterov's look-ahead.
pub const NESTEROV: Constants = |decay| [0, 1].map(|nesterov| vec![Param::U(nesterov), Param::F(decay)]).to_vec();
pub const BETA2: Constants = |decay| numbers([0.999, 1.0 - 0.999, 1e-8, decay]);
pub const ALPHA: Constants = |decay| numbers([0.99, 1.0 - 0.99, 1e-8, decay]);
pub const EPS: Constants = |decay| numbers([1e-10, decay]);
pub const SHORT_BETA2: Constants = |decay| numbers([0.99, 1.0 - 0.99, decay]);

/// Without and with weight decay, over whole and broken workgroups.
pub fn updates(strips: bool, constants: Constants) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for setting in [0.0, 0.01].into_iter().flat_map(constants) {
        let of = |n: usize| Shape::of(&[n, HYPER_COLUMNS]).and(&setting);
        shapes.extend([1, 63, 64, 97, 129, 1000].map(of));
        shapes.push(of(97 * 64 + 5).folded(7));
        if strips {
            // Whole and broken strips, a strip that begins past the end, groups in rows of 7.
            let words = |n: usize, words: f64| of(n).with(&[("WORDS", words)]);
            shapes.extend([(1, 8.0), (97, 8.0), (1000, 3.0), (2048, 8.0), (2053, 8.0)].map(|(n, w)| words(n, w)));
            shapes.push(words(97 * 64 + 5, 3.0).folded(7));
        }
    }
    shapes
}
