//! Dropout: its mask, its gradient against plain loops, and that nothing but seed, step, layer and place decides a mask.

use crate::support;

use support::problem::{ADAMW, Problem, network, read};
use wgrad::compare::Comparison;
use wgrad::data::Dataset;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Graph, Loss, Optimizer};
use wgrad::kernels::dropout::threshold_scale;
use wgrad::kernels::philox::philox4x32;
use wgrad::kernels::{Args, Call, In, Kernel, Out, Param};
use wgrad::model::init::initial_parameters;
use wgrad::nn::{Dropout, Layer, Mode, Network, Samples, Tensor};
use wgrad::plan::{Limits, Options};
use wgrad::testing::data::rng::Philox;
use wgrad::train::{Engine, Roles, Trainer};
use wgrad::verify::{Observed, Question, verify, verify_altered};

/// y for x = 1 everywhere: the scale where an element is kept.
fn mask(n: usize, first: u32, layer: u32, p: f64, random: [u32; 4]) -> Vec<f64> {
    let (threshold, scale) = threshold_scale(p);
    let params = vec![Param::U(n as u32), Param::U(first), Param::U(layer), Param::U(threshold), Param::F(scale)];
    let args = Args { params, constants: vec![] };
    let (x, mut y) = (vec![1.0; n], vec![f64::NAN; n]);
    let inputs = [In::U(&[0]), In::U(&random), In::F(&x)];
    (Kernel::dropout.cpu_f64)(&mut Call { args: &args, inputs: &inputs, outputs: &mut [Out::F(&mut y)] });
    y
}

#[test]
fn a_mask_drops_its_share_and_scales_the_rest() {
    let n = 100_003;
    for p in [0.0, 0.1, 0.5, 0.9] {
        let y = mask(n, 0, 3, p, [5, 1 << 31, 9, 0]);
        assert!(y.iter().all(|&v| v == 0.0 || v == 1.0 / (1.0 - p)), "p = {p}");
        let dropped = y.iter().filter(|v| **v == 0.0).count() as f64;
        // Binomial: five standard deviations are a chance of 6e-7.
        let n = n as f64;
        assert!((dropped - p * n).abs() <= 5.0 * (n * p * (1.0 - p)).sqrt(), "p = {p}: {dropped} of {n}");
    }
}

#[test]
fn seed_step_layer_and_place_decide_a_mask_and_nothing_else() {
    let of = |layer, random| mask(400, 0, layer, 0.5, random);
    let one = of(0, [7, 1 << 31, 1, 2]);
    assert_eq!(one, of(0, [7, 1 << 31, 1, 2]));
    for (what, other) in [
        ("layer", of(1, [7, 1 << 31, 1, 2])),
        ("step", of(0, [8, 1 << 31, 1, 2])),
        ("step above 2^32", of(0, [7, 1 << 31 | 1, 1, 2])),
        ("seed", of(0, [7, 1 << 31, 2, 2])),
        ("upper seed", of(0, [7, 1 << 31, 1, 3])),
    ] {
        assert_ne!(one, other, "another {what}");
    }
    assert_eq!(one[64..], mask(336, 64, 0, 0.5, [7, 1 << 31, 1, 2]), "a block of the tensor");
    assert_eq!(one[..150], mask(150, 0, 0, 0.5, [7, 1 << 31, 1, 2]), "a shorter batch");
}

#[test]
fn only_a_training_graph_has_dropout() {
    let network = dropping();
    let samples = Samples { name: "train", rows: 9, batch: 4 };
    let count = |g: Graph| g.nodes.iter().filter(|n| n.op.is::<wgrad::ops::Dropout>().is_some()).count();
    assert_eq!(count(network.predict_graph(samples).unwrap()), 0);
    assert_eq!(count(network.evaluate_graph(samples).unwrap()), 0);
    assert_eq!(count(network.gradient_graph(samples, Mode::Evaluate).unwrap()), 0);
    // Two layers, forward and backward.
    assert_eq!(count(network.train_graph(samples, ADAMW).unwrap()), 4);
}

/// 6 -> 10 tanh, dropout 0.4, 10 -> 8, dropout 0.25 and relu, 8 -> 3.
fn dropping() -> Network {
    let layers = vec![
        Layer::dense(6, 10, Activation::Tanh, true),
        Layer::same_width(10, Dropout { p: 0.4 }, Activation::Identity),
        Layer::dense(10, 8, Activation::Identity, true),
        Layer::same_width(8, Dropout { p: 0.25 }, Activation::Relu),
        Layer::dense(8, 3, Activation::Identity, true),
    ];
    Network { layers, loss: Loss::Mse }
}

fn numbers(count: usize, stream: u64) -> Vec<f64> {
    let mut rng = Philox::new(17, stream);
    (0..count).map(|_| f64::from((2.0 * rng.next_f64() - 1.0) as f32)).collect()
}

fn data(rows: usize) -> Dataset {
    Dataset::numbers(&numbers(rows * 6, 1), 6, &numbers(rows * 3, 2), 3)
}

fn value<'a>(tensors: &'a [Tensor], name: &str) -> &'a [f64] {
    &tensors.iter().find(|t| t.name == name).unwrap().values
}

/// Whether the first step of `seed` keeps the element: from the definition, not from the kernel.
fn kept(seed: u64, layer: u32, element: usize, p: f64) -> bool {
    let counter = [element as u32 / 4, layer, 0, 1 << 31];
    let word = philox4x32(counter, [seed as u32, (seed >> 32) as u32])[element % 4];
    f64::from(word) >= p * 32_f64.exp2()
}

/// One sample after the other through the thinned network, and back.
#[test]
fn the_gradient_is_that_of_the_thinned_network() {
    let (network, seed, rows) = (dropping(), 0x0123_4567_89ab_cdef, 7);
    let (parameters, batch) = (initial_parameters(&network.layers, 4), data(rows));
    let roles = Roles { gradients: Some(rows), gradient_mode: Mode::Train, seed, ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(&Device::cpu_f64(), &network, roles)).unwrap();
    engine.write_parameters(&parameters).unwrap();
    let (loss, found) = pollster::block_on(engine.gradients(&batch)).unwrap();
    let wgrad::data::Targets::Numbers { values: targets, .. } = &batch.targets else { unreachable!() };
    let dense = |layer: usize, x: &[f64]| -> Vec<f64> {
        let (w, b) = (
            value(&parameters, &format!("layers.{layer}.weight")),
            value(&parameters, &format!("layers.{layer}.bias")),
        );
        let of = |j: usize| b[j] + x.iter().enumerate().map(|(k, x)| w[j * x_len(w, b) + k] * x).sum::<f64>();
        (0..b.len()).map(of).collect()
    };
    fn x_len(w: &[f64], b: &[f64]) -> usize {
        w.len() / b.len()
    }
    let (mut expected_loss, mut w0, mut w2) = (0.0, vec![0.0; 60], vec![0.0; 80]);
    for r in 0..rows {
        let x = &batch.x[r * 6..][..6];
        let factor = |layer: u32, width: usize, j: usize, p: f64| {
            if kept(seed, layer, r * width + j, p) { 1.0 / (1.0 - p) } else { 0.0 }
        };
        let h: Vec<f64> = dense(0, x).iter().map(|z| z.tanh()).collect();
        let hd: Vec<f64> = h.iter().enumerate().map(|(j, h)| h * factor(1, 10, j, 0.4)).collect();
        let z: Vec<f64> = dense(2, &hd).iter().enumerate().map(|(j, z)| z * factor(3, 8, j, 0.25)).collect();
        let y = dense(4, &z.iter().map(|z| z.max(0.0)).collect::<Vec<_>>());
        let dy: Vec<f64> = (0..3).map(|j| 2.0 / 3.0 * (y[j] - targets[r * 3 + j]) / rows as f64).collect();
        expected_loss += (0..3).map(|j| (y[j] - targets[r * 3 + j]).powi(2)).sum::<f64>() / 3.0 / rows as f64;
        let w = value(&parameters, "layers.4.weight");
        let dz: Vec<f64> = (0..8)
            .map(|k| (0..3).map(|j| dy[j] * w[j * 8 + k]).sum::<f64>() * f64::from(z[k] > 0.0) * factor(3, 8, k, 0.25))
            .collect();
        (0..80).for_each(|i| w2[i] += dz[i / 10] * hd[i % 10]);
        let w = value(&parameters, "layers.2.weight");
        let dh = |k: usize| (0..8).map(|j| dz[j] * w[j * 10 + k]).sum::<f64>() * factor(1, 10, k, 0.4);
        let da: Vec<f64> = (0..10).map(|k| dh(k) * (1.0 - h[k] * h[k])).collect();
        (0..60).for_each(|i| w0[i] += da[i / 6] * x[i % 6]);
    }
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-13 * (1.0 + b.abs());
    assert!(close(loss, expected_loss), "{loss}, {expected_loss}");
    for (name, expected) in [("layers.0.weight", w0), ("layers.2.weight", w2)] {
        let found = value(&found, name);
        assert!(found.iter().zip(&expected).all(|(f, e)| close(*f, *e)), "{name}: {found:?}, {expected:?}");
    }
}

/// Losses and parameters after the steps `pieces`, each piece by an engine of its own that takes over from the one before.
fn trained(limits: Limits, seed: u64, pieces: &[usize]) -> (Vec<f64>, Vec<Tensor>) {
    let (network, data, batch) = (dropping(), data(50), 8);
    let roles = Roles { train: Some((50, batch, Optimizer::sgd(0.1).into())), seed, ..Roles::default() };
    let mut parameters = initial_parameters(&network.layers, 4);
    let order: Vec<u32> = (0..50).collect();
    let (mut losses, mut done) = (Vec::new(), 0);
    for piece in pieces {
        let mut engine = pollster::block_on(Engine::open_within(&Device::cpu(), limits, &network, roles)).unwrap();
        engine.write_parameters(&parameters).unwrap();
        engine.set_training_data(&data).unwrap();
        let rows = &order[done * batch..((done + piece) * batch).min(50)];
        let mut sink = |l: &[f64]| {
            losses.extend(l);
            Flow::Continue
        };
        assert_eq!(pollster::block_on(engine.train(rows, done as u64, &mut sink)).unwrap(), *piece);
        done += piece;
        parameters = pollster::block_on(engine.read_parameters()).unwrap();
    }
    (losses, parameters)
}

#[test]
fn going_on_within_an_epoch_and_streaming_change_no_bit() {
    let whole = trained(Limits::CPU, 1, &[7]);
    assert_eq!(whole, trained(Limits::CPU, 1, &[3, 1, 3]), "gone on after steps 3 and 4");
    // Room for 16 of the 50 rows of 6 numbers.
    let small = Limits { max_storage_buffer_binding_size_bytes: 4 * 6 * 18, ..Limits::CPU };
    assert_eq!(whole, trained(small, 1, &[7]), "streamed");
    assert_ne!(whole.0, trained(Limits::CPU, 2, &[7]).0, "another seed has other masks");
}

#[test]
fn a_layer_in_blocks_has_the_mask_of_one_in_a_piece() {
    let mut net = network(&[8, 64, 4], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    net.layers.insert(1, Layer::same_width(64, Dropout { p: 0.3 }, Activation::Identity));
    let problem = Problem::new(net, ADAMW, 101, 96, 9);
    let options = Options { fuse: false, limits: Limits::CPU, ..Options::new("train", 2) };
    let small = Limits { max_storage_buffer_binding_size_bytes: 4 * 64 * 65, ..Limits::CPU };
    let (one, many) = (problem.plan(&options), problem.plan(&Options { limits: small, ..options.clone() }));
    let count = |plan: &wgrad::plan::Plan| plan.dispatches.iter().filter(|d| d.kernel == Kernel::dropout).count();
    assert_eq!((count(&one), count(&many)), (2, 4));
    let judge = problem.judge(&one);
    for plan in [&one, &many] {
        let mut session = problem.step(&Device::cpu(), plan);
        for name in ["loss", "grad.layers.2.weight", "grad.layers.0.weight"] {
            let (found, judged) = (read(&mut session, name), judge.read(name).unwrap());
            let good = found.iter().zip(&judged.value).zip(&judged.error).all(|((f, v), e)| (f - v).abs() <= *e);
            assert!(good, "{name}: {found:?}");
        }
    }
}

fn question<'a>(network: &'a Network, parameters: &'a [Tensor], data: &'a Dataset) -> Question<'a> {
    Question {
        network,
        rule: ADAMW.into(),
        parameters,
        data: data.into(),
        batch_size: 8,
        seed: 6,
        steps: 3,
        slack: 1.0,
        unfused: false,
        switches: Default::default(),
    }
}

/// Verification knows the mask: an element that comes to life, and one that is dropped by mistake, are flagged.
#[test]
fn verification_holds_the_mask_to_the_bit() {
    let (network, data) = (dropping(), data(20));
    let parameters = initial_parameters(&network.layers, 4);
    let question = question(&network, &parameters, &data);
    assert!(pollster::block_on(verify(&question, &Device::cpu())).unwrap().passed);
    for wanted_zero in [true, false] {
        let mut tampered = String::new();
        let mut alter = |observed: Observed<'_>| {
            let dispatch = observed.plan.dispatches.iter().find(|d| d.kernel == Kernel::dropout).unwrap();
            let range = dispatch.bindings[3];
            let y = &mut observed.after[range.arena][range.offset..range.offset + range.len];
            let at = y.iter().position(|v| (*v == 0.0) == wanted_zero).unwrap();
            y[at] = if wanted_zero { 0.25 } else { 0.0 };
            tampered = observed.plan.buffers.iter().find(|b| b.range == range).unwrap().name.clone();
        };
        let verdict = pollster::block_on(verify_altered(&question, &Device::cpu(), &mut alter)).unwrap();
        let fault = |c: &Comparison| !c.passed;
        let (_, row) = verdict.first_fault().expect("a wrong mask passed");
        assert!(row.name == tampered && fault(&row.local), "{} instead of {tampered}", row.name);
    }
}

#[test]
fn the_trainer_drops_in_training_alone() {
    let build = |p: f64| {
        let builder = Trainer::builder(6).dense(10, Activation::Tanh).dropout(p).dense(3, Activation::Identity);
        builder.seed(3).device(wgrad::exec::Choice::Cpu).build()
    };
    let (mut none, mut half) = (build(0.0).unwrap(), build(0.5).unwrap());
    let data = data(8);
    assert_eq!(none.predict(&data.x).unwrap(), half.predict(&data.x).unwrap());
    assert_eq!(none.gradients(&data).unwrap(), half.gradients(&data).unwrap());
    assert_ne!(none.step(&data).unwrap(), half.step(&data).unwrap());
    for p in [1.0, -0.1, f64::NAN] {
        assert!(build(p).err().unwrap().to_string().contains("below 1"), "p = {p}");
    }
}
