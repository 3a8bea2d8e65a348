//! Kernels that work element by element and are no activation: sums, clipping. Shapes: `[n]` unless said otherwise.

use super::bound;
use super::conformance::{MANY, ROWS_COLS, Shape, Values, lengths};
use super::cpu::carried::Carried;
use super::cpu::elementwise::each_part;
use super::cpu::vector;
use super::definition::{BoundCall, Call, Definition, Param, kernels, read, write};
use super::scalar::Scalar;

kernels! {
    /// y = a + b.
    add: "add.wgsl", add, add_bound, "u * |y|" {
        bindings: &[read("a"), read("b"), write("y")],
        flops: |a| 2 * a.count(0), bytes: |a| 12 * a.count(0),
        // Stands for all where the size is what is tested: the grid's code is shared.
        shapes: |_| [lengths(&[]), vec![Shape::of(&[MANY])]].concat(),
        ..Definition::ELEMENT_WISE
    }
    /// y\[i, j\] = x\[i, j\] + b\[j\].
    add_bias: "add_bias.wgsl", add_bias, add_bias_bound, "u * |y|" {
        bindings: &[read("x").matrix().of(Values::Extreme), read("b").columns(), write("y").matrix()],
        flops: |a| a.area(), bytes: |a| 4 * (2 * a.area() + a.count(1)), divided: true,
        shapes: |_| ROWS_COLS.iter().map(|s| Shape::of(s)).chain([Shape::of(&[97, 67]).folded(7)]).collect(),
        parts: Some(|a, binding, at| if binding == 0 { [at, 1, 1] } else { [at % a.size(1), 1, 1] }),
        ..Definition::MATRIX
    }
    /// y = x * min(1, max_norm / (sqrt(total) + 1e-6)), total the sum of the squares of all gradients. Shapes: x, y
    /// `[n]`, total `[1]`.
    clip_norm: "clip_norm.wgsl", clip_norm, clip_norm_bound,
    "(SQRT + DIV + 4u) |y|, and total's error in the factor; u |y| where the factor is 1" {
        bindings: &[read("x").of(Values::Extreme), read("total").one().of(Values::Square), write("y")],
        params: &["n", "max_norm"],
        bytes: |a| 4 * (2 * a.count(0) + 1), shapes: |_| lengths(&[Param::F(0.7)]),
        ..Definition::ELEMENT_WISE
    }
    /// y = min(max(x, -limit), limit). Shapes: x, y `[n]`.
    clip_value: "clip_value.wgsl", clip_value, clip_value_bound,
    "u * limit where |x| is not below it, else 0" {
        bindings: &[read("x").of(Values::Extreme), write("y")], params: &["n", "limit"],
        bytes: |a| 8 * a.count(0), shapes: |_| lengths(&[Param::F(0.7)]),
        ..Definition::ELEMENT_WISE
    }
}

fn add<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let [y] = call.outputs();
    each_part([y], [a, b], 1, |_, [y], [a, b]| vector::sum(y, a, b));
}

/// The error bound: one rounding.
fn add_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map2(&call.inputs[0], &call.inputs[1], bound::sum)]
}

fn add_bias<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (x, b) = (call.inputs[0].f(), call.inputs[1].f());
    let [y] = call.outputs();
    y.copy_from_slice(x);
    vector::add_to_rows(y, b);
}

/// The error bound: one rounding.
fn add_bias_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (x, b) = (&call.inputs[0], &call.inputs[1]);
    let [_, cols] = call.args.sizes();
    let rule = |i: usize| bound::sum(x.value[i], x.error[i], b.value[i % cols], b.error[i % cols]);
    vec![(0..x.value.len()).map(rule).collect()]
}

/// PyTorch's, against a norm of 0.
const EPS: f64 = 1e-6;

fn clip_norm<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let n = call.args.size(0);
    let factor = T::of(call.args.number(1)) / (call.inputs[1].f()[0].sqrt() + T::of(EPS));
    // As a comparison, which lets NaN through.
    let factor = if factor > T::one() { T::one() } else { factor };
    let x = &call.inputs[0].f()[..n];
    let [y] = call.outputs();
    vector::map(&mut y[..n], x, |x| x * factor);
}

/// The error bound: the formula over values with errors; the factor is exact where it is 1 for certain.
fn clip_norm_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [x, total] = call.inputs else { unreachable!("the row has two inputs") };
    let max_norm = Carried::rounded(call.args.number(1));
    let one = Carried::new(1.0, 0.0);
    let factor = max_norm.over_root(Carried::input(total, 0), one, Carried::rounded(EPS));
    // The lesser of it and 1 is no farther off than itself.
    let sure = factor.value - factor.error >= 1.0;
    let factor = if sure { one } else { Carried { value: factor.value.min(1.0), ..factor } };
    vec![(0..call.args.size(0)).map(|i| (Carried::input(x, i) * factor).error).collect()]
}

fn clip_value<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let n = call.args.size(0);
    let limit = T::of(call.args.number(1));
    let x = &call.inputs[0].f()[..n];
    let [y] = call.outputs();
    // As comparisons, which let NaN through.
    vector::map(&mut y[..n], x, |x| {
        let low = if x < -limit { -limit } else { x };
        if low > limit { limit } else { low }
    });
}

/// The error bound: that of the element, or of the limit, which is rounded to f32, where one or the other is taken for
/// certain; both where either may be.
fn clip_value_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let limit = Carried::rounded(call.args.number(1));
    let one = |i: usize| {
        let x = Carried::input(&call.inputs[0], i);
        if x.magnitude() < limit.value - limit.error {
            x.error
        } else if x.value.abs() - x.error > limit.magnitude() {
            limit.error
        } else {
            x.error + limit.error
        }
    };
    vec![(0..call.args.size(0)).map(one).collect()]
}
