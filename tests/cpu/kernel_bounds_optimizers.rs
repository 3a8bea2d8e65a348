//! The optimizer steps on the CPU: f32 within the stated bound of f64, and ten steps against the formulas written out.

use super::rig;

use rig::{Case, Rng};
use wgrad::kernels::{Args, Kernel, Param};

const STEPS: [Kernel; 10] = [
    Kernel::sgd_step,
    Kernel::sgd_momentum_step,
    Kernel::adam_step,
    Kernel::adamw_step,
    Kernel::nadam_step,
    Kernel::rmsprop_step,
    Kernel::rmsprop_momentum_step,
    Kernel::rmsprop_centered_step,
    Kernel::adagrad_step,
    Kernel::lion_step,
];

/// What an optimizer is set to.
#[derive(Clone, Copy)]
struct Setting {
    lr: f64,
    momentum: f64,
    nesterov: bool,
    beta1: f64,
    beta2: f64,
    eps: f64,
    weight_decay: f64,
}

const SETTINGS: [Setting; 3] = [
    Setting { lr: 0.1, momentum: 0.9, nesterov: false, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 },
    Setting { lr: 1e-3, momentum: 0.9, nesterov: true, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 },
    Setting { lr: 0.7, momentum: 0.0, nesterov: false, beta1: 0.0, beta2: 0.5, eps: 1e-3, weight_decay: 0.3 },
];
const HYPER_STRIDE: usize = 6;

fn args(kernel: Kernel, n: usize, s: Setting) -> Args {
    let mut params = vec![Param::U(n as u32), Param::U(HYPER_STRIDE as u32)];
    params.extend(match kernel.name {
        "sgd_step" => vec![Param::F(s.weight_decay)],
        "sgd_momentum_step" => {
            vec![Param::U(u32::from(s.nesterov)), Param::F(s.weight_decay)]
        }
        // The decay of the mean of the squares is beta2.
        "rmsprop_step" | "rmsprop_momentum_step" | "rmsprop_centered_step" => {
            [s.beta2, 1.0 - s.beta2, s.eps, s.weight_decay].map(Param::F).to_vec()
        }
        "adagrad_step" => [s.eps, s.weight_decay].map(Param::F).to_vec(),
        "lion_step" => [s.beta2, 1.0 - s.beta2, s.weight_decay].map(Param::F).to_vec(),
        _ => [s.beta2, 1.0 - s.beta2, s.eps, s.weight_decay].map(Param::F).to_vec(),
    });
    Args { params, constants: vec![] }
}

/// The table of steps 1 to `steps`; what a kernel does not read is no number.
fn hyper(kernel: Kernel, s: Setting, steps: i32) -> Vec<f64> {
    let row = |t: i32| match kernel.name {
        "nadam_step" => {
            let (mu, product) = (mu(s, t), (1..=t).map(|n| mu(s, n)).product::<f64>());
            let next = self::mu(s, t + 1);
            let inv_sqrt_bias2 = 1.0 / (1.0 - s.beta2.powi(t)).sqrt();
            let gradient = s.lr * (1.0 - mu) / (1.0 - product);
            [f64::NAN, gradient, inv_sqrt_bias2, s.lr * next / (1.0 - product * next), s.beta1, 1.0 - s.beta1]
        }
        "adagrad_step" => {
            [f64::NAN, s.lr / (1.0 + f64::from(t - 1) * LR_DECAY), f64::NAN, f64::NAN, f64::NAN, f64::NAN]
        }
        "sgd_step" | "sgd_momentum_step" => [s.lr, f64::NAN, f64::NAN, f64::NAN, s.momentum, f64::NAN],
        "rmsprop_step" | "rmsprop_momentum_step" | "rmsprop_centered_step" => {
            [s.lr, f64::NAN, f64::NAN, f64::NAN, s.momentum, f64::NAN]
        }
        _ => {
            let step_size = s.lr / (1.0 - s.beta1.powi(t));
            [s.lr, step_size, 1.0 / (1.0 - s.beta2.powi(t)).sqrt(), f64::NAN, s.beta1, 1.0 - s.beta1]
        }
    };
    (1..=steps).flat_map(row).collect()
}

/// Adagrad's, in every setting.
const LR_DECAY: f64 = 0.1;

/// NAdam's momentum in step `t`, from 1.
fn mu(s: Setting, t: i32) -> f64 {
    s.beta1 * (1.0 - 0.5 * 0.96_f64.powf(f64::from(t) * 0.004))
}

/// Which of the bindings that a kernel updates is a sum or mean of squares, and which the mean beside it.
fn squares(kernel: Kernel) -> (Option<usize>, Option<usize>) {
    let at = |names: &[&str]| kernel.bindings[3..].iter().position(|b| names.contains(&b.name));
    (at(&["v", "square", "sum"]), at(&["mean"]))
}

fn states(kernel: Kernel) -> usize {
    kernel.bindings.len() - 3
}

/// A random dispatch in the middle of a training; a third of the elements is extreme.
fn case(kernel: Kernel, n: usize, setting: Setting, error: f64, rng: &mut Rng) -> Case {
    const EXTREME: [f64; 8] = [0.0, 1e-30, -1e-30, 1e6, -1e6, 1e-8, 1e-19, -1.0];
    let mut numbers = |positive: bool| -> Vec<f64> {
        let mut one = || if rng.below(3) == 0 { EXTREME[rng.below(8)] } else { rng.uniform(-1.0, 1.0) };
        (0..n).map(|_| rig::f32_of(if positive { one().powi(2) } else { one() })).collect()
    };
    let mut case = Case::new(kernel, args(kernel, n, setting));
    let grad = numbers(false);
    let (square, mean) = squares(kernel);
    case.before = (0..states(kernel)).map(|k| rig::exact(numbers(square == Some(k)))).collect();
    if let (Some(square), Some(mean)) = (square, mean) {
        // The square of a mean is at most the mean of the squares.
        let roots: Vec<f64> = case.before[square].value.iter().map(|s| rig::f32_of(0.9 * s.sqrt())).collect();
        case.before[mean].value.iter_mut().zip(roots).for_each(|(m, root)| *m = m.clamp(-root, root));
    }
    let step = rng.below(3) as f64;
    case.inputs = vec![rig::exact(vec![step]), rig::exact(hyper(kernel, setting, 3)), rig::exact(grad)];
    if error > 0.0 {
        for m in case.inputs[2..].iter_mut().chain(&mut case.before) {
            for (value, e) in m.value.iter().zip(&mut m.error) {
                *e = error * [1.0, value.abs(), 0.0][rng.below(3)];
            }
        }
        // A second moment is never negative, whatever it carries.
        if let Some(v) = square.map(|k| &mut case.before[k]) {
            v.error.iter_mut().zip(&v.value).for_each(|(e, v)| *e = e.min(*v));
        }
    }
    case
}

#[test]
fn f32_lies_within_the_bound() {
    for kernel in STEPS {
        let mut rng = Rng::new(11);
        for setting in SETTINGS {
            for round in 0..60 {
                for error in [0.0, 1e-7, 1e-3] {
                    let case = case(kernel, [1, 5, 333][round % 3], setting, error, &mut rng);
                    let report = case.check(&mut rng);
                    assert!(report.holds(), "{kernel:?} error {error} round {round}: {report:?}");
                }
            }
        }
    }
}

#[test]
fn a_nudge_by_four_bounds_is_flagged() {
    for kernel in STEPS {
        let mut rng = Rng::new(12);
        for setting in SETTINGS {
            case(kernel, 40, setting, 1e-7, &mut rng).check_nudges(&mut rng);
        }
    }
}

#[test]
fn bounds_are_not_wildly_loose() {
    for kernel in STEPS {
        let mut rng = Rng::new(13);
        let mut worst = vec![0.0f64; states(kernel)];
        for round in 0..300 {
            let report = case(kernel, 333, SETTINGS[round % 3], 0.0, &mut rng).check(&mut rng);
            for (worst, ratio) in worst.iter_mut().zip(&report.ratio) {
                *worst = worst.max(*ratio);
            }
        }
        eprintln!("{kernel:?}: worst error / bound {worst:.3?}");
        assert!(worst.iter().all(|&ratio| ratio > 0.02), "{kernel:?}: {worst:?}");
    }
}

/// An optimizer step as it stands in PyTorch's documentation, for one parameter; t counts from 1.
fn documented(kernel: Kernel, s: Setting, t: i32, g: f64, state: &mut [f64]) {
    let p = state[0];
    let decayed = g + s.weight_decay * p;
    match kernel.name {
        "rmsprop_step" | "rmsprop_momentum_step" | "rmsprop_centered_step" => {
            let g = decayed;
            state[1] = s.beta2 * state[1] + (1.0 - s.beta2) * g * g;
            let mut average = state[1];
            if kernel == Kernel::rmsprop_centered_step {
                state[3] = s.beta2 * state[3] + (1.0 - s.beta2) * g;
                average -= state[3] * state[3];
            }
            let mut direction = g / (average.sqrt() + s.eps);
            if kernel != Kernel::rmsprop_step {
                state[2] = s.momentum * state[2] + direction;
                direction = state[2];
            }
            state[0] = p - s.lr * direction;
        }
        "adagrad_step" => {
            state[1] += decayed * decayed;
            let lr = s.lr / (1.0 + f64::from(t - 1) * LR_DECAY);
            state[0] = p - lr * decayed / (state[1].sqrt() + s.eps);
        }
        "lion_step" => {
            let direction = s.beta1 * state[1] + (1.0 - s.beta1) * g;
            let sign = if direction == 0.0 { 0.0 } else { direction.signum() };
            state[0] = p - s.lr * (sign + s.weight_decay * p);
            state[1] = s.beta2 * state[1] + (1.0 - s.beta2) * g;
        }
        "nadam_step" => {
            state[1] = s.beta1 * state[1] + (1.0 - s.beta1) * decayed;
            state[2] = s.beta2 * state[2] + (1.0 - s.beta2) * decayed * decayed;
            let product = |n: i32| (1..=n).map(|n| mu(s, n)).product::<f64>();
            let m_hat =
                mu(s, t + 1) * state[1] / (1.0 - product(t + 1)) + (1.0 - mu(s, t)) * decayed / (1.0 - product(t));
            state[0] = p - s.lr * m_hat / ((state[2] / (1.0 - s.beta2.powi(t))).sqrt() + s.eps);
        }
        "sgd_step" => state[0] = p - s.lr * (g + s.weight_decay * p),
        "sgd_momentum_step" => {
            let g = g + s.weight_decay * p;
            // PyTorch's first step sets the buffer to the gradient, which a buffer that starts at 0 does too.
            let b = if t == 1 { g } else { s.momentum * state[1] + g };
            state[1] = b;
            state[0] = p - s.lr * if s.nesterov { g + s.momentum * b } else { b };
        }
        _ => {
            let (mut p, mut g) = (p, g);
            if kernel == Kernel::adamw_step {
                p -= s.lr * s.weight_decay * p;
            } else {
                g += s.weight_decay * p;
            }
            state[1] = s.beta1 * state[1] + (1.0 - s.beta1) * g;
            state[2] = s.beta2 * state[2] + (1.0 - s.beta2) * g * g;
            let m_hat = state[1] / (1.0 - s.beta1.powi(t));
            let v_hat = state[2] / (1.0 - s.beta2.powi(t));
            state[0] = p - s.lr * m_hat / (v_hat.sqrt() + s.eps);
        }
    }
}

#[test]
fn ten_steps_follow_the_documented_rules() {
    const N: usize = 20_000; // more than one thread's share
    for kernel in STEPS {
        for setting in SETTINGS {
            let mut rng = Rng::new(14);
            let mut case = Case::new(kernel, args(kernel, N, setting));
            let mut states: Vec<Vec<f64>> = vec![vec![0.0; N]; states(kernel)];
            states[0] = (0..N).map(|_| rng.uniform(-1.0, 1.0)).collect();
            let mut expected = states.clone();
            for t in 1..=10 {
                // The first parameter's gradient is always 0.
                let grad: Vec<f64> = (0..N).map(|i| if i == 0 { 0.0 } else { rng.uniform(-1.0, 1.0) }).collect();
                for (i, &g) in grad.iter().enumerate() {
                    let mut one: Vec<f64> = expected.iter().map(|s| s[i]).collect();
                    documented(kernel, setting, t, g, &mut one);
                    expected.iter_mut().zip(one).for_each(|(s, v)| s[i] = v);
                }
                case.inputs =
                    vec![rig::exact(vec![f64::from(t - 1)]), rig::exact(hyper(kernel, setting, 10)), rig::exact(grad)];
                case.before = states.iter().cloned().map(rig::exact).collect();
                states = case.run_f64();
            }
            for (k, (found, expected)) in states.iter().zip(&expected).enumerate() {
                for (i, (f, e)) in found.iter().zip(expected).enumerate() {
                    // Ten steps of fewer than 30 roundings each, on numbers of at most 10.
                    let tolerance = 300.0 * f64::EPSILON * 10.0;
                    assert!((f - e).abs() <= tolerance, "{kernel:?} state {k}[{i}]: {f} {e}");
                }
            }
        }
    }
}

#[test]
fn an_error_larger_than_the_gradient_moves_adam_by_a_bounded_step() {
    // The first step of Adam is lr * sign(g): with a gradient of unknown sign it can be off by two steps, not by 1 / eps.
    for kernel in [Kernel::adam_step, Kernel::adamw_step] {
        let setting = SETTINGS[0];
        let mut case = Case::new(kernel, args(kernel, 1, setting));
        case.inputs = vec![rig::exact(vec![0.0]), rig::exact(hyper(kernel, setting, 1)), rig::exact(vec![1e-3])];
        case.inputs[2].error[0] = 1e-2;
        case.before = [0.5, 0.0, 0.0].map(|v| rig::exact(vec![v])).to_vec();
        let bound = case.bounds(&case.run_f64())[0][0];
        assert!((1.9 * setting.lr..2.1 * setting.lr).contains(&bound), "{kernel:?}: {bound}");
    }
}
