//! The crate's gradients against finite differences in f64: every activation with every loss, every operation inside a
//! network; and, as controls, wrong gradients, which must be flagged.

use std::collections::BTreeSet;
use wgrad::data::Dataset;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss, Op};
use wgrad::model::init::initial_parameters;
use wgrad::nn::{BatchNorm, Dropout, GroupNorm, Layer, LayerNorm, Mode, Network, Samples, Tensor};
use wgrad::testing::data::rng::Philox;
use wgrad::train::{Engine, Roles};
use wgrad::verify::gradcheck::{Question, Verdict, analytic, gradcheck, report};

const ROWS: usize = 7;
/// A network's bounds stay below this share of its largest gradient, so that the controls' 1e-4 cannot hide.
const SHARP: f64 = 1e-6;

/// A network with parameters and a batch.
struct Case {
    network: Network,
    parameters: Vec<Tensor>,
    batch: Dataset,
}

impl Case {
    /// `layers`: outputs, activation, bias.
    fn new(inputs: usize, layers: &[(usize, Activation, bool)], loss: Loss, seed: u64) -> Case {
        let mut width = inputs;
        let shape = |&(outputs, activation, bias): &(usize, Activation, bool)| {
            Layer::dense(std::mem::replace(&mut width, outputs), outputs, activation, bias)
        };
        Case::of(Network { layers: layers.iter().map(shape).collect(), loss }, seed)
    }

    fn of(network: Network, seed: u64) -> Case {
        let (inputs, loss) = (network.inputs(), network.loss);
        let mut rng = Philox::new(seed, 1 << 40);
        let mut draw = |low: f64, high: f64| low + (high - low) * rng.next_f64();
        let mut parameters = initial_parameters(&network.layers, seed);
        for bias in parameters.iter_mut().filter(|p| p.shape.len() == 1) {
            // The weight of a normalising layer starts at 1.
            let start = if bias.name.ends_with("weight") { 1.0 } else { 0.0 };
            bias.values.iter_mut().for_each(|b| *b = start + draw(-0.5, 0.5));
        }
        let x: Vec<f64> = (0..ROWS * inputs).map(|_| draw(-1.5, 1.5)).collect();
        let outputs = network.outputs();
        let batch = if loss.takes_class() {
            let classes: Vec<u32> = (0..ROWS).map(|_| draw(0.0, outputs as f64) as u32).collect();
            Dataset::classes(&x, inputs, &classes)
        } else {
            let target = |_| match loss {
                Loss::BinaryCrossEntropy | Loss::BceWithLogits => draw(0.0, 1.0),
                Loss::Hinge => draw(-1.0, 1.0).signum(),
                _ => draw(-2.0, 2.0),
            };
            Dataset::numbers(&x, inputs, &(0..ROWS * outputs).map(target).collect::<Vec<f64>>(), outputs)
        };
        Case { network, parameters, batch }
    }

    fn question(&self) -> Question<'_> {
        Question { network: &self.network, parameters: &self.parameters, batch: &self.batch, samples: 10_000, seed: 1 }
    }

    fn gradients(&self) -> Vec<Tensor> {
        pollster::block_on(analytic(&self.question())).unwrap()
    }

    fn check(&self, gradients: &[Tensor]) -> Verdict {
        pollster::block_on(gradcheck(&self.question(), gradients)).unwrap()
    }

    /// The crate's own gradient passes, nearly everything was checked, and sharply.
    fn passes(&self, what: &str) -> Verdict {
        let verdict = self.check(&self.gradients());
        assert!(verdict.passed, "{what}\n{}", report::text(&verdict));
        for t in &verdict.tensors {
            assert_eq!(t.checked + t.kinks + t.unresolved, t.size, "{what}: every element is accounted for");
            assert_eq!(t.unresolved, 0, "{what}\n{}", report::text(&verdict));
            assert!(t.largest_bound <= SHARP * verdict.largest_gradient, "{what}\n{}", report::text(&verdict));
        }
        let kinks: usize = verdict.tensors.iter().map(|t| t.kinks).sum();
        let size: usize = verdict.tensors.iter().map(|t| t.size).sum();
        assert!(kinks * 20 <= size, "{what}: {kinks} of {size} at kinks\n{}", report::text(&verdict));
        verdict
    }
}

fn activations() -> Vec<Activation> {
    let named = Activation::NAMES.iter().map(|name| Activation::by_name(name).unwrap());
    named.chain([Activation::LeakyRelu { slope: 0.3 }]).collect()
}

fn losses() -> Vec<Loss> {
    let named = Loss::NAMES.iter().map(|name| Loss::by_name(name).unwrap());
    named.chain([Loss::Huber { delta: 0.4 }, Loss::Quantile { q: 0.9 }]).collect()
}

/// What a loss can follow: probabilities only for the one that takes them.
fn fits(loss: Loss, last: Activation) -> bool {
    loss != Loss::BinaryCrossEntropy || matches!(last, Activation::Sigmoid | Activation::Softmax)
}

/// Each activation twice inside the network, so that what reaches it from above is no unit gradient, and each loss above.
#[test]
fn every_activation_inside_a_network_under_every_loss() {
    for (i, activation) in activations().into_iter().enumerate() {
        for (k, loss) in losses().into_iter().enumerate() {
            let last = if fits(loss, Activation::Identity) { Activation::Identity } else { Activation::Sigmoid };
            let layers = [(5, activation, true), (4, activation, true), (3, last, true)];
            Case::new(4, &layers, loss, (100 * i + k) as u64).passes(&format!("{activation:?} under {loss:?}"));
        }
    }
}

/// Each activation as the last layer, directly under each loss.
#[test]
fn every_activation_under_every_loss() {
    for (i, activation) in activations().into_iter().enumerate() {
        for (k, loss) in losses().into_iter().enumerate().filter(|(_, loss)| fits(*loss, activation)) {
            let layers = [(4, Activation::Tanh, true), (3, activation, true)];
            Case::new(3, &layers, loss, (7000 + 100 * i + k) as u64).passes(&format!("{loss:?} on {activation:?}"));
        }
    }
}

/// Layers without a bias, single numbers, one row of a matrix, a deep network with each activation once.
#[test]
fn shapes_at_the_edge_and_a_deep_network() {
    let tanh = Activation::Tanh;
    Case::new(1, &[(1, tanh, true)], Loss::Mse, 1).passes("1 -> 1");
    Case::new(1, &[(1, tanh, false), (1, tanh, false)], Loss::HalfSquaredError, 2).passes("1 -> 1 -> 1, no bias");
    Case::new(9, &[(1, tanh, false), (6, tanh, true), (2, Activation::Identity, false)], Loss::cross_entropy(), 3)
        .passes("9 -> 1 -> 6 -> 2, no bias");
    Case::new(65, &[(33, Activation::Gelu, true), (31, Activation::Identity, true)], Loss::cross_entropy(), 4)
        .passes("65 -> 33 -> 31");
    let deep: Vec<_> =
        activations().into_iter().map(|a| (6, a, true)).chain([(3, Activation::Identity, true)]).collect();
    // A softmax in the middle squeezes the gradients of everything before it, so that less is resolved.
    let case = Case::new(4, &deep, Loss::cross_entropy(), 5);
    let verdict = case.check(&case.gradients());
    assert!(verdict.passed, "{}", report::text(&verdict));
}

/// Operations without a case of their own here, with the reason.
const WITHOUT_CASE: &[&str] = &[
    // Not differentiable by their operands (indices, tables), or past the gradient.
    "Gather",
    "Concat",
    "SquareSum",
    "ClipNorm",
    "ClipValue",
    "Update",
    // Joins two uses of a value; layers in a row use each value once (`tests/cpu/graph.rs` has its case).
    "Add",
    // What rewrites make of the others (`tests/cpu/fusion.rs`).
    "Dense",
    "InputGrad",
    "WeightGrad",
    "LossPair",
    "ClassifierHead",
];

/// The types in `src/ops` that implement the trait.
fn operations() -> BTreeSet<String> {
    let files = std::fs::read_dir("src/ops").unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<String> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let name = |line: &str| Some(line.strip_prefix("impl Operation for ")?.trim_end_matches(" {").to_string());
    texts.iter().flat_map(|text| text.lines().filter_map(name)).collect()
}

/// The cases above meet every operation that a network's gradient is made of: one that is added and that no case meets makes
/// the sets differ.
#[test]
fn every_operation_has_its_case() {
    let case = every_kind();
    let graph = case.network.gradient_graph(Samples { name: "grad", rows: ROWS, batch: ROWS }, Mode::Train).unwrap();
    let type_of = |op: &Op| match op {
        Op::Source(_) => None,
        Op::Apply(operation) => format!("{operation:?}").split(|c: char| !c.is_alphanumeric()).next().map(String::from),
    };
    let met: BTreeSet<String> = graph.nodes.iter().filter_map(|n| type_of(&n.op)).collect();
    let excused = WITHOUT_CASE.iter().map(|name| name.to_string());
    let expected: BTreeSet<String> =
        operations().into_iter().filter(|name| met.contains(name)).chain(excused).collect();
    assert!(met.len() > 10, "{met:?}");
    assert_eq!(expected, operations(), "operations without a case");
}

/// Every kind of layer, twice where it has a gradient for what comes before it.
fn every_kind() -> Case {
    let layers = vec![
        Layer::dense(3, 8, Activation::Tanh, true),
        Layer::same_width(8, Dropout { p: 0.4 }, Activation::Identity),
        Layer::dense(8, 8, Activation::Identity, true),
        Layer::same_width(8, LayerNorm, Activation::Silu),
        Layer::dense(8, 8, Activation::Identity, true),
        Layer::same_width(8, BatchNorm, Activation::Tanh),
        Layer::same_width(8, Dropout { p: 0.2 }, Activation::Gelu),
        Layer::dense(8, 3, Activation::Softmax, true),
    ];
    Case::of(Network { layers, loss: Loss::Mse }, 1)
}

#[test]
fn every_kind_of_layer() {
    every_kind().passes("every kind of layer");
    let layers = vec![
        Layer::dense(3, 8, Activation::Tanh, true),
        Layer::same_width(8, GroupNorm::new(2), Activation::Silu),
        Layer::dense(8, 6, Activation::Identity, true),
        Layer::same_width(6, GroupNorm { groups: 2, affine: false }, Activation::Tanh),
        Layer::dense(6, 3, Activation::Softmax, true),
    ];
    Case::of(Network { layers, loss: Loss::Mse }, 1).passes("group norm");
}

/// Control: the gradient of the network as it is used, without masks, is not that of a training step.
#[test]
fn a_gradient_without_masks_is_flagged() {
    let case = every_kind();
    let roles = Roles { gradients: Some(ROWS), gradient_mode: Mode::Evaluate, ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(&Device::cpu_f64(), &case.network, roles)).unwrap();
    engine.write_parameters(&case.parameters).unwrap();
    let (_, wrong) = pollster::block_on(engine.gradients(&case.batch)).unwrap();
    must_fail(&case, "no mask", "layers.0.weight", &wrong);
}

/// A case whose first weight is square, so that its transpose has the right shape.
fn control() -> Case {
    let layers = [(4, Activation::Tanh, true), (3, Activation::Softmax, true), (2, Activation::Identity, true)];
    Case::new(4, &layers, Loss::HalfSquaredError, 11)
}

#[track_caller]
fn must_fail(case: &Case, what: &str, tensor: &str, wrong: &[Tensor]) {
    let verdict = case.check(wrong);
    assert!(!verdict.passed, "{what} was not flagged\n{}", report::text(&verdict));
    let failed: Vec<&str> =
        verdict.tensors.iter().filter(|t| !t.passed()).map(|t| t.comparison.name.as_str()).collect();
    assert!(failed.contains(&tensor), "{what}: {failed:?} were flagged instead of {tensor}");
    assert!(report::text(&verdict).contains("FAILED"), "{what}");
}

/// Control: in each tensor, each element in turn has its sign flipped, is off by 1e-4 of its value, or is missing.
#[test]
fn one_wrong_element_is_flagged() {
    let case = control();
    let right = case.gradients();
    case.passes("the control's own gradient");
    for t in 0..right.len() {
        for e in 0..right[t].values.len() {
            let value = right[t].values[e];
            for (what, wrong_value) in
                [("sign", -value), ("scale", value * (1.0 + 1e-4)), ("scale", value * (1.0 - 1e-4)), ("missing", 0.0)]
            {
                let mut wrong = right.clone();
                wrong[t].values[e] = wrong_value;
                must_fail(&case, &format!("{what} of {}[{e}] = {value:e}", right[t].name), &right[t].name, &wrong);
            }
        }
    }
}

/// Control: the mistakes that derivations make.
#[test]
fn wrong_terms_are_flagged() {
    let case = control();
    let right = case.gradients();
    let edited = |tensor: &str, edit: &dyn Fn(&mut Tensor)| {
        let mut wrong = right.clone();
        wrong.iter_mut().filter(|t| t.name == tensor).for_each(edit);
        wrong
    };
    must_fail(&case, "a dropped bias", "layers.1.bias", &edited("layers.1.bias", &|t| t.values.fill(0.0)));
    let transpose = |t: &mut Tensor| {
        let n = t.shape[0];
        t.values = (0..n * n).map(|i| t.values[i % n * n + i / n]).collect();
    };
    must_fail(&case, "a transposed weight", "layers.0.weight", &edited("layers.0.weight", &transpose));
    let per_sample = |t: &mut Tensor| t.values.iter_mut().for_each(|g| *g *= ROWS as f64);
    must_fail(&case, "a sum for a mean", "layers.2.bias", &edited("layers.2.bias", &per_sample));
    let reshape = |t: &mut Tensor| t.shape.swap(0, 1);
    must_fail(&case, "a wrong shape", "layers.1.weight", &edited("layers.1.weight", &reshape));
    must_fail(
        &case,
        "a wrong size",
        "layers.1.weight",
        &edited("layers.1.weight", &|t| {
            t.values.pop();
        }),
    );
    let missing: Vec<Tensor> = right.iter().filter(|t| t.name != "layers.2.weight").cloned().collect();
    must_fail(&case, "a missing tensor", "layers.2.weight", &missing);

    // The gradient of another network: without the last hidden activation's derivative, of another loss, of half the batch.
    let mut other = control();
    other.network.layers[1].activation = Activation::Sigmoid;
    must_fail(&case, "another derivative", "layers.0.weight", &other.gradients());
    let mut other = control();
    other.network.loss = Loss::Mse;
    // Two outputs: mse is (y - t)^2 halved by the mean, the same loss; the check must see that as well.
    assert!(case.check(&other.gradients()).passed);
    other.network.loss = Loss::Huber { delta: 0.2 };
    must_fail(&case, "another loss", "layers.2.weight", &other.gradients());
    let mut other = control();
    other.batch = other.batch.subset(&[0, 1, 2]);
    must_fail(&case, "a part of the batch", "layers.2.weight", &other.gradients());
}

/// Control: what is not drawn is still looked at for finiteness; what is drawn depends on the seed alone.
#[test]
fn sampling_is_seeded_and_leaves_no_place_for_nan() {
    let case = control();
    let right = case.gradients();
    let question = Question { samples: 3, ..case.question() };
    let run = |q: &Question<'_>, g: &[Tensor]| pollster::block_on(gradcheck(q, g)).unwrap();
    let verdict = run(&question, &right);
    assert!(verdict.passed && verdict == run(&question, &right));
    assert_eq!(verdict.tensors.iter().map(|t| t.sampled).collect::<Vec<_>>(), [3, 3, 3, 3, 3, 2]);
    assert!(report::text(&verdict).contains("3 of 16"), "{}", report::text(&verdict));
    for e in 0..16 {
        let mut wrong = right.clone();
        wrong[0].values[e] = f64::NAN;
        assert!(!run(&question, &wrong).passed, "NaN at {e}");
    }
    // One wrong element of 16 is found by those seeds that draw it: by some, not by all.
    let mut wrong = right.clone();
    wrong[0].values[5] += 0.1;
    let found = (0..40).filter(|&seed| !run(&Question { seed, ..question }, &wrong).passed).count();
    assert!((1..40).contains(&found), "{found} of 40 seeds drew the element");
}

/// At a kink nothing is compared, it is counted, and a tensor with nothing else has not passed.
#[test]
fn kinks_are_left_out_and_counted() {
    let layers = vec![Layer::dense(2, 2, Activation::Relu, true)];
    let network = Network { layers, loss: Loss::HalfSquaredError };
    let tensor = |name: &str, shape: &[usize], values: &[f64]| Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        values: values.to_vec(),
    };
    // The first output's pre-activation is exactly 0, the second's is 1.5.
    let parameters =
        vec![tensor("layers.0.weight", &[2, 2], &[1.0, -1.0, 0.5, 0.5]), tensor("layers.0.bias", &[2], &[0.0, 0.5])];
    let batch = Dataset::numbers(&[1.0, 1.0], 2, &[0.3, 0.7], 2);
    let case = Case { network, parameters, batch };
    let verdict = case.check(&case.gradients());
    assert!(verdict.passed, "{}", report::text(&verdict));
    assert_eq!(verdict.tensors.iter().map(|t| (t.checked, t.kinks)).collect::<Vec<_>>(), [(2, 2), (1, 1)]);

    let mut only_kinks = case;
    only_kinks.parameters[0].values = vec![1.0, -1.0, -1.0, 1.0];
    only_kinks.parameters[1].values = vec![0.0, 0.0];
    let verdict = only_kinks.check(&only_kinks.gradients());
    assert!(!verdict.passed && verdict.tensors.iter().all(|t| t.checked == 0));
    assert!(report::text(&verdict).contains("none of 4 elements could be checked"), "{}", report::text(&verdict));
}

/// Each loss's own kink: predictions exactly on it are left out, beside it they are checked.
#[test]
fn the_kinks_of_losses_are_left_out() {
    for (loss, target, on, beside) in [
        (Loss::Mae, 0.5, 0.5, 0.75),
        (Loss::Hinge, 1.0, 1.0, 0.5),
        (Loss::Huber { delta: 0.25 }, 0.5, 0.75, 0.625),
        (Loss::Quantile { q: 0.25 }, 0.5, 0.5, 0.75),
    ] {
        for (prediction, kinks) in [(on, 1), (beside, 0)] {
            let layers = vec![Layer::dense(1, 1, Activation::Identity, true)];
            let tensor = |name: &str, shape: &[usize], value: f64| Tensor {
                name: name.into(),
                shape: shape.to_vec(),
                values: vec![value],
            };
            let case = Case {
                network: Network { layers, loss },
                parameters: vec![tensor("layers.0.weight", &[1, 1], prediction), tensor("layers.0.bias", &[1], 0.0)],
                batch: Dataset::numbers(&[1.0], 1, &[target], 1),
            };
            let verdict = case.check(&case.gradients());
            let found: Vec<usize> = verdict.tensors.iter().map(|t| t.kinks).collect();
            assert_eq!(found, [kinks, kinks], "{loss:?} at {prediction}\n{}", report::text(&verdict));
            assert_eq!(verdict.passed, kinks == 0);
        }
    }
}

/// A loss that is no number is said to be one, not differentiated.
#[test]
fn a_loss_that_is_no_number_is_an_error() {
    let mut case = control();
    case.batch.x[0] = f64::NAN;
    let error = pollster::block_on(gradcheck(&case.question(), &case.gradients())).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
}
