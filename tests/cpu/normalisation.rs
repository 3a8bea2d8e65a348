//! Layer and batch normalisation: against PyTorch (`tests/fixtures/layers/make.py`), rows that fill a batch up, running
//! statistics from training to use.

use crate::support;

use serde_json::Value;
use support::problem::{ADAMW, Problem, SGD, network, read};
use wgrad::data::Dataset;
use wgrad::exec::{Choice, Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::kernels::Kernel;
use wgrad::model::init::initial_parameters;
use wgrad::nn::{BatchNorm, GroupNorm, Layer, LayerNorm, Mode, Network, Samples, Tensor};
use wgrad::plan::{Limits, Options, lower};
use wgrad::train::{Engine, Roles, Trainer};

const FIXTURE: &str = include_str!("../fixtures/layers/normalisation.json");

/// 5 -> 7 tanh, layer norm, 7 -> 6, batch norm and relu, 6 -> 3.
fn normalising() -> Network {
    let layers = vec![
        Layer::dense(5, 7, Activation::Tanh, true),
        Layer::same_width(7, LayerNorm, Activation::Identity),
        Layer::dense(7, 6, Activation::Identity, true),
        Layer::same_width(6, BatchNorm, Activation::Relu),
        Layer::dense(6, 3, Activation::Identity, true),
    ];
    Network { layers, loss: Loss::cross_entropy() }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn tensors(network: &Network, of: &Value) -> Vec<Tensor> {
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let values = numbers(&of[&name]["values"]);
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
        Tensor { name, shape, values }
    };
    network.tensors().into_iter().map(tensor).collect()
}

/// Losses, tensors, logits and gradients after the fixture's nine steps from `start`, each under its name.
fn trained(network: &Network, fixture: &Value, start: &[Tensor]) -> Vec<(String, Vec<f64>)> {
    let classes: Vec<u32> = numbers(&fixture["classes"]).iter().map(|c| *c as u32).collect();
    let data = Dataset::classes(&numbers(&fixture["x"]), 5, &classes);
    let optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let train = Some((11, 4, optimizer.into()));
    let roles = Roles { train, predict: Some(11), gradients: Some(11), ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(&Device::cpu_f64(), network, roles)).unwrap();
    engine.write_parameters(start).unwrap();
    engine.set_training_data(&data).unwrap();
    let (order, mut losses): (Vec<u32>, Vec<f64>) = ((0..11).collect(), Vec::new());
    for epoch in 0..3 {
        let mut sink = |l: &[f64]| {
            losses.extend(l);
            Flow::Continue
        };
        pollster::block_on(engine.train(&order, 3 * epoch, &mut sink)).unwrap();
    }
    let mut results = vec![("losses".to_string(), losses)];
    results.extend(pollster::block_on(engine.read_parameters()).unwrap().into_iter().map(|t| (t.name, t.values)));
    results.push(("logits".to_string(), pollster::block_on(engine.predict(&data)).unwrap()));
    let (_, gradients) = pollster::block_on(engine.gradients(&data)).unwrap();
    results.extend(gradients.into_iter().map(|t| (format!("grad.{}", t.name), t.values)));
    results
}

/// Largest distance of two lists of results.
fn distance(a: &[(String, Vec<f64>)], b: &[(String, Vec<f64>)]) -> f64 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b).flat_map(|(a, b)| {
        assert_eq!((&a.0, a.1.len()), (&b.0, b.1.len()));
        a.1.iter().zip(&b.1)
    });
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Both sides compute nine steps in f64, in other orders. A rounding is 1e-16; where the numbers of a batch lie close together a
/// gradient carries it times 1 / sqrt(eps) twice, which is 1e5; ten times that for the roundings of the steps. A wrong constant
/// moves the results by more than 1e-3 (the control).
const TOLERANCE: f64 = 1e-10;

#[test]
fn training_and_use_are_pytorchs() {
    let [found, expected] = ours_and_pytorchs(&normalising(), FIXTURE);
    let off = distance(&found, &expected);
    assert!(off <= TOLERANCE, "off by {off:e}");
    // Control: a running variance that is biased, as one sample in eleven more or less makes it, is far outside.
    let mut wrong = found.clone();
    let running = wrong.iter_mut().find(|(name, _)| name == "layers.3.running_var").unwrap();
    running.1.iter_mut().for_each(|v| *v *= 10.0 / 11.0);
    assert!(distance(&wrong, &expected) > 1e-3);
}

/// What is trained here from a fixture's start, and what PyTorch trained.
fn ours_and_pytorchs(network: &Network, fixture: &str) -> [Vec<(String, Vec<f64>)>; 2] {
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    let found = trained(network, &fixture, &tensors(network, &fixture["start"]));
    let mut expected = vec![("losses".to_string(), numbers(&fixture["losses"]))];
    expected.extend(tensors(network, &fixture["end"]).into_iter().map(|t| (t.name, t.values)));
    expected.push(("logits".to_string(), numbers(&fixture["logits"])));
    let gradients = network.parameters().into_iter();
    expected.extend(gradients.map(|(name, _)| (format!("grad.{name}"), numbers(&fixture["gradients"][&name]))));
    [found, expected]
}

/// 5 -> 12 tanh, group norm, 12 -> 6, group norm without weight and bias and relu, 6 -> 3.
fn grouped(groups: [usize; 2]) -> Network {
    let layers = vec![
        Layer::dense(5, 12, Activation::Tanh, true),
        Layer::same_width(12, GroupNorm::new(groups[0]), Activation::Identity),
        Layer::dense(12, 6, Activation::Identity, true),
        Layer::same_width(6, GroupNorm { groups: groups[1], affine: false }, Activation::Relu),
        Layer::dense(6, 3, Activation::Identity, true),
    ];
    Network { layers, loss: Loss::cross_entropy() }
}

#[test]
fn group_norm_is_pytorchs() {
    let fixture = include_str!("../fixtures/layers/group_norm.json");
    let [found, expected] = ours_and_pytorchs(&grouped([4, 2]), fixture);
    let off = distance(&found, &expected);
    assert!(off <= TOLERANCE, "off by {off:e}");
    // Control: other groups are another network.
    for groups in [[3, 2], [4, 3], [1, 2], [4, 1]] {
        let [found, expected] = ours_and_pytorchs(&grouped(groups), fixture);
        assert!(distance(&found, &expected) > 1e-3, "{groups:?}");
    }
}

/// In f32 every value of training steps lies within its bound, whole and in blocks that begin within a sample.
#[test]
fn group_norm_in_blocks_lies_within_the_bounds_of_one_in_a_piece() {
    for affine in [true, false] {
        let mut net = network(&[8, 192, 4], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
        net.layers.insert(1, Layer::same_width(192, GroupNorm { groups: 3, affine }, Activation::Identity));
        let problem = Problem::new(net, SGD, 101, 96, 9);
        let options = Options { fuse: false, limits: Limits::CPU, ..Options::new("train", 1) };
        let small = Limits { max_storage_buffer_binding_size_bytes: 4 * 64 * 64 * 2, ..Limits::CPU };
        let (one, many) = (problem.plan(&options), problem.plan(&Options { limits: small, ..options.clone() }));
        let count = |plan: &wgrad::plan::Plan, of| plan.dispatches.iter().filter(|d| d.kernel == of).count();
        for kernel in [Kernel::layer_norm, Kernel::layer_norm_grad] {
            assert!(count(&one, kernel) == 1 && count(&many, kernel) > 1, "{kernel:?} {}", count(&many, kernel));
        }
        let judge = problem.judge(&one);
        let gradient = if affine { "grad.layers.1.weight" } else { "grad.layers.0.bias" };
        for plan in [&one, &many] {
            let mut session = problem.step(&Device::cpu(), plan);
            for name in ["loss", gradient, "grad.layers.0.weight"] {
                let (found, judged) = (read(&mut session, name), judge.read(name).unwrap());
                let good = found.iter().zip(&judged.value).zip(&judged.error).all(|((f, v), e)| (f - v).abs() <= *e);
                assert!(good, "{name}: {found:?}");
            }
        }
    }
}

/// Normalising layers of both kinds, each with a gradient for what comes before it.
fn problem(seed: u64) -> Problem {
    let mut net =
        network(&[3, 9, 6, 4], &[Activation::Relu, Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    net.layers.insert(1, Layer::same_width(9, BatchNorm, Activation::Tanh));
    net.layers.insert(3, Layer::same_width(6, LayerNorm, Activation::Identity));
    Problem::new(net, SGD, 11, 8, seed)
}

/// A row that fills the batch up changes no bit of anything, whatever it holds.
#[test]
fn rows_that_fill_a_batch_up_enter_no_statistics() {
    let mut clean = problem(3);
    clean.index.iter_mut().for_each(|i| *i = (*i).max(1));
    clean.index[6..].fill(1);
    let mut junk = clean.clone();
    junk.index[6..].fill(0);
    junk.x[..3].copy_from_slice(&[1e4, -1e4, 3e4]);
    let plan = clean.plan(&Options { limits: Limits::CPU, ..Options::new("train", 3) });
    let (mut a, mut b) = (clean.steps(&Device::cpu(), &plan, 3), junk.steps(&Device::cpu(), &plan, 3));
    let mut names = clean.results();
    names.extend(clean.network.tensors().into_iter().map(|(name, _)| name));
    for name in names {
        assert_eq!(read(&mut a, &name), read(&mut b, &name), "{name}");
    }
    // Control: as a sample the row changes them all.
    junk.index[0] = 0;
    let mut c = junk.steps(&Device::cpu(), &plan, 3);
    assert_ne!(read(&mut a, "layers.1.running_mean"), read(&mut c, "layers.1.running_mean"));
    assert_ne!(read(&mut a, "layers.0.weight"), read(&mut c, "layers.0.weight"));
}

#[test]
fn a_batch_of_one_sample_leaves_the_running_variance() {
    let mut one = problem(4);
    one.index[1..].fill(0);
    one.weight.fill(0.0);
    one.weight[0] = 1.0;
    let plan = one.plan(&Options { limits: Limits::CPU, ..Options::new("train", 1) });
    let mut session = one.step(&Device::cpu(), &plan);
    assert_eq!(read(&mut session, "layers.1.running_var"), [1.0; 9]);
    assert!(read(&mut session, "layers.1.running_mean").iter().any(|m| *m != 0.0));
    assert!(read(&mut session, "layers.1.weight").iter().all(|w| w.is_finite()));
}

/// The Trainer carries running statistics from training to use, and saves them.
#[test]
fn the_trainer_predicts_by_running_statistics_and_saves_them() {
    let build = || {
        let builder = Trainer::builder(5).dense(7, Activation::Tanh).layer_norm(Activation::Identity);
        let builder =
            builder.dense(6, Activation::Identity).batch_norm(Activation::Relu).dense(3, Activation::Identity);
        builder.loss(Loss::cross_entropy()).optimizer(ADAMW).batch_size(4).device(Choice::Cpu).build().unwrap()
    };
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let classes: Vec<u32> = numbers(&fixture["classes"]).iter().map(|c| *c as u32).collect();
    let data = Dataset::classes(&numbers(&fixture["x"]), 5, &classes);
    let mut trainer = build();
    let untrained = trainer.predict(&data.x).unwrap();
    trainer.fit(&data, 20).unwrap();
    let trained = trainer.predict(&data.x).unwrap();
    assert_ne!(untrained, trained);
    // One row alone: the batch's own statistics would make it 0 everywhere before the bias.
    let one = trainer.predict(&data.x[..5]).unwrap();
    // A product of another number of rows may round in another order.
    assert!(one.iter().zip(&trained).all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + b.abs())), "{one:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    trainer.save(&path).unwrap();
    let mut other = build();
    other.load(&path).unwrap();
    assert_eq!(other.predict(&data.x).unwrap(), trained);
    let names: Vec<String> = trainer.parameters().unwrap().iter().map(|p| p.name.clone()).collect();
    assert!(names.contains(&"layers.3.running_mean".into()) && names.contains(&"layers.3.running_var".into()));
}

#[test]
fn neither_decay_nor_whole_programs_touch_normalising_layers() {
    let problem = Problem { optimizer: ADAMW, ..problem(5) };
    let samples = Samples { name: "train", rows: 11, batch: 8 };
    let graph = problem.network.train_graph(samples, ADAMW).unwrap();
    let plan = lower(&graph, &Options { whole: true, ..Options::new("train", 4) }).unwrap();
    assert!(plan.whole.is_none());
    let offset = |name: &str| plan.buffer(name).unwrap().range.offset;
    let decayed = ["layers.0.weight", "layers.2.weight", "layers.4.weight"].map(offset).into_iter().max().unwrap();
    for name in ["layers.1.weight", "layers.1.bias", "layers.3.weight", "layers.3.bias"] {
        assert!(offset(name) > decayed, "{name} lies among the decayed parameters");
    }
}

/// What works on rows is cut into blocks; what works on columns is refused with the batch size as remedy.
#[test]
fn a_layer_norm_in_blocks_lies_within_the_bounds_of_one_in_a_piece() {
    let with = |layer| {
        let mut net = network(&[8, 64, 4], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
        net.layers.insert(1, layer);
        Problem::new(net, SGD, 101, 96, 9)
    };
    let options = Options { fuse: false, limits: Limits::CPU, ..Options::new("train", 1) };
    let small = Options {
        limits: Limits { max_storage_buffer_binding_size_bytes: 4 * 64 * 65, ..Limits::CPU },
        ..options.clone()
    };
    let problem = with(Layer::same_width(64, LayerNorm, Activation::Identity));
    let (one, many) = (problem.plan(&options), problem.plan(&small));
    let count =
        |plan: &wgrad::plan::Plan| plan.dispatches.iter().filter(|d| d.kernel == Kernel::layer_norm_grad).count();
    assert_eq!((count(&one), count(&many)), (1, 2));
    let pred = |plan: &wgrad::plan::Plan| plan.dispatches.iter().filter(|d| d.kernel == Kernel::layer_norm).count();
    assert_eq!((pred(&one), pred(&many)), (1, 2));
    let judge = problem.judge(&one);
    for plan in [&one, &many] {
        let mut session = problem.step(&Device::cpu(), plan);
        for name in ["loss", "grad.layers.1.weight", "grad.layers.0.weight"] {
            let (found, judged) = (read(&mut session, name), judge.read(name).unwrap());
            let good = found.iter().zip(&judged.value).zip(&judged.error).all(|((f, v), e)| (f - v).abs() <= *e);
            assert!(good, "{name}: {found:?}");
        }
    }
    let samples = Samples { name: "train", rows: 101, batch: 96 };
    let problem = with(Layer::same_width(64, BatchNorm, Activation::Identity));
    let graph = problem.network.gradient_graph(samples, Mode::Train).unwrap();
    let refused = lower(&graph, &small).unwrap_err().to_string();
    assert!(refused.contains("layers.1") && refused.contains("batch_size"), "{refused}");
}

#[test]
fn parameters_start_as_pytorchs() {
    let start = initial_parameters(&normalising().layers, 1);
    let of = |name: &str| start.iter().find(|t| t.name == name).unwrap().values.clone();
    for (name, value) in [
        ("layers.1.weight", 1.0),
        ("layers.1.bias", 0.0),
        ("layers.3.weight", 1.0),
        ("layers.3.bias", 0.0),
        ("layers.3.running_mean", 0.0),
        ("layers.3.running_var", 1.0),
    ] {
        assert!(of(name).iter().all(|v| *v == value), "{name}");
    }
}
