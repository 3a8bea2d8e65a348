//! The worked examples of `tests/fixtures/worked_examples.json`: each is run on a device, and every number that its
//! source prints is compared with what came out.

use super::networks::Rng;
use super::oracle_scalar::sigmoid;
use serde_json::Value;
use wgrad::Trainer;
use wgrad::data::Dataset;
use wgrad::exec::{Choice, Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::{Layer, Network, Tensor};
use wgrad::train::{Engine, Roles};

/// The examples by name.
pub const NAMES: [&str; 5] = [
    "half_squared_error_at_1_7",
    "two_two_two_sigmoid",
    "three_four_one_bce",
    "output_weight_gradient_at_0_3716",
    "single_neuron_two_inputs",
];

/// Random neurons of the last example.
const NEURONS: usize = 1000;

/// What an example runs on.
pub enum Runner<'a> {
    /// The async core on an open device.
    Engine(&'a Device),
    /// The library's blocking interface.
    Trainer(Choice),
}

/// One example's comparisons.
pub struct Report {
    tolerance: f64,
    /// Printed numbers that were compared.
    pub checked: usize,
    /// Those that were off.
    pub faults: Vec<String>,
}

/// The file.
pub fn examples() -> Value {
    serde_json::from_str(include_str!("../fixtures/worked_examples.json")).expect("the fixture is JSON")
}

/// The example called `name`.
pub fn example<'a>(all: &'a Value, name: &str) -> &'a Value {
    let list = all["examples"].as_array().expect("a list of examples");
    list.iter().find(|e| e["name"] == name).unwrap_or_else(|| panic!("no example {name}"))
}

/// Every number in `value`, nested lists flattened.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::Object(entries) => entries.values().flat_map(numbers).collect(),
        Value::Number(n) => n.as_f64().into_iter().collect(),
        _ => Vec::new(),
    }
}

impl Report {
    fn compare(&mut self, what: &str, found: &[f64], printed: &Value) {
        let printed = numbers(printed);
        assert_eq!(found.len(), printed.len(), "{what}: found {found:?}, printed {printed:?}");
        for (i, (f, p)) in found.iter().zip(&printed).enumerate() {
            self.checked += 1;
            // A NaN is not within any tolerance.
            let within = (f - p).abs() <= self.tolerance;
            if !within {
                self.faults.push(format!("{what}[{i}]: found {f}, printed {p}, tolerance {}", self.tolerance));
            }
        }
    }
}

/// A network with its parameters on a device, for batches of one sample.
enum Bench {
    Engine { engine: Box<Engine>, steps: u64 },
    Trainer(Box<Trainer>),
}

impl Bench {
    fn open(runner: &Runner<'_>, network: &Network, parameters: &[Tensor], lr: f64) -> Bench {
        let optimizer = Optimizer::Sgd { lr, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
        match runner {
            Runner::Engine(device) => {
                let roles = Roles {
                    train: Some((1, 1, optimizer.into())),
                    predict: Some(1),
                    gradients: Some(1),
                    ..Roles::default()
                };
                let mut engine = pollster::block_on(Engine::open(device, network, roles)).expect("a valid network");
                engine.write_parameters(parameters).expect("parameters that fit");
                Bench::Engine { engine: Box::new(engine), steps: 0 }
            }
            Runner::Trainer(choice) => {
                let builder = Trainer::builder(network.inputs()).loss(network.loss).optimizer(optimizer);
                let builder = builder.layers(&network.layers).device(choice.clone());
                let mut trainer = builder.build().expect("a valid network");
                trainer.set_parameters(parameters.to_vec()).expect("parameters that fit");
                Bench::Trainer(Box::new(trainer))
            }
        }
    }

    fn set(&mut self, parameters: &[Tensor]) {
        match self {
            Bench::Engine { engine, .. } => engine.write_parameters(parameters),
            Bench::Trainer(trainer) => trainer.set_parameters(parameters.to_vec()),
        }
        .expect("parameters that fit");
    }

    fn predict(&mut self, x: &[f64]) -> Vec<f64> {
        match self {
            Bench::Engine { engine, .. } => pollster::block_on(engine.predict(&Dataset::features_only(x, x.len()))),
            Bench::Trainer(trainer) => trainer.predict(x),
        }
        .expect("a prediction")
    }

    fn gradients(&mut self, data: &Dataset) -> (f64, Vec<Tensor>) {
        match self {
            Bench::Engine { engine, .. } => pollster::block_on(engine.gradients(data)),
            Bench::Trainer(trainer) => trainer.gradients(data).map(|g| (g.loss, g.tensors)),
        }
        .expect("gradients")
    }

    fn step(&mut self, data: &Dataset) {
        match self {
            Bench::Engine { engine, steps } => {
                engine.set_training_data(data).expect("data that fit");
                let done = pollster::block_on(engine.train(&[0], *steps, &mut |_| Flow::Continue)).expect("a step");
                assert_eq!(done, 1);
                *steps += 1;
            }
            Bench::Trainer(trainer) => {
                trainer.step(data).expect("a step");
            }
        }
    }

    fn parameters(&mut self) -> Vec<Tensor> {
        match self {
            Bench::Engine { engine, .. } => pollster::block_on(engine.read_parameters()).expect("parameters"),
            Bench::Trainer(trainer) => trainer.parameters().expect("parameters").to_vec(),
        }
    }
}

/// The values of the tensor called `name`.
fn values<'a>(tensors: &'a [Tensor], name: &str) -> &'a [f64] {
    &tensors.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no tensor {name}")).values
}

/// Layers and parameters as the file states them.
fn network(example: &Value, loss: Loss) -> (Network, Vec<Tensor>) {
    let (mut layers, mut parameters) = (Vec::new(), Vec::new());
    for (i, layer) in example["layers"].as_array().expect("layers").iter().enumerate() {
        let (weight, bias) = (numbers(&layer["weights"]), numbers(&layer["bias"]));
        let activation = layer["activation"].as_str().and_then(Activation::by_name).expect("an activation");
        let (inputs, outputs) = (weight.len() / bias.len(), bias.len());
        layers.push(Layer::dense(inputs, outputs, activation, true));
        parameters.push(Tensor { name: format!("layers.{i}.weight"), shape: vec![outputs, inputs], values: weight });
        parameters.push(Tensor { name: format!("layers.{i}.bias"), shape: vec![outputs], values: bias });
    }
    (Network { layers, loss }, parameters)
}

/// The outputs of layer `depth`, or its pre-activations: the network cut off there.
fn at_layer(runner: &Runner<'_>, whole: &(Network, Vec<Tensor>), depth: usize, raw: bool, x: &[f64]) -> Vec<f64> {
    let mut network = Network { layers: whole.0.layers[..=depth].to_vec(), loss: Loss::HalfSquaredError };
    if raw {
        network.layers[depth].activation = Activation::Identity;
    }
    Bench::open(runner, &network, &whole.1[..2 * (depth + 1)], 1.0).predict(x)
}

/// Runs `example` on `runner`. `wide`: the device computes in f64.
pub fn check(example: &Value, runner: &Runner<'_>, wide: bool) -> Report {
    let tolerance = example["tolerance_f64"].as_f64().filter(|_| wide).or(example["tolerance"].as_f64());
    let mut report = Report { tolerance: tolerance.expect("a tolerance"), checked: 0, faults: Vec::new() };
    match example["name"].as_str().expect("a name") {
        "half_squared_error_at_1_7" => half_squared_error(example, runner, &mut report),
        "two_two_two_sigmoid" => two_two_two(example, runner, &mut report),
        "three_four_one_bce" => three_four_one(example, runner, &mut report),
        "output_weight_gradient_at_0_3716" => output_weight_gradient(example, runner, &mut report),
        "single_neuron_two_inputs" => single_neurons(runner, &mut report),
        other => panic!("no one knows how to run the example {other}"),
    }
    report
}

/// A network that passes its input on: the gradient by the bias is the gradient by the prediction.
fn half_squared_error(example: &Value, runner: &Runner<'_>, report: &mut Report) {
    let network =
        Network { layers: vec![Layer::dense(1, 1, Activation::Identity, true)], loss: Loss::HalfSquaredError };
    let (prediction, target) = (numbers(&example["prediction"]), numbers(&example["target"]));
    let parameters = neuron(&[1.0], 0.0);
    let mut bench = Bench::open(runner, &network, &parameters, 1.0);
    report.compare("prediction", &bench.predict(&prediction), &example["prediction"]);
    let (loss, gradients) = bench.gradients(&Dataset::numbers(&prediction, 1, &target, 1));
    report.compare("loss", &[loss], &example["loss"]);
    report.compare("dloss_dprediction", values(&gradients, "layers.0.bias"), &example["dloss_dprediction"]);
}

fn two_two_two(example: &Value, runner: &Runner<'_>, report: &mut Report) {
    let (x, target, expect) = (numbers(&example["input"]), numbers(&example["target"]), &example["expect"]);
    let whole = network(example, Loss::HalfSquaredError);
    for depth in 0..2 {
        let raw = at_layer(runner, &whole, depth, true, &x);
        report.compare(&format!("preactivation {depth}"), &raw, &expect["preactivation"][depth]);
        let output = at_layer(runner, &whole, depth, false, &x);
        report.compare(&format!("output {depth}"), &output, &expect["output"][depth]);
    }
    let lr = example["learning_rate"].as_f64().expect("a learning rate");
    let mut bench = Bench::open(runner, &whole.0, &whole.1, lr);
    let output = bench.predict(&x);
    for (k, from) in ["grad_w1_from_e1", "grad_w1_from_e2"].into_iter().enumerate() {
        // With the other output as its own target, only this output has an error.
        let mut one = output.clone();
        one[k] = target[k];
        let (loss, gradients) = bench.gradients(&Dataset::numbers(&x, 2, &one, 2));
        report.compare(&format!("loss_per_output {k}"), &[loss], &expect["loss_per_output"][k]);
        report.compare(from, &values(&gradients, "layers.0.weight")[..1], &expect[from]);
    }
    let data = Dataset::numbers(&x, 2, &target, 2);
    let (loss, gradients) = bench.gradients(&data);
    report.compare("loss", &[loss], &expect["loss"]);
    report.compare("grad_w1", &values(&gradients, "layers.0.weight")[..1], &expect["grad_w1"]);
    let second = values(&gradients, "layers.1.weight");
    report.compare("grad_weights_layer_2", second, &expect["grad_weights_layer_2"]);
    bench.step(&data);
    let after = bench.parameters();
    for depth in 0..2 {
        let name = format!("layers.{depth}.weight");
        report.compare(&format!("new {name}"), values(&after, &name), &expect["new_weights"][depth]);
    }
}

fn three_four_one(example: &Value, runner: &Runner<'_>, report: &mut Report) {
    let (x, target) = (numbers(&example["input"]), numbers(&example["target"]));
    let (network, parameters) = network(example, Loss::BinaryCrossEntropy);
    let expect = &example["expect"];
    report.compare("trainable_parameters", &[network.parameter_count() as f64], &expect["trainable_parameters"]);
    let lr = example["learning_rate"].as_f64().expect("a learning rate");
    let mut bench = Bench::open(runner, &network, &parameters, lr);
    let data = Dataset::numbers(&x, 3, &target, 1);
    let mut sequence = Vec::new();
    for _ in numbers(&expect["prediction_before_step"]) {
        sequence.extend(bench.predict(&x));
        bench.step(&data);
    }
    report.compare("prediction_before_step", &sequence, &expect["prediction_before_step"]);
}

/// Input 1, weight -0.35, so that the hidden neuron gives sigmoid(-0.35); the output neuron's bias is set so that it
/// gives the printed output.
fn output_weight_gradient(example: &Value, runner: &Runner<'_>, report: &mut Report) {
    let number = |key: &str| example[key].as_f64().unwrap_or_else(|| panic!("no {key}"));
    let (output, hidden, target, lr) =
        (number("output"), number("hidden_input"), number("target"), number("learning_rate"));
    let w5 = 0.4;
    let layer = Layer::dense(1, 1, Activation::Sigmoid, true);
    let network = Network { layers: vec![layer; 2], loss: Loss::HalfSquaredError };
    let mut parameters = neuron(&[-0.35], 0.0);
    let bias = (output / (1.0 - output)).ln() - w5 * hidden;
    parameters.extend(neuron(&[w5], bias).into_iter().map(|t| Tensor { name: t.name.replace('0', "1"), ..t }));
    let whole = (network, parameters);
    report.compare("hidden_input", &at_layer(runner, &whole, 0, false, &[1.0]), &example["hidden_input"]);
    let mut bench = Bench::open(runner, &whole.0, &whole.1, lr);
    report.compare("output", &bench.predict(&[1.0]), &example["output"]);
    let data = Dataset::numbers(&[1.0], 1, &[target], 1);
    let (_, gradients) = bench.gradients(&data);
    report.compare("grad_w5", values(&gradients, "layers.1.weight"), &example["expect"]["grad_w5"]);
    bench.step(&data);
    let printed = example["expect"]["grad_w5"].as_f64().expect("a number");
    report.compare("new w5", values(&bench.parameters(), "layers.1.weight"), &Value::from(w5 - lr * printed));
}

/// dE/dw_i = (y - t) y (1 - y) x_i and dE/db = (y - t) y (1 - y), for random neurons from a fixed seed.
fn single_neurons(runner: &Runner<'_>, report: &mut Report) {
    let layer = Layer::dense(2, 1, Activation::Sigmoid, true);
    let network = Network { layers: vec![layer], loss: Loss::HalfSquaredError };
    let mut rng = Rng(1);
    let mut bench = Bench::open(runner, &network, &neuron(&[0.0, 0.0], 0.0), 1.0);
    for i in 0..NEURONS {
        let mut draw = |low: f64, high: f64| low + (high - low) * rng.uniform();
        let (w, b) = ([draw(-2.0, 2.0), draw(-2.0, 2.0)], draw(-2.0, 2.0));
        let (x, t) = ([draw(-2.0, 2.0), draw(-2.0, 2.0)], draw(0.0, 1.0));
        bench.set(&neuron(&w, b));
        let (loss, gradients) = bench.gradients(&Dataset::numbers(&x, 2, &[t], 1));
        let y = sigmoid(w[0] * x[0] + w[1] * x[1] + b);
        let db = (y - t) * y * (1.0 - y);
        report.compare(&format!("E of neuron {i}"), &[loss], &Value::from(0.5 * (t - y) * (t - y)));
        let dw = Value::from(vec![db * x[0], db * x[1]]);
        report.compare(&format!("dE/dw of neuron {i}"), values(&gradients, "layers.0.weight"), &dw);
        report.compare(&format!("dE/db of neuron {i}"), values(&gradients, "layers.0.bias"), &Value::from(db));
    }
}

/// The parameters of one neuron in layer 0.
fn neuron(weight: &[f64], bias: f64) -> Vec<Tensor> {
    vec![
        Tensor { name: "layers.0.weight".into(), shape: vec![1, weight.len()], values: weight.to_vec() },
        Tensor { name: "layers.0.bias".into(), shape: vec![1], values: vec![bias] },
    ]
}

/// How many numbers each example prints, counted from the file itself.
pub fn printed(example: &Value) -> usize {
    match example["name"].as_str() {
        Some("half_squared_error_at_1_7") => {
            ["prediction", "loss", "dloss_dprediction"].iter().map(|key| numbers(&example[key]).len()).sum()
        }
        // The hidden input, the output, and the weight after the step.
        Some("output_weight_gradient_at_0_3716") => numbers(&example["expect"]).len() + 3,
        // E, dE/dw, dE/db
        Some("single_neuron_two_inputs") => NEURONS * 4,
        _ => numbers(&example["expect"]).len(),
    }
}
