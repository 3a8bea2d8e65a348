//! Sums of exponentials in logarithms: what the bounds of softmax and cross_entropy are made of. The ends of wide intervals
//! have no exponentials in `f64`, and a difference of sums would cancel.

/// exp of this, 6.1e-39, is below [`crate::kernels::bound::TINY`]: a term that stays under it is relatively uncertain, but
/// at most that far off.
pub const BELOW_TINY: f64 = -88.0;

/// log sum exp(x)
pub fn log_sum_exp(x: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = x.clone().fold(f64::NEG_INFINITY, f64::max);
    if top.is_finite() { top + x.map(|x| (x - top).exp()).sum::<f64>().ln() } else { top }
}

/// log(1 + exp(d))
pub fn log1p_exp(d: f64) -> f64 {
    if d > 0.0 { d + (-d).exp().ln_1p() } else { d.exp().ln_1p() }
}

/// log sum exp, of all terms and of all but one.
#[derive(Clone, Copy)]
pub struct LogSum {
    /// Of all terms.
    pub all: f64,
    largest: usize,
    besides_largest: f64,
}

impl LogSum {
    /// Of the terms `x`.
    pub fn of(x: impl Iterator<Item = f64> + Clone) -> LogSum {
        let (largest, _) =
            x.clone().enumerate().fold((0, f64::NEG_INFINITY), |m, (j, x)| if x > m.1 { (j, x) } else { m });
        let others = x.clone().enumerate().filter(|(j, _)| *j != largest).map(|(_, x)| x);
        LogSum { all: log_sum_exp(x), largest, besides_largest: log_sum_exp(others) }
    }

    /// The sum without term `j`, which is `x`. The largest term is left out from the start: the difference would cancel.
    /// Any other is at most half of the sum.
    pub fn without(&self, j: usize, x: f64) -> f64 {
        if j == self.largest {
            self.besides_largest
        } else if self.all.is_finite() {
            self.all + (-(x - self.all).exp().min(0.5)).ln_1p()
        } else {
            self.all
        }
    }
}

/// exp(one) / (exp(one) + exp(rest))
pub fn share(one: f64, rest: f64) -> f64 {
    1.0 / (1.0 + (rest - one).exp())
}
