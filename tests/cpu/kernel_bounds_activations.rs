//! The activations on the CPU: the f32 function stays within the row's error bound of the f64 function, and the bound
//! is tight enough to catch the textbook forms that lose digits.

use wgrad::kernels::{Activation, Args, BoundCall, Call, In, Kernel, Measured, Out, Param};

fn element_wise() -> impl Iterator<Item = Kernel> {
    Activation::element_wise().map(Activation::kernel)
}

/// Every activation's kernel, then every gradient's.
fn both() -> impl Iterator<Item = Kernel> {
    element_wise().chain(Activation::element_wise().map(Activation::gradient_kernel))
}

/// Zeros, both signs of everything, tiny numbers, the edges of exp's range, large numbers, and two dense grids.
fn points() -> Vec<f32> {
    let mut half =
        vec![0.0, 1e-45, 1e-40, 1.2e-38, 1e-30, 87.3, 88.0, 88.72, 88.73, 89.0, 103.9, 104.0, 1e3, 1e4, 1e30];
    half.extend((1..=20_000).map(|i| i as f32 * (110.0 / 20_000.0)));
    half.extend((0..=20_000).map(|i| 10f32.powf(-38.0 + i as f32 * (42.0 / 20_000.0))));
    half.iter().flat_map(|&x| [x, -x]).collect()
}

fn args(kernel: Kernel, n: usize) -> Args {
    let named = |a: &Activation| [a.kernel(), a.gradient_kernel()].contains(&kernel);
    let constants = Activation::element_wise().find(named).map(Activation::constants).unwrap_or_default();
    Args { params: vec![Param::U(n as u32)], constants }
}

fn run_f32(kernel: Kernel, args: &Args, inputs: &[Vec<f32>]) -> Vec<f32> {
    let mut y = vec![0.0; inputs[0].len()];
    let inputs: Vec<In<'_, f32>> = inputs.iter().map(|v| In::F(v)).collect();
    (kernel.cpu_f32)(&mut Call { args, inputs: &inputs, outputs: &mut [Out::F(&mut y)] });
    y
}

fn run_f64(kernel: Kernel, args: &Args, inputs: &[Vec<f64>]) -> Vec<f64> {
    let mut y = vec![0.0; inputs[0].len()];
    let inputs: Vec<In<'_, f64>> = inputs.iter().map(|v| In::F(v)).collect();
    (kernel.cpu_f64)(&mut Call { args, inputs: &inputs, outputs: &mut [Out::F(&mut y)] });
    y
}

/// Exact values and bounds for inputs that carry `errors`.
fn judge(kernel: Kernel, args: &Args, values: &[Vec<f64>], errors: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let exact = run_f64(kernel, args, values);
    let measured: Vec<Measured> =
        values.iter().zip(errors).map(|(v, e)| Measured { value: v.clone(), error: e.clone() }).collect();
    let after = [exact.clone()];
    let before = [Measured { value: exact.clone(), error: vec![0.0; exact.len()] }];
    let call = BoundCall { args, inputs: &measured, before: &before, after: &after };
    let bound = (kernel.bound)(&call).remove(0);
    (exact, bound)
}

/// The largest error in units of its bound, and where; infinite for NaN. No error within a bound of 0 counts as 0.
fn worst_ratio(found: &[f32], exact: &[f64], bound: &[f64]) -> (f64, usize) {
    assert_eq!(found.len(), exact.len());
    assert_eq!(found.len(), bound.len());
    let mut worst = (0.0, 0);
    for (i, ((&y, &exact), &bound)) in found.iter().zip(exact).zip(bound).enumerate() {
        let error = (f64::from(y) - exact).abs();
        let ratio = if error == 0.0 { 0.0 } else { error / bound };
        let ratio = if ratio.is_nan() || !y.is_finite() || !bound.is_finite() { f64::INFINITY } else { ratio };
        if ratio > worst.0 {
            worst = (ratio, i);
        }
    }
    worst
}

fn widen(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&x| f64::from(x)).collect()
}

fn no_errors(values: &[Vec<f64>]) -> Vec<Vec<f64>> {
    values.iter().map(|v| vec![0.0; v.len()]).collect()
}

fn distances(values: &[Vec<f64>], moved: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let distance = |(&v, &w): (&f64, &f32)| (f64::from(w) - v).abs();
    values.iter().zip(moved).map(|(v, w)| v.iter().zip(w).map(distance).collect()).collect()
}

/// Inputs of a kernel at the points x: x alone, or dy and x with dy of both signs and several sizes.
fn inputs_at(kernel: Kernel, x: &[f32]) -> Vec<Vec<f32>> {
    if kernel.bindings.len() == 2 {
        return vec![x.to_vec()];
    }
    let dy = (0..x.len()).map(|i| [1.0, -0.7, 1e-3, 12.3][i % 4]).collect();
    vec![dy, x.to_vec()]
}

#[test]
fn f32_lies_within_the_bound() {
    let x = points();
    for kernel in both() {
        let args = args(kernel, x.len());
        let inputs = inputs_at(kernel, &x);
        let values: Vec<_> = inputs.iter().map(|v| widen(v)).collect();
        let (exact, bound) = judge(kernel, &args, &values, &no_errors(&values));
        let mut found = run_f32(kernel, &args, &inputs);
        let (ratio, at) = worst_ratio(&found, &exact, &bound);
        println!("{:16} error / bound {ratio:.3} at x = {:e}", kernel.name, x[at]);
        assert!(ratio <= 1.0, "{}: {ratio} bounds off at x = {:e}", kernel.name, x[at]);

        // Negative control: an error of four bounds (of one unit in the last place where the bound is 0) is seen.
        let at = found.len() / 3;
        found[at] += (4.0 * bound[at]).max(f64::from(x[at].abs().max(1.0)) * 2e-7) as f32;
        assert!(worst_ratio(&found, &exact, &bound).0 > 1.0, "{}: a wrong value passed", kernel.name);
    }
}

#[test]
fn carried_errors_lie_within_the_bound() {
    let x = points();
    for kernel in both() {
        let args = args(kernel, x.len());
        let mut worst: f64 = 0.0;
        for (relative, absolute) in [(1e-6, 0.0), (0.0, 1e-4), (-1e-3, -1e-3), (0.0, 0.3), (0.05, -0.3)] {
            let inputs = inputs_at(kernel, &x);
            let values: Vec<_> = inputs.iter().map(|v| widen(v)).collect();
            let shift = |v: &Vec<f32>| v.iter().map(|&x| x + x * relative + absolute).collect::<Vec<f32>>();
            let moved: Vec<_> = inputs.iter().map(shift).collect();
            let (exact, bound) = judge(kernel, &args, &values, &distances(&values, &moved));
            let (ratio, at) = worst_ratio(&run_f32(kernel, &args, &moved), &exact, &bound);
            worst = worst.max(ratio);
            let asked = format!("{} moved by {relative} x + {absolute}", kernel.name);
            assert!(ratio <= 1.0, "{asked}: {ratio} bounds off at x = {:e}", x[at]);
        }
        println!("{:16} error / bound with carried errors {worst:.3}", kernel.name);
    }
}

#[test]
fn textbook_forms_that_lose_digits_are_caught() {
    type Form = fn(f32) -> f32;
    fn sigmoid(x: f32) -> f32 {
        1.0 / (1.0 + (-x).exp())
    }
    let forms: [(&str, Kernel, Form, f32); 7] = [
        ("sigmoid' as y (1 - y)", Kernel::sigmoid_grad, |x| sigmoid(x) * (1.0 - sigmoid(x)), 15.0),
        ("tanh' as 1 - y^2", Kernel::tanh_grad, |x| 1.0 - x.tanh() * x.tanh(), 6.0),
        ("tanh by sigmoid near 0", Kernel::tanh, |x| 2.0 * sigmoid(2.0 * x) - 1.0, 1e-3),
        ("gelu by tanh", Kernel::gelu, |x| x * sigmoid(1.595_769 * (x + 0.044_715 * x * x * x)), -2.0),
        ("softplus by log(1 + exp)", Kernel::softplus, |x| (1.0 + x.exp()).ln(), -12.0),
        ("mish by tanh of log(1 + exp)", Kernel::mish, |x| x * (1.0 + x.exp()).ln().tanh(), -12.0),
        ("relu'(0) = 1", Kernel::relu_grad, |x| if x >= 0.0 { 1.0 } else { 0.0 }, 0.0),
    ];
    for (what, kernel, form, x) in forms {
        let alone = kernel.bindings.len() == 2;
        let values = if alone { vec![widen(&[x])] } else { vec![vec![1.0], widen(&[x])] };
        let (exact, bound) = judge(kernel, &args(kernel, 1), &values, &no_errors(&values));
        let (ratio, _) = worst_ratio(&[form(x)], &exact, &bound);
        assert!(ratio > 1.0, "{what} passed at x = {x}: {ratio} bounds");
    }
}

#[test]
fn nan_stays_nan() {
    for kernel in element_wise() {
        let y = run_f32(kernel, &args(kernel, 1), &[vec![f32::NAN]]);
        assert!(y[0].is_nan(), "{} hides NaN", kernel.name);
    }
}

/// Rows of several kinds: spread evenly, wide, saturated, tied, all equal, far from zero.
fn rows(rows: usize, cols: usize) -> Vec<f32> {
    let mut seed = 1u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut element = |r: usize, c: usize| match r % 6 {
        0 => 2.0 * next(),
        1 => 60.0 * next(),
        2 if c == cols / 2 => 40.0,
        3 if c % 3 == 1 => 3.0,
        4 => 7.0,
        5 => 1e4 + 300.0 * next(),
        _ => next(),
    };
    (0..rows * cols).map(|i| element(i / cols, i % cols)).collect()
}

#[test]
fn softmax_and_its_gradient_lie_within_their_bounds() {
    let mut worst = [0.0f64; 2];
    for cols in [1, 2, 3, 10, 64, 65, 257] {
        let n = 48;
        let args = Args { params: vec![Param::U(n as u32), Param::U(cols as u32)], constants: vec![] };
        let x = rows(n, cols);
        let dy: Vec<f32> = rows(n + 1, cols)[cols..].iter().map(|v| v % 5.0).collect();
        for e in [0.0f32, 1e-5, 0.1] {
            let move_by = |v: &[f32], e: f32| -> Vec<f32> {
                v.iter().enumerate().map(|(i, x)| if (i * 7) % 3 == 0 { x - e } else { x + e }).collect()
            };
            let moved = vec![move_by(&x, e)];
            let values = vec![widen(&x)];
            let (p, p_bound) = judge(Kernel::softmax, &args, &values, &distances(&values, &moved));
            let found = run_f32(Kernel::softmax, &args, &moved);
            let (ratio, at) = worst_ratio(&found, &p, &p_bound);
            worst[0] = worst[0].max(ratio);
            assert!(ratio <= 1.0, "softmax, {cols} columns, e = {e}: {ratio} bounds off in row {}", at / cols);

            let dy_moved = move_by(&dy, -e);
            let dy_error = distances(&[widen(&dy)], std::slice::from_ref(&dy_moved)).remove(0);
            let (exact, bound) = judge(Kernel::softmax_grad, &args, &[widen(&dy), p], &[dy_error, p_bound]);
            let mut dx = run_f32(Kernel::softmax_grad, &args, &[dy_moved, found]);
            let (ratio, at) = worst_ratio(&dx, &exact, &bound);
            worst[1] = worst[1].max(ratio);
            assert!(ratio <= 1.0, "softmax_grad, {cols} columns, e = {e}: {ratio} bounds off in row {}", at / cols);
            // Negative control.
            dx[0] += (4.0 * bound[0]) as f32;
            assert!(worst_ratio(&dx, &exact, &bound).0 > 1.0, "softmax_grad: a wrong value passed");
        }
    }
    println!("softmax, softmax_grad: error / bound {worst:.3?}");
}

#[test]
fn the_softmax_gradient_of_a_saturated_row_keeps_its_digits() {
    // p = (1 - q, q): dx = -+ p q (dy_1 - dy_0); the plain form p (dy - sum p dy) is 0 in f32 for the first element.
    let q = 1e-9f64;
    let args = Args { params: vec![Param::U(1), Param::U(2)], constants: vec![] };
    let values = [vec![0.25, 0.75], vec![1.0 - q, q]];
    let errors = [vec![0.0; 2], vec![q, 1e-7 * q]];
    let (exact, bound) = judge(Kernel::softmax_grad, &args, &values, &errors);
    let found = run_f32(Kernel::softmax_grad, &args, &[vec![0.25, 0.75], vec![1.0, q as f32]]);
    assert!(worst_ratio(&found, &exact, &bound).0 <= 1.0);
    assert!(bound.iter().zip(&exact).all(|(b, y)| *b < 1e-5 * y.abs()), "{bound:?} says nothing of {exact:?}");
    assert!(worst_ratio(&[0.0, found[1]], &exact, &bound).0 > 1.0);
}
