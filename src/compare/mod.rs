//! The only comparator: a device's values against the judge's, element by element, each with its own error bound.

pub mod number;

use serde::{Deserialize, Serialize};

/// The result of comparing one tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What was compared.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// True if both have the shape's size, all of the device's values are finite, and every error is within its bound.
    pub passed: bool,
    /// Why not, in words.
    pub fault: Option<String>,
    /// Largest |found - expected|.
    #[serde(with = "number")]
    pub max_abs: f64,
    /// Largest |found - expected| / |expected|, over elements whose expected value is not 0.
    #[serde(with = "number")]
    pub max_rel: f64,
    /// Largest |found - expected| in units in the last place of the expected value, as f32.
    #[serde(with = "number")]
    pub max_ulp: f64,
    /// Root of the mean of the squared errors.
    #[serde(with = "number")]
    pub rms: f64,
    /// Cosine of the angle between both, as vectors; 1 where both are zero.
    #[serde(with = "number")]
    pub cosine: f64,
    /// Largest error / bound; infinite where the bound is 0 and the error is not, or where a value is not finite.
    #[serde(with = "number")]
    pub max_ratio: f64,
    /// The element with the largest ratio: index, expected, found, bound.
    pub worst: Option<Worst>,
}

/// The element that is furthest out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    /// Flat index.
    pub index: usize,
    /// The judge's value.
    #[serde(with = "number")]
    pub expected: f64,
    /// The device's value.
    #[serde(with = "number")]
    pub found: f64,
    /// The bound on their difference.
    #[serde(with = "number")]
    pub bound: f64,
}

/// Compares `found` with `expected`; element i may differ by `bound[i]`.
///
/// Sizes and finiteness come first. The test is `!(error <= bound)`, so that a NaN anywhere (value or bound) fails.
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "the negation is the point: NaN must fail")]
pub fn compare(name: &str, shape: &[usize], expected: &[f64], found: &[f64], bound: &[f64]) -> Comparison {
    let size: usize = shape.iter().product();
    let mut result = Comparison {
        name: name.to_string(),
        shape: shape.to_vec(),
        passed: true,
        fault: None,
        max_abs: 0.0,
        max_rel: 0.0,
        max_ulp: 0.0,
        rms: 0.0,
        cosine: 1.0,
        max_ratio: 0.0,
        worst: None,
    };
    if [expected.len(), found.len(), bound.len()] != [size; 3] {
        let sizes = format!("{} expected, {} found, {} bounds", expected.len(), found.len(), bound.len());
        result.fail(format!("sizes differ from shape {shape:?}: {sizes}"));
        result.max_ratio = f64::INFINITY;
        return result;
    }
    (result.rms, result.cosine) = rms_and_cosine(expected, found);
    for index in 0..size {
        let (e, f, b) = (expected[index], found[index], bound[index]);
        let error = (f - e).abs();
        let ratio = if error == 0.0 { 0.0 } else { error / b };
        // An infinite bound must not excuse an infinite value.
        let out = !(error <= b) || !f.is_finite();
        let ratio = if out && !(ratio > 1.0) { f64::INFINITY } else { ratio };
        if out && result.passed {
            let what = if f.is_finite() { "lies outside its bound" } else { "is not finite" };
            result.fail(format!("element {index} {what}: expected {e:e}, found {f:e}, bound {b:e}"));
        }
        result.max_abs = larger(result.max_abs, error);
        result.max_ulp = larger(result.max_ulp, error / ulp(e));
        if e != 0.0 {
            result.max_rel = larger(result.max_rel, error / e.abs());
        }
        if ratio > result.max_ratio || result.worst.is_none() {
            result.max_ratio = larger(result.max_ratio, ratio);
            result.worst = Some(Worst { index, expected: e, found: f, bound: b });
        }
    }
    result
}

impl Comparison {
    /// Lets it fail, because of this.
    pub fn fail(&mut self, fault: String) {
        self.passed = false;
        self.fault = Some(fault);
    }
}

fn rms_and_cosine(expected: &[f64], found: &[f64]) -> (f64, f64) {
    let sum = |f: fn(f64, f64) -> f64| expected.iter().zip(found).map(|(e, f_)| f(*e, *f_)).sum::<f64>();
    let rms = (sum(|e, f| (f - e) * (f - e)) / expected.len().max(1) as f64).sqrt();
    let (ee, ff, ef) = (sum(|e, _| e * e), sum(|_, f| f * f), sum(|e, f| e * f));
    let cosine = if ee == 0.0 && ff == 0.0 { 1.0 } else { ef / (ee.sqrt() * ff.sqrt()) };
    (rms, if cosine.is_nan() { 0.0 } else { cosine })
}

/// Distance between neighbouring f32 numbers at the size of `v`; that of the smallest normal number below it.
fn ulp(v: f64) -> f64 {
    let exponent = v.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor();
    (exponent - 23.0).exp2()
}

/// The maximum in which NaN wins.
fn larger(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}
