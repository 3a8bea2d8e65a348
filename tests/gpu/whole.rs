//! On the adapter: whole train steps in one dispatch, against the judge, against separate dispatches, and against themselves
//! one step at a time.

use crate::support;

use support::problem::{ACTIVATIONS, ADAMW, LOSSES, MOMENTUM, Problem, SGD, network, read};
use wgrad::compare::compare;
use wgrad::data::Dataset;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::plan::{Options, Plan, Switches};
use wgrad::train::{Engine, Roles};
use wgrad::verify::{Question, Verdict, report, verify, verify_altered};

const ADAM: Optimizer =
    Optimizer::Adam(wgrad::graph::Adam { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 });
const OPTIMIZERS: [Optimizer; 4] = [SGD, MOMENTUM, ADAM, ADAMW];

/// The problem's plan on `device`, tables of `steps` steps.
fn plan(device: &Device, problem: &Problem, steps: usize, whole: bool) -> Plan {
    let (limits, products) = (device.limits(), device.products());
    problem.plan(&Options { limits, products, whole, ..Options::new("train", steps) })
}

/// Every activation in first, middle and last place, with and without bias, every loss and optimizer, 1 to 4 layers of odd
/// sizes, batches of 1, 3 and 32.
fn problems() -> Vec<Problem> {
    let mut problems = Vec::new();
    let acts: Vec<Activation> = ACTIVATIONS.into_iter().filter(|a| *a != Activation::Softmax).collect();
    for (i, &act) in acts.iter().enumerate() {
        let other = acts[(i + 4) % acts.len()];
        for (layers, batch) in [(1, 3), (2, 1), (3, 32), (4, 3)] {
            let widths = &[5, 9, 2, 13, 3][4 - layers..];
            // One activation everywhere, or two of them: the shader treats the cases apart.
            let activations: Vec<Activation> = (0..layers).map(|l| if l % 2 == 0 { act } else { other }).collect();
            let activations = if batch == 32 { vec![act; layers] } else { activations };
            let loss = LOSSES[(i + 3 * layers) % LOSSES.len()];
            let bias: &[bool] = [&[true][..], &[false], &[true, false]][(i + layers) % 3];
            let optimizer = OPTIMIZERS[(i + layers) % 4];
            if loss != Loss::BinaryCrossEntropy {
                problems.push(Problem::new(network(widths, &activations, bias, loss), optimizer, 17, batch, i as u64));
            }
        }
    }
    for (i, loss) in LOSSES.into_iter().enumerate() {
        let net = network(&[3, 6, 4], &[Activation::Tanh, Activation::Identity], &[true], loss);
        let mut problem = Problem::new(net, OPTIMIZERS[i % 4], 11, 9, i as u64);
        if loss == Loss::BinaryCrossEntropy {
            // Probabilities without a sigmoid, which would make another loss of it.
            for p in &mut problem.parameters {
                let (scale, shift) = if p.name == "layers.1.bias" { (0.0, 0.5) } else { (0.0625, 0.0) };
                p.values.iter_mut().for_each(|v| *v = *v * scale + shift);
            }
        }
        problems.push(problem);
    }
    problems
}

/// The problem's data as a data set.
fn dataset(problem: &Problem) -> Dataset {
    let network = &problem.network;
    if network.loss.takes_class() {
        let classes: Vec<u32> = problem.target.iter().map(|t| *t as u32).collect();
        return Dataset::classes(&problem.x, network.inputs(), &classes);
    }
    Dataset::numbers(&problem.x, network.inputs(), &problem.target, network.outputs())
}

fn question<'a>(problem: &'a Problem, data: &'a Dataset, steps: usize, whole: bool) -> Question<'a> {
    Question {
        network: &problem.network,
        rule: problem.optimizer.into(),
        parameters: &problem.parameters,
        data: data.into(),
        batch_size: problem.batch,
        seed: 2,
        steps,
        slack: 1.0,
        unfused: false,
        switches: if whole { Switches::ALL } else { Switches::without(&["whole"]).unwrap() },
    }
}

#[test]
fn every_form_of_network_is_within_its_bounds_and_near_the_separate_dispatches() {
    let Some(device) = support::adapter::adapter() else { return };
    let mut worst: f64 = 0.0;
    for problem in problems() {
        let (whole, separate) = (plan(device, &problem, 1, true), plan(device, &problem, 1, false));
        assert!(whole.whole.is_some(), "{:?} takes separate dispatches", problem.network);
        let (judge, judge_separate) = (problem.judge(&whole), problem.judge(&separate));
        let (mut one, mut many) = (problem.step(device, &whole), problem.step(device, &separate));
        for name in problem.results().into_iter().chain(["loss".to_string()]) {
            let (found, other) = (read(&mut one, &name), read(&mut many, &name));
            let (judged, second) = (judge.read(&name).unwrap(), judge_separate.read(&name).unwrap());
            let sum: Vec<f64> = judged.error.iter().zip(&second.error).map(|(a, b)| a + b).collect();
            let shape = [found.len()];
            for c in [
                compare("whole against the judge", &shape, &judged.value, &found, &judged.error),
                compare("whole against separate", &shape, &other, &found, &sum),
            ] {
                assert!(c.passed, "{:?} {name}: {}: {:?}", problem.network, c.name, c.fault);
                worst = worst.max(c.max_ratio);
            }
        }
    }
    println!("{}: largest difference / bound {worst:.4}", device.name());
    assert!(worst > 0.05, "nothing was compared");
}

#[test]
fn steps_are_verified_value_by_value_also_where_the_last_batch_is_not_full() {
    let Some(device) = support::adapter::adapter() else { return };
    for problem in problems().iter().step_by(3) {
        let data = dataset(problem);
        // 17 rows: the second epoch begins after a batch that is not full, but for batches of 1.
        let verdict = pollster::block_on(verify(&question(problem, &data, 7, true), device)).unwrap();
        assert!(verdict.passed, "{:?}\n{}", problem.network, report::text(&verdict));
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Parameters, states and losses after training on `order`, which goes to the engine in pieces of `piece` rows.
fn trained(device: &Device, problem: &Problem, order: &[u32], piece: usize) -> (Vec<u64>, Vec<u64>, Plan) {
    // Tables longer than a dispatch; the longer of the orders passes their end too.
    let train = Some((problem.rows, problem.batch, problem.optimizer.into()));
    let roles = Roles { train, table_steps: 8192, ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(device, &problem.network, roles)).unwrap();
    engine.write_parameters(&problem.parameters).unwrap();
    engine.set_training_data(&dataset(problem)).unwrap();
    let (mut losses, mut done) = (Vec::new(), 0);
    for part in order.chunks(piece) {
        let mut sink = |l: &[f64]| {
            losses.extend_from_slice(l);
            Flow::Continue
        };
        done += pollster::block_on(engine.train(part, done as u64, &mut sink)).unwrap();
    }
    assert_eq!(done, losses.len());
    let mut tensors = pollster::block_on(engine.read_parameters()).unwrap();
    tensors.extend(pollster::block_on(engine.read_states()).unwrap());
    tensors.extend(pollster::block_on(engine.read_gradients()).unwrap());
    let values: Vec<f64> = tensors.into_iter().flat_map(|t| t.values).collect();
    let plan = engine.plans()[0].clone();
    (bits(&values), bits(&losses), plan)
}

/// Many steps in a dispatch are the same steps one at a time, bit for bit, and single steps are verified above. The orders
/// pass the end of a dispatch, of a submit and of the tables, and end with a batch that is not full.
#[test]
fn many_steps_in_a_dispatch_are_the_same_steps_one_at_a_time() {
    let Some(device) = support::adapter::adapter() else { return };
    let small = network(&[2, 2, 2], &[Activation::Sigmoid; 2], &[true], Loss::HalfSquaredError);
    let wider = network(&[64, 32, 10], &[Activation::Relu, Activation::Identity], &[true], Loss::cross_entropy());
    for (net, optimizer, rows, batch, steps) in [(small, SGD, 5, 2, 20_011), (wider, ADAMW, 97, 32, 131)] {
        let problem = Problem::new(net, optimizer, rows, batch, 4);
        let order: Vec<u32> = (0..steps * batch - 1).map(|i| (i * 7 % rows) as u32).collect();
        let (together, losses, plan) = trained(device, &problem, &order, order.len());
        let whole = plan.whole.as_ref().unwrap();
        assert!(steps > 2 * whole.steps as usize, "all steps fit into a dispatch or two");
        println!("{}: {} steps a dispatch, tables of {}", device.name(), whole.steps, plan.steps);
        // Pieces of 5 steps: dispatches of at most 4, and reads of the loss in between.
        let (apart, losses_apart, _) = trained(device, &problem, &order, 5 * batch);
        assert!(losses == losses_apart && together == apart, "{:?}", problem.network);
        let (again, losses_again, _) = trained(device, &problem, &order, order.len());
        assert!(losses == losses_again && together == again, "another run gives other bits: {:?}", problem.network);
        assert!(losses.iter().all(|l| f64::from_bits(*l).is_finite() && *l != 0), "a step left no loss");
    }
}

/// Negative control: one value of one tensor of the step, off by four times its bound.
#[test]
fn a_nudged_value_fails() {
    let Some(device) = support::adapter::adapter() else { return };
    let net = network(&[3, 6, 4], &[Activation::Tanh, Activation::Identity], &[true], Loss::cross_entropy());
    let problem = Problem::new(net, MOMENTUM, 17, 5, 1);
    let data = dataset(&problem);
    let question = question(&problem, &data, 3, true);
    let clean = pollster::block_on(verify(&question, device)).unwrap();
    assert!(clean.passed, "{}", report::text(&clean));
    for row in &clean.steps[2].rows {
        let verdict: Verdict = pollster::block_on(verify_altered(&question, device, &mut |o| {
            assert!(o.plan.whole.is_some());
            if o.step == 3 {
                let range = o.plan.buffers.iter().find(|b| b.name == row.name).unwrap().range;
                let value = &mut o.after[range.arena][range.offset];
                *value += 1e-2 * value.abs().max(1.0);
            }
        }))
        .unwrap();
        let (step, first) = verdict.first_fault().unwrap();
        assert!(
            !verdict.passed && step == 3 && first.name == row.name,
            "{} was altered, {} is named",
            row.name,
            first.name
        );
    }
}

/// Networks on both sides of the cost model's limit: the one runs in one dispatch, the other does not, both are right.
#[test]
fn both_sides_of_the_limit_are_verified() {
    let Some(device) = support::adapter::adapter() else { return };
    let with = |width: usize| {
        let net = network(&[64, width, 10], &[Activation::Relu, Activation::Identity], &[true], Loss::cross_entropy());
        Problem::new(net, SGD, 67, 32, 1)
    };
    let chosen = |width: usize| plan(device, &with(width), 1, true).whole.is_some();
    assert!(chosen(1) && !chosen(4096));
    let (mut below, mut above) = (1, 4096);
    while above - below > 1 {
        let middle = (below + above) / 2;
        if chosen(middle) { below = middle } else { above = middle }
    }
    println!("{}: whole up to {below} hidden units", device.name());
    for width in [below, above] {
        let problem = with(width);
        let data = dataset(&problem);
        let verdict = pollster::block_on(verify(&question(&problem, &data, 4, true), device)).unwrap();
        assert!(verdict.passed, "{width}: {}", report::text(&verdict));
    }
}
