//! What ends a step or a submit: the step counter, the search for numbers that are not finite.

use super::conformance::{Case, Shape, Values, words};
use super::definition::{BoundCall, Call, Definition, kernels, lines, read, update_u32};
use super::scalar::Scalar;
use rayon::prelude::*;

kernels! {
    /// step += by.
    advance: "advance.wgsl", advance, exact, "0" {
        bindings: &[update_u32("step").one().of(Values::Step)], params: &["by"], bytes: |_| 8,
        shapes: |_| vec![Shape::of(&[1]), Shape::of(&[5])], timed: &[&[1]],
        ..Definition::NEW
    }
    /// found\[0\] = 1 if an element of x is NaN or an infinity. Shapes: x `[n]`, found `[1]`. No sums.
    find_nonfinite: "find_nonfinite.wgsl", find_nonfinite, exact, "0: bits are tested" {
        bindings: &[
            read("x").whole(|a, _| a.size(0).next_multiple_of(4)).of(Values::Extreme), update_u32("found").one().of(Values::Zero),
        ],
        params: &["n"],
        groups: |a| lines(a.count(0).div_ceil(4)), flops: |a| 2 * a.count(0), bytes: |a| 4 * (a.count(0) + 1),
        shapes: |_| words(|n| Shape::of(&[n])),
        corners: |_, cases| cases.iter().filter(|c| !c.with_nan).flat_map(infinities).collect(),
        ..Definition::NEW
    }
}

fn advance<T: Scalar>(call: &mut Call<'_, '_, T>) {
    call.outputs[0].u()[0] += call.args.size(0) as u32;
}

/// The error bound: one integer, which is exact.
fn exact(_call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![vec![0.0]]
}

/// Up to this many elements one thread reads as fast as several.
const PARALLEL_ABOVE: usize = 256 * 1024;

fn find_nonfinite<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let x = &call.inputs[0].f()[..call.args.size(0)];
    let finite = if x.len() > PARALLEL_ABOVE { x.par_chunks(PARALLEL_ABOVE).all(all_finite) } else { all_finite(x) };
    call.outputs[0].u()[0] |= u32::from(!finite);
}

/// A sum of zeros times the elements would be shorter, but is what a compiler may simplify.
fn all_finite<T: Scalar>(x: &[T]) -> bool {
    x.iter().all(|v| v.widen().is_finite())
}

/// An infinity at either end, each sign once; the largest numbers, which are none; and NaN behind the end, in the same word.
fn infinities(of: &Case) -> Vec<Case> {
    let (n, words) = (of.args.size(0), of.values[0].len());
    let with = |what: &str, at: usize, value: f64| of.changed(what, |case| case.values[0][at] = value);
    let behind = (words > n).then(|| Case { with_nan: true, ..with("NaN behind the end", n, f64::NAN) });
    let cases = [
        with("infinity first", 0, f64::INFINITY),
        with("-infinity last", n - 1, f64::NEG_INFINITY),
        with("the largest number last", n - 1, f64::from(f32::MAX)),
    ];
    cases.into_iter().chain(behind).collect()
}
