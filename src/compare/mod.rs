//! The only comparator: a device's values against the judge's, element by element, each with its own error bound.

use serde::Serialize;

/// The result of comparing one tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    pub max_abs: f64,
    /// Largest |found - expected| / |expected|, over elements whose expected value is not 0.
    pub max_rel: f64,
    /// Largest error / bound; infinite where the bound is 0 and the error is not, or where a value is not finite.
    pub max_ratio: f64,
    /// The element with the largest ratio: index, expected, found, bound.
    pub worst: Option<Worst>,
}

/// The element that is furthest out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Worst {
    /// Flat index.
    pub index: usize,
    /// The judge's value.
    pub expected: f64,
    /// The device's value.
    pub found: f64,
    /// The bound on their difference.
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
        max_ratio: 0.0,
        worst: None,
    };
    if [expected.len(), found.len(), bound.len()] != [size; 3] {
        let sizes = format!("{} expected, {} found, {} bounds", expected.len(), found.len(), bound.len());
        result.fail(format!("sizes differ from shape {shape:?}: {sizes}"));
        result.max_ratio = f64::INFINITY;
        return result;
    }
    for index in 0..size {
        let (e, f, b) = (expected[index], found[index], bound[index]);
        let error = (f - e).abs();
        let ratio = if error == 0.0 { 0.0 } else { error / b };
        let out = !(error <= b);
        let ratio = if out && !(ratio > 1.0) { f64::INFINITY } else { ratio };
        if out && result.passed {
            let what = if f.is_finite() { "lies outside its bound" } else { "is not finite" };
            result.fail(format!("element {index} {what}: expected {e:e}, found {f:e}, bound {b:e}"));
        }
        result.max_abs = larger(result.max_abs, error);
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
    fn fail(&mut self, fault: String) {
        self.passed = false;
        self.fault = Some(fault);
    }
}

/// The maximum in which NaN wins.
fn larger(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(expected: &[f64], found: &[f64], bound: &[f64]) -> Comparison {
        compare("t", &[expected.len()], expected, found, bound)
    }

    #[test]
    fn equal_values_pass_with_bound_zero() {
        let c = run(&[1.0, -2.0, 0.0], &[1.0, -2.0, 0.0], &[0.0; 3]);
        assert!(c.passed && c.max_ratio == 0.0);
    }

    #[test]
    fn a_value_within_its_bound_passes_and_one_outside_fails() {
        assert!(run(&[1.0], &[1.5], &[0.5]).passed);
        let c = run(&[1.0, 1.0], &[1.0, 1.6], &[0.5, 0.5]);
        assert!(!c.passed && c.max_ratio > 1.19 && c.worst.is_some_and(|w| w.index == 1));
    }

    /// Controls: each of these must fail.
    #[test]
    fn nan_infinity_missing_elements_and_nan_bounds_fail() {
        let nan = f64::NAN;
        assert!(!run(&[1.0], &[nan], &[1.0]).passed);
        assert!(!run(&[nan], &[1.0], &[1.0]).passed);
        assert!(!run(&[1.0], &[1.0], &[nan]).passed);
        assert!(!run(&[1.0], &[f64::INFINITY], &[1.0]).passed);
        assert!(!run(&[f64::INFINITY], &[f64::INFINITY], &[1.0]).passed);
        assert!(!compare("t", &[2], &[1.0, 2.0], &[1.0], &[1.0, 1.0]).passed);
        assert!(!run(&[0.0], &[1e-300], &[0.0]).passed);
        assert_eq!(run(&[1.0], &[nan], &[1.0]).max_ratio, f64::INFINITY);
    }
}
