//! Adafactor's passes: their error bounds, a step of large tensors against the formulas written out, what is kept and divided.
//! `pytorch.rs` holds its steps against PyTorch's.

use super::rig;
use crate::support::problem::{Problem, network, read};

use rig::{Case, Rng};
use wgrad::data::Dataset;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::kernels::{Args, Kernel, Measured, Param};
use wgrad::nn::Network;
use wgrad::plan::{Holds, Limits, Options, Plan, lower};
use wgrad::train::{Engine, Roles};

const ADAFACTOR: Optimizer =
    Optimizer::Adafactor { lr: 0.05, beta2_decay: -0.8, eps1: 1e-6, eps2: 1e-3, d: 1.0, weight_decay: 0.01 };

/// Numbers of which some are tiny, large or 0, and their squares.
fn numbers(n: usize, square: bool, error: f64, rng: &mut Rng) -> Measured {
    const SOME: [f64; 6] = [0.0, 1e-12, -1e-6, 1e3, -1.0, 1e-19];
    let mut one = || if rng.below(4) == 0 { SOME[rng.below(6)] } else { rng.uniform(-1.0, 1.0) };
    let value: Vec<f64> = (0..n).map(|_| rig::f32_of(if square { one().powi(2) } else { one() })).collect();
    let carried =
        |v: &f64, rng: &mut Rng| if square { (error * v).min(*v) } else { error * [1.0, v.abs()][rng.below(2)] };
    let error = value.iter().map(|v| carried(v, rng)).collect();
    Measured { value, error }
}

fn hyper(t: usize) -> Vec<f64> {
    let of = |t: usize| ADAFACTOR.hyper(t as u64).map(rig::f32_of);
    (0..=t).flat_map(of).collect()
}

/// A random dispatch of each kernel whose inputs carry errors.
fn cases(error: f64, rng: &mut Rng) -> Vec<Case> {
    let [rows, cols] = [1 + rng.below(7), 1 + rng.below(40)];
    let sizes = |of: &[usize]| of.iter().map(|n| Param::U(*n as u32)).collect::<Vec<_>>();
    let step = |t: usize| [rig::exact(vec![t as f64]), rig::exact(hyper(t))].to_vec();
    let mut cases = Vec::new();
    for [outer, count, inner] in [[rows, cols, 1], [1, rows, cols], [rows * cols, 1, 1]] {
        let args = Args { params: sizes(&[outer, 6, count, inner]), constants: vec![] };
        let mut case = Case::new(Kernel::adafactor_moment, args);
        case.inputs = [step(rng.below(3)), vec![numbers(rows * cols, false, error, rng)]].concat();
        case.before = vec![numbers(outer * inner, true, error, rng)];
        cases.push(case);
    }
    for factored in [true, false] {
        let (rows, cols) = if factored { (rows, cols) } else { (rows * cols, 1) };
        let numbers_of = [Param::F(1e-3), Param::F(1e-6)];
        let params = sizes(&[rows, cols, rows]).into_iter().chain(numbers_of).collect();
        let constants = vec![("FACTORED", f64::from(u8::from(factored)))];
        let mut case = Case::new(Kernel::adafactor_direction, Args { params, constants });
        case.inputs = vec![
            numbers(rows * cols, false, error, rng),
            numbers(rows, true, error, rng),
            numbers(if factored { cols } else { 1 }, true, error, rng),
            numbers(1, true, error, rng),
        ];
        case.before = vec![rig::exact(vec![f64::NAN; rows * cols])];
        cases.push(case);
    }
    let n = rows * cols;
    let constants = [1e-3, 1.0 + rng.uniform(0.0, 1.0), [0.0, 0.1][rng.below(2)]].map(Param::F);
    let args = Args { params: sizes(&[n, 6, n]).into_iter().chain(constants).collect(), constants: vec![] };
    let mut case = Case::new(Kernel::adafactor_step, args);
    let of = [numbers(n, false, error, rng), numbers(1, true, error, rng), numbers(1, true, error, rng)];
    case.inputs = [step(rng.below(3)), of.to_vec()].concat();
    case.before = vec![numbers(n, false, error, rng)];
    cases.push(case);
    cases
}

#[test]
fn f32_lies_within_the_bound_and_a_nudge_by_four_bounds_is_flagged() {
    let mut rng = Rng::new(21);
    for round in 0..100 {
        for error in [0.0, 1e-7, 1e-3] {
            for case in cases(error, &mut rng) {
                let report = case.check(&mut rng);
                assert!(report.holds(), "{:?} error {error} round {round}: {report:?}", case.kernel);
            }
        }
        cases(1e-7, &mut rng).iter().for_each(|case| case.check_nudges(&mut rng));
    }
}

#[test]
fn bounds_are_not_wildly_loose() {
    let mut rng = Rng::new(22);
    let mut worst = std::collections::BTreeMap::new();
    for _ in 0..300 {
        for case in cases(0.0, &mut rng) {
            let ratio = case.check(&mut rng).ratio[0];
            let of = worst.entry(case.kernel.name).or_insert(0.0_f64);
            *of = of.max(ratio);
        }
    }
    eprintln!("worst error / bound {worst:.3?}");
    assert!(worst.len() == 3 && worst.values().all(|&ratio| ratio > 0.02), "{worst:?}");
}

/// 80 -> 270 -> 21: sums of squares in several parts, sums over rows in one and in two.
fn large() -> Problem {
    let network = network(&[80, 270, 21], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    Problem::new(network, ADAFACTOR, 13, 8, 5)
}

/// A first step of one parameter from its gradient, by the formulas of PyTorch's documentation.
fn documented(p: &[f64], g: &[f64], shape: &[usize]) -> Vec<f64> {
    let Optimizer::Adafactor { lr, eps1, eps2, d, weight_decay, .. } = ADAFACTOR else { unreachable!() };
    let rms = |v: &[f64]| (v.iter().map(|v| v * v).sum::<f64>() / v.len() as f64).sqrt();
    let mean = |v: Vec<f64>| v.iter().sum::<f64>() / v.len() as f64;
    let v: Vec<f64> = match *shape {
        [rows, cols] => {
            let r: Vec<f64> = g.chunks(cols).map(|row| rms(row).powi(2)).collect();
            let column = |j: usize| mean((0..rows).map(|i| g[i * cols + j].powi(2)).collect());
            let c: Vec<f64> = (0..cols).map(column).collect();
            let all = mean(r.clone()).max(eps1);
            (0..rows * cols).map(|i| r[i / cols] * c[i % cols] / all).collect()
        }
        _ => g.iter().map(|g| g * g).collect(),
    };
    let u: Vec<f64> = g.iter().zip(&v).map(|(g, v)| g / v.sqrt().max(eps1)).collect();
    let step = rms(p).max(eps2) * lr.min(1.0) / (rms(&u) / d).max(1.0);
    let decay = if shape.len() == 2 { weight_decay } else { 0.0 };
    p.iter().zip(&u).map(|(p, u)| p * (1.0 - lr * decay) - step * u).collect()
}

#[test]
fn a_step_of_large_tensors_follows_the_documentation() {
    let problem = large();
    let plan = problem.plan(&Options { limits: Limits::CPU, ..Options::new("train", 1) });
    let count = |of: Kernel| plan.dispatches.iter().filter(|d| d.kernel == of).count();
    assert_eq!([Kernel::adafactor_moment, Kernel::adafactor_direction, Kernel::adafactor_step].map(count), [6, 4, 4]);
    let mut session = problem.step(&Device::cpu_f64(), &plan);
    for before in &problem.parameters {
        let name = &before.name;
        let gradient = read(&mut session, &format!("grad.{name}"));
        let expected = documented(&before.values, &gradient, &before.shape);
        for (found, expected) in read(&mut session, name).iter().zip(&expected) {
            // Sums of 21,600 squares, in another order.
            assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{name}: {found} {expected}");
        }
    }
}

/// What is kept of a matrix is a number for each row and each column.
#[test]
fn states_are_those_of_rows_and_columns() {
    let problem = large();
    let states = problem.network.states(ADAFACTOR);
    let shapes: Vec<(&str, &[usize])> = states.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
    assert_eq!(
        shapes,
        [
            ("state.0.layers.0.weight", &[270][..]),
            ("state.0.layers.0.bias", &[270]),
            ("state.0.layers.1.weight", &[21]),
            ("state.0.layers.1.bias", &[21]),
            ("state.1.layers.0.weight", &[80]),
            ("state.1.layers.1.weight", &[270]),
        ]
    );
    let held = |optimizer: Optimizer| -> usize {
        let plan = Problem { optimizer, ..large() }.plan(&Options { limits: Limits::CPU, ..Options::new("train", 1) });
        plan.arenas.iter().filter(|a| a.holds == Holds::States).map(|a| a.len).sum()
    };
    // Each tensor begins at a multiple of 64.
    assert_eq!(held(ADAFACTOR), 320 + 320 + 64 + 64 + 128 + 320);
    assert!(held(Optimizer::adam(0.01)) > 40 * held(ADAFACTOR));
}

/// States that are read and written again give the same next steps, to the bit.
#[test]
fn states_come_back() {
    let problem = large();
    let rows: Vec<u32> = (0..13).collect();
    let data = Dataset::numbers(&problem.x, 80, &problem.target, 21);
    let open = || {
        let roles = Roles { train: Some((13, 8, ADAFACTOR.into())), ..Roles::default() };
        let mut engine = pollster::block_on(Engine::open(&Device::cpu(), &problem.network, roles)).unwrap();
        engine.set_training_data(&data).unwrap();
        engine
    };
    let epoch = |engine: &mut Engine, done: u64| {
        pollster::block_on(engine.train(&rows, done, &mut |_| wgrad::exec::Flow::Continue)).unwrap();
        pollster::block_on(engine.read_parameters()).unwrap()
    };
    let mut whole = open();
    whole.write_parameters(&wgrad::model::init::initial_parameters(&problem.network.layers, 3)).unwrap();
    let parameters = epoch(&mut whole, 0);
    let states = pollster::block_on(whole.read_states()).unwrap();
    assert!(states.len() == 6 && states.iter().all(|s| s.values.iter().any(|v| *v > 0.0)));
    let expected = epoch(&mut whole, 2);
    let mut other = open();
    other.write_parameters(&parameters).unwrap();
    other.write_states(&states).unwrap();
    assert_eq!(epoch(&mut other, 2), expected);
}

/// What no binding holds: rows are divided, what works on columns is refused with the tensor's name.
#[test]
fn a_matrix_that_no_binding_holds_is_refused_by_its_name() {
    let network = network(&[64, 256, 64], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    let problem = Problem::new(network, ADAFACTOR, 13, 8, 5);
    let limits = Limits { max_storage_buffer_binding_size_bytes: 4 * 64 * 128, ..Limits::CPU };
    let samples = wgrad::nn::Samples { name: "train", rows: 13, batch: 8 };
    let graph = Network::train_graph(&problem.network, samples, ADAFACTOR).unwrap();
    let refused: wgrad::Result<Plan> = lower(&graph, &Options { limits, ..Options::new("train", 1) });
    let message = refused.unwrap_err().to_string();
    let parts = ["maxStorageBufferBindingSize", "layers.0.weight.update"];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
}
