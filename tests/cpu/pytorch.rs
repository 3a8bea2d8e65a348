//! Schedules and optimizer steps against PyTorch's of the same name: `tests/fixtures/pytorch`, made by its `make.py`.

use crate::support::torch;

use torch::{cases, numbers, question, spec, trained};
use wgrad::data::Dataset;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer, Policy, Schedule, UpdateRule};
use wgrad::model::{Layer, Network, Tensor};
use wgrad::testing::train::engine::Target;
use wgrad::testing::train::forecast::Forecast;
use wgrad::testing::train::plateau::PlateauState;
use wgrad::train::{Engine, Roles};
use wgrad::verify::verify;

/// 100 steps of fewer than 30 roundings each, on rates of at most 0.3; PyTorch takes most rates from the one before.
const RATE_TOLERANCE: f64 = 100.0 * 30.0 * f64::EPSILON * 0.3;
/// Both sides compute 100 steps in f64, in other orders: rounding moves the parameters by about 1e-15, a wrong constant by
/// more than 1e-6 (the last test).
const TOLERANCE: f64 = 1e-11;

fn schedule(text: &str) -> wgrad::spec::ScheduleSpec {
    spec("{ sgd = { lr = 0.3 } }", &format!("schedule = {text}")).train.schedule
}

/// The largest difference of a schedule's rates from a case's.
fn distance(schedule: &Schedule, case: &serde_json::Value) -> f64 {
    let lr = case["lr"].as_f64().unwrap();
    let pairs = numbers(&case["rates"]).into_iter().enumerate();
    pairs.map(|(t, rate)| (schedule.lr(lr, t as u64) - rate).abs()).fold(0.0, f64::max)
}

#[test]
fn rates_are_those_of_the_schedule_of_the_same_name() {
    let all = cases("schedules.json");
    assert_eq!(all.len(), 13);
    for case in &all {
        let name = case["schedule"].as_str().unwrap();
        let (read, units) = (schedule(name), case["units"].as_u64().unwrap());
        let in_steps = read.schedule.over(units);
        assert!(distance(&in_steps, case) <= RATE_TOLERANCE, "{name}: {}", distance(&in_steps, case));
        // A unit of 7 steps: each rate holds for 7 steps.
        let in_epochs = in_steps.every(7);
        for t in 0..units * 7 {
            assert_eq!(in_epochs.lr(0.3, t), in_steps.lr(0.3, t / 7), "{name}");
        }
    }
}

#[test]
fn momenta_are_those_of_the_schedule_of_the_same_name() {
    let all = cases("momenta.json");
    assert_eq!(all.len(), 4);
    for (i, case) in all.iter().enumerate() {
        for (j, other) in all.iter().enumerate() {
            let read = schedule(other["schedule"].as_str().unwrap()).schedule.over(other["units"].as_u64().unwrap());
            let pairs = numbers(&case["momenta"]).into_iter().enumerate();
            let far = pairs.map(|(t, m)| (read.momentum(t as u64).unwrap() - m).abs()).fold(0.0, f64::max);
            // A momentum below 1 goes through fewer than 30 roundings. Control: that of another schedule is another.
            assert_eq!(far <= 30.0 * f64::EPSILON, i == j, "{} as {}: {far}", case["schedule"], other["schedule"]);
        }
    }
    // It stays where it ends, and is nobody's business elsewhere.
    assert_eq!(Schedule::one_cycle(10).momentum(1000), Some(0.95));
    assert_eq!(Schedule::cosine(10).momentum(3), None);
}

/// Control: rules that differ in what becomes of the momentum alone.
#[test]
fn a_momentum_that_is_not_cycled_is_found() {
    let mut cycled = 0;
    for case in cases("steps.json") {
        let mut rule = torch::rule(&case);
        let Policy::OneCycle(cycle) = &mut rule.schedule.policy else { continue };
        if !cycle.cycle_momentum {
            continue;
        }
        // Lion takes signs, which a small change leaves as they are.
        cycle.max_momentum -= if rule.optimizer.name() == "lion" { 0.4 } else { 1e-4 };
        let far = torch::distance(&trained(&Device::cpu_f64(), &rule)[2], &case, 100);
        assert!(far > 1e4 * TOLERANCE, "{case}: {far}");
        cycled += 1;
    }
    assert_eq!(cycled, 8);
}

/// Control: the rates of one schedule are not those of another.
#[test]
fn another_schedule_is_told_apart() {
    let all = cases("schedules.json");
    let of = |case: &serde_json::Value| {
        schedule(case["schedule"].as_str().unwrap()).schedule.over(case["units"].as_u64().unwrap())
    };
    for (i, case) in all.iter().enumerate() {
        for (j, other) in all.iter().enumerate() {
            assert_eq!(
                distance(&of(other), case) <= RATE_TOLERANCE,
                i == j,
                "{} {}",
                case["schedule"],
                other["schedule"]
            );
        }
    }
}

#[test]
fn a_rate_stays_where_its_schedule_ends() {
    for policy in [
        Policy::Cosine { eta_min: 0.25, length: 10 },
        Policy::Linear { start_factor: 1.0, end_factor: 0.25, length: 10 },
    ] {
        let schedule = Schedule::steps(policy);
        assert_eq!([10, 11, 15, 20, 1000].map(|t| schedule.lr(1.0, t)), [0.25; 5]);
    }
    let cycle = Schedule::one_cycle(10);
    assert_eq!(cycle.lr(1.0, 1000), cycle.lr(1.0, 9));
    assert!((cycle.lr(1.0, 9) - 1.0 / 25.0 / 1e4).abs() < 1e-18);
}

#[test]
fn a_rate_is_reduced_when_pytorch_reduces_it() {
    for case in cases("plateau.json") {
        let name = case["schedule"].as_str().unwrap();
        let Policy::ReduceOnPlateau(rule) = schedule(name).schedule.policy else { panic!("{name}") };
        let (losses, rates) = (case["losses"].as_array().unwrap(), numbers(&case["rates"]));
        let mut state = PlateauState::default();
        for (epoch, (loss, rate)) in losses.iter().zip(&rates).enumerate() {
            state.take(&rule, 0.3, loss.as_f64().unwrap_or(f64::NAN));
            // Kept in a checkpoint and read back.
            state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
            assert_eq!(state.lr.unwrap_or(0.3), *rate, "{name}, epoch {epoch}");
        }
        assert!(rates[99] < 0.1, "{name} was never reduced");
    }
}

#[test]
fn a_hundred_steps_are_pytorchs() {
    for case in cases("steps.json") {
        let name = format!("{} {}", case["optimizer"], case["more"]);
        for (steps, found) in [1, 10, 100].into_iter().zip(trained(&Device::cpu_f64(), &torch::rule(&case))) {
            let far = torch::distance(&found, &case, steps);
            assert!(far <= TOLERANCE, "{name}, {steps} steps: {far}");
        }
    }
}

/// The other half of the proof in f32: each of 100 steps lies within its derived bound of the f64 trajectory, which is
/// PyTorch's by the test above.
#[test]
fn a_hundred_steps_in_f32_stay_within_their_bounds() {
    for case in cases("steps.json") {
        let problem = torch::problem();
        let verdict = pollster::block_on(verify(&question(&problem, torch::rule(&case)), &Device::cpu())).unwrap();
        assert!(verdict.passed, "{case}");
    }
}

/// Where the gradient is 0, weight decay alone moves the weights, and leaves every bias as it is.
#[test]
fn weight_decay_spares_the_biases() {
    let network = Network { layers: vec![Layer::dense(3, 2, Activation::Identity, true)], loss: Loss::Mse };
    let (weight, bias) = (vec![0.5, -0.25, 1.0, 2.0, -1.0, 0.125], vec![0.75, -0.5]);
    let tensor = |name: &str, shape: &[usize], values: &[f64]| Tensor {
        name: format!("layers.0.{name}"),
        shape: shape.to_vec(),
        values: values.to_vec(),
    };
    let parameters = [tensor("weight", &[2, 3], &weight), tensor("bias", &[2], &bias)];
    // The prediction for zeros is the bias, which is the target.
    let data = Dataset::numbers(&[0.0; 3], 3, &bias, 2);
    for name in Optimizer::NAMES {
        for decays in [false, true] {
            let text = format!("{{ {name} = {{ lr = 0.01, weight_decay = {} }} }}", if decays { 0.1 } else { 0.0 });
            let rule = spec(&text, "").train.rule(1);
            let roles = Roles { train: Some((1, 1, rule)), ..Roles::default() };
            let mut engine = pollster::block_on(Engine::open(&Device::cpu_f64(), &network, roles)).unwrap();
            engine.write_parameters(&parameters).unwrap();
            engine.set_training_data(&data).unwrap();
            pollster::block_on(engine.train(&[0], 0, &mut |_| Flow::Continue)).unwrap();
            let found = pollster::block_on(engine.read_parameters()).unwrap();
            assert_eq!(found[1].values, bias, "{text}");
            let moved = found[0].values.iter().zip(&weight).all(|(found, w)| found.abs() < w.abs());
            assert_eq!(moved, decays, "{text}: {:?}", found[0].values);
            assert!(decays || found[0].values == weight, "{text}: {:?}", found[0].values);
        }
    }
}

/// The parameters after two epochs of 11 rows in steps of `batch`, in the parts that `accumulate` makes of them.
fn epochs(device: &Device, batch: usize, accumulate: usize, rule: UpdateRule) -> (Vec<Tensor>, Vec<f64>) {
    let problem = torch::problem();
    let rule = UpdateRule { accumulate, ..rule };
    let roles = Roles { train: Some((12, batch, rule)), ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(device, &problem.network, roles)).unwrap();
    engine.write_parameters(&problem.parameters).unwrap();
    engine.set_training_data(&problem.data).unwrap();
    let order: Vec<u32> = (0..11).map(|i| (i * 5) % 12).collect();
    let mut losses = Vec::new();
    let mut done = 0;
    for _ in 0..2 {
        let mut sink = |l: &[f64]| {
            losses.extend_from_slice(l);
            Flow::Continue
        };
        done += pollster::block_on(engine.train(&order, done, &mut sink)).unwrap() as u64;
    }
    (pollster::block_on(engine.read_parameters()).unwrap(), losses)
}

/// A batch in parts is the batch as a whole: in every step, the last one of an epoch, which is not full, included, and with
/// parts that are not full or empty.
#[test]
fn accumulated_steps_are_those_of_the_whole_batch() {
    let rule = torch::rule(&cases("steps.json")[1]);
    for batch in [4, 6, 11] {
        let (whole, losses) = epochs(&Device::cpu_f64(), batch, 1, rule);
        for accumulate in [2, 3, 4, 100] {
            let (found, own) = epochs(&Device::cpu_f64(), batch, accumulate, rule);
            let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            for (a, b) in found.iter().zip(&whole) {
                assert!(far(&a.values, &b.values) < 1e-14, "{batch} in {accumulate}: {}", a.name);
            }
            assert!(losses.len() == own.len() && far(&own, &losses) < 1e-14, "{batch} in {accumulate}: {own:?}");
            // Control: other batches are other steps.
            let (other, _) = epochs(&Device::cpu_f64(), batch / 2, 1, rule);
            assert!(far(&other[0].values, &whole[0].values) > 1e-6);
        }
    }
}

/// What lives within a part has its memory again for the next one.
#[test]
fn parts_take_less_memory() {
    let layers = vec![Layer::dense(64, 256, Activation::Tanh, true), Layer::dense(256, 10, Activation::Identity, true)];
    let network = Network { layers, loss: Loss::Mse };
    let bytes = |accumulate: usize| {
        let rule = UpdateRule { accumulate, ..Optimizer::sgd(0.1).into() };
        let roles = Roles { train: Some((4096, 2048, rule)), ..Roles::default() };
        Forecast::of(&Target::of(&Device::cpu()), &network, roles).unwrap().activations_bytes
    };
    let [whole, halves, eighths] = [1, 2, 8].map(bytes);
    // Three copies of the gradients, 19,210 numbers each, stand against halves of 2048 x 256 numbers and more.
    assert!(halves < whole * 3 / 4 && eighths < halves / 2, "{whole} {halves} {eighths}");
}

/// Control: one constant that is a little off shows after 100 steps.
#[test]
fn a_wrong_constant_is_found() {
    for case in cases("steps.json") {
        let mut rule = torch::rule(&case);
        rule = rule.with_lr(rule.optimizer.lr() * 1.0001);
        let found = trained(&Device::cpu_f64(), &rule);
        let far = torch::distance(&found[2], &case, 100);
        assert!(far > 1e5 * TOLERANCE, "{case}: {far}");
    }
}
