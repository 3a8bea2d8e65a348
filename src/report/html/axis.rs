//! Axes: the range a curve is drawn in and the ticks beside it.

use crate::report::ends;

/// A range of values and where it is marked.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Lower end.
    pub low: f64,
    /// Upper end, above `low`.
    pub high: f64,
    /// Whether equal ratios, not equal differences, are equally far apart.
    pub log: bool,
    /// Positions and labels of the ticks, within the range.
    pub ticks: Vec<(f64, String)>,
}

/// Ratio of the largest to the smallest value from which a curve is drawn on a logarithmic axis. One and a half decades:
/// below that a linear axis shows everything, above it the last epochs lie flat on its floor.
const LOG_RATIO: f64 = 30.0;

/// Beyond this the width of a range could overflow.
const LARGEST: f64 = 1e300;

impl Axis {
    /// An axis for values, logarithmic where their spread asks for it.
    pub fn of_values(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        if low > 0.0 && high / low >= LOG_RATIO { Self::logarithmic(low, high) } else { Self::linear(low, high, 5) }
    }

    /// A logarithmic axis for the values above zero, a decade or more. Values at zero have no place on it.
    pub fn of_positive(values: impl Iterator<Item = f64>) -> Self {
        let above = values.filter(|v| drawable(*v) && *v >= f64::MIN_POSITIVE * 10.0);
        let (low, high) = ends(above).unwrap_or((0.1, 1.0));
        if high / low >= 10.0 {
            return Self::logarithmic(low, high);
        }
        let (middle, half) = (low.sqrt() * high.sqrt(), 10f64.sqrt());
        Self::logarithmic(middle / half, middle * half)
    }

    /// An axis for shares of one, labelled in per cent and never past 100 %.
    pub fn of_shares(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let axis = Self::linear(low.clamp(0.0, 0.99) * 100.0, high.clamp(0.01, 1.0) * 100.0, 5);
        let (low, high) = (axis.low.max(0.0), axis.high.min(100.0));
        let ticks = axis.ticks.into_iter().filter(|t| (low..=high).contains(&t.0));
        let ticks = ticks.map(|(at, label)| (at / 100.0, format!("{label} %"))).collect();
        Self { low: low / 100.0, high: high / 100.0, log: false, ticks }
    }

    /// An axis from exactly `low` to `high`, ticks at round numbers within.
    pub fn exact(low: f64, high: f64) -> Self {
        let wide = Self::linear(low, high, 8);
        let ticks = wide.ticks.into_iter().filter(|t| (low..=high).contains(&t.0)).collect();
        Self { low, high, log: false, ticks }
    }

    /// An axis that holds `low..=high` and ends at round numbers; about `wanted` intervals.
    fn linear(low: f64, high: f64, wanted: usize) -> Self {
        // A curve that is one point, or flat, gets room above and below.
        let has_width = high - low > low.abs().max(high.abs()) * 1e-9;
        let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        let (low, high) = if has_width { (low, high) } else { (low - room, high + room) };
        let step = round_step((high - low) / wanted as f64);
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil();
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let largest = first.abs().max(last.abs()) * step;
        let ticks = (0..=(last - first) as usize).map(|i| {
            let at = (first + i as f64) * step;
            let plain = decimals <= 5 && largest < 1e6;
            (at, if plain { format!("{at:.decimals$}") } else { format!("{at:.2e}") })
        });
        Self { low: first * step, high: last * step, log: false, ticks: ticks.collect() }
    }

    /// An axis of decades, with a little room at both ends; 2 and 5 are marked where there is space for them.
    fn logarithmic(low: f64, high: f64) -> Self {
        let decades = (high / low).log10().min(LARGEST.log10() * 2.0);
        let room = 10f64.powf(decades * 0.04);
        let (low, high) = ((low / room).max(f64::MIN_POSITIVE), (high * room).min(LARGEST));
        let marks: &[f64] = if decades <= 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (decades / 7.0).ceil().max(1.0) as usize;
        let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let exponents = exponents.filter(|e| e.rem_euclid(stride as i32) == 0);
        let all = exponents.flat_map(|e| marks.iter().map(move |m| m * 10f64.powi(e)));
        let ticks = all.filter(|at| (low..=high).contains(at)).map(|at| (at, decade_label(at))).collect();
        Self { low, high, log: true, ticks }
    }

    /// Where `v` lies: 0 at the lower end, 1 at the upper; `None` for what lies outside or is no finite number.
    pub fn place(&self, v: f64) -> Option<f64> {
        // The logarithm of what is not above zero is no finite number either.
        let scaled = |v: f64| if self.log { v.ln() } else { v };
        let place = (scaled(v) - scaled(self.low)) / (scaled(self.high) - scaled(self.low));
        // Room for the rounding of the division.
        (-1e-9..=1.0 + 1e-9).contains(&place).then(|| place.clamp(0.0, 1.0))
    }
}

/// Whether a value can be put on an axis.
pub fn drawable(v: f64) -> bool {
    v.is_finite() && v.abs() <= LARGEST
}

/// Smallest and largest drawable value; 0 and 1 when there is none.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    ends(values.filter(|v| drawable(*v))).unwrap_or((0.0, 1.0))
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= raw * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// "0.002", "1", "1e-7".
fn decade_label(at: f64) -> String {
    let exponent = at.log10().floor();
    if (-4.0..5.0).contains(&exponent) {
        let decimals = (-exponent).max(0.0) as usize;
        format!("{at:.decimals$}")
    } else {
        format!("{at:.0e}")
    }
}
