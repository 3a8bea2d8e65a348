//! Backpropagation on paper: a 2-2-2 network with sigmoids, one sample, one step.
//!
//!     cargo run --example two_two_two
//!
//! Every number comes out of wgrad: outputs and pre-activations from `predict`, partial derivatives from `gradients`,
//! new weights from `step`. The factors of the chain rule are written out beside each derivative, and the program fails
//! if their product is not the derivative that wgrad computed.

use wgrad::data::Dataset;
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::Tensor;
use wgrad::{Error, Result, Trainer};

const INPUT: [f64; 2] = [0.1, 0.5];
const TARGET: [f64; 2] = [0.05, 0.95];
const LEARNING_RATE: f64 = 0.6;
/// By layer: rows are neurons, columns what comes in.
const WEIGHTS: [[f64; 4]; 2] = [[0.1, 0.3, 0.2, 0.4], [0.5, 0.6, 0.7, 0.8]];
const BIASES: [[f64; 2]; 2] = [[0.25, 0.25], [0.35, 0.35]];
/// A product of three factors, each rounded to f32, against the same product inside wgrad.
const TOLERANCE: f64 = 1e-6;

/// What the forward pass gives.
struct Forward {
    hidden_z: Vec<f64>,
    hidden: Vec<f64>,
    output_z: Vec<f64>,
    output: Vec<f64>,
}

fn main() -> Result<()> {
    let mut trainer = network(&[Activation::Sigmoid, Activation::Sigmoid])?;
    let (device, reason) = (trainer.device().name().to_owned(), trainer.device().reason().to_owned());
    println!(
        "2-2-2 network, sigmoid in both layers, E = 1/2 (t1 - o1)^2 + 1/2 (t2 - o2)^2, learning rate {LEARNING_RATE}"
    );
    println!("computed by wgrad on {device} ({reason})\n");
    println!("  inputs   x1 = {}, x2 = {}", INPUT[0], INPUT[1]);
    println!("  targets  t1 = {}, t2 = {}\n", TARGET[0], TARGET[1]);

    let forward = forward(&mut trainer)?;
    print_forward(&forward);
    let both = Dataset::numbers(&INPUT, 2, &TARGET, 2);
    // With the other output as its own target, only this output has an error.
    let only = [[TARGET[0], forward.output[1]], [forward.output[0], TARGET[1]]];
    let errors = [
        trainer.gradients(&Dataset::numbers(&INPUT, 2, &only[0], 2))?,
        trainer.gradients(&Dataset::numbers(&INPUT, 2, &only[1], 2))?,
    ];
    let total = trainer.gradients(&both)?;
    println!("2. Error\n");
    for (k, error) in errors.iter().enumerate() {
        let (t, o) = (TARGET[k], forward.output[k]);
        println!("  E{} = 1/2 ({t} - {o:.5})^2 = {:.5}", k + 1, error.loss);
    }
    println!("  E  = E1 + E2 = {:.5}\n", total.loss);

    print_output_layer(&forward, &total.tensors)?;
    print_hidden_layer(&forward, [&errors[0].tensors, &errors[1].tensors], &total.tensors)?;
    trainer.step(&both)?;
    let after = trainer.parameters()?.to_vec();
    print_new_parameters(&total.tensors, &after)?;
    let output = trainer.predict(&INPUT)?;
    let loss = trainer.gradients(&both)?.loss;
    println!("  After the step the outputs are {:.5} and {:.5}, and E = {loss:.5}.", output[0], output[1]);
    Ok(())
}

/// A network of the example's first layers with the given activations.
fn network(activations: &[Activation]) -> Result<Trainer> {
    let sgd = Optimizer::Sgd { lr: LEARNING_RATE, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let builder = Trainer::builder(2).loss(Loss::HalfSquaredError).optimizer(sgd);
    let mut trainer = activations.iter().fold(builder, |builder, activation| builder.dense(2, *activation)).build()?;
    let mut parameters = Vec::new();
    for i in 0..activations.len() {
        parameters.push(Tensor { name: format!("layers.{i}.weight"), shape: vec![2, 2], values: WEIGHTS[i].to_vec() });
        parameters.push(Tensor { name: format!("layers.{i}.bias"), shape: vec![2], values: BIASES[i].to_vec() });
    }
    trainer.set_parameters(parameters)?;
    Ok(trainer)
}

/// A network cut off after a layer gives that layer's outputs; with the identity there, its pre-activations.
fn forward(trainer: &mut Trainer) -> Result<Forward> {
    Ok(Forward {
        hidden_z: network(&[Activation::Identity])?.predict(&INPUT)?,
        hidden: network(&[Activation::Sigmoid])?.predict(&INPUT)?,
        output_z: network(&[Activation::Sigmoid, Activation::Identity])?.predict(&INPUT)?,
        output: trainer.predict(&INPUT)?,
    })
}

fn print_forward(f: &Forward) {
    println!("1. Forward\n");
    let line = |layer: usize, j: usize, a: &[String], z: f64, y: f64| {
        let (w, b) = (&WEIGHTS[layer][2 * j..], BIASES[layer][j]);
        let (name, n) = (['h', 'o'][layer], j + 1);
        let sum = format!("{}·{} + {}·{} + {b}", w[0], a[0], w[1], a[1]);
        println!("  z_{name}{n} = {sum:<32} = {z:.5}    {name}{n} = sigmoid(z_{name}{n}) = {y:.5}");
    };
    let (x, h) = (INPUT.map(|x| x.to_string()), [0, 1].map(|j| format!("{:.5}", f.hidden[j])));
    for j in 0..2 {
        line(0, j, &x, f.hidden_z[j], f.hidden[j]);
    }
    for j in 0..2 {
        line(1, j, &h, f.output_z[j], f.output[j]);
    }
    println!();
}

/// delta_k = dE/dz_ok = dE/do_k · do_k/dz_ok
fn delta(f: &Forward, k: usize) -> f64 {
    let o = f.output[k];
    (o - TARGET[k]) * o * (1.0 - o)
}

fn print_output_layer(f: &Forward, gradients: &[Tensor]) -> Result<()> {
    println!("3. Backward, output layer: dE/dw = dE/do · do/dz · dz/dw = (o - t) · o (1 - o) · h\n");
    println!("  weight      dE/do      do/dz      dz/dw        dE/dw");
    let names = [["w5", "w6"], ["w7", "w8"]];
    for (k, names) in names.iter().enumerate() {
        let o = f.output[k];
        for (j, name) in names.iter().enumerate() {
            let found = value(gradients, "layers.1.weight", 2 * k + j)?;
            agree(delta(f, k) * f.hidden[j], found)?;
            println!(
                "  {name} h{}-o{} {:>10.5} {:>10.5} {:>10.5}   {found:>10.5}",
                j + 1,
                k + 1,
                o - TARGET[k],
                o * (1.0 - o),
                f.hidden[j]
            );
        }
        let found = value(gradients, "layers.1.bias", k)?;
        agree(delta(f, k), found)?;
        println!("  b_o{}     {:>10.5} {:>10.5} {:>10.5}   {found:>10.5}", k + 1, o - TARGET[k], o * (1.0 - o), 1.0);
    }
    println!();
    Ok(())
}

fn print_hidden_layer(f: &Forward, from: [&[Tensor]; 2], gradients: &[Tensor]) -> Result<()> {
    println!("4. Backward, hidden layer: each error reaches h through the weight w_o between them,\n");
    println!("   dE/dw = (dE1/dz_o1 · w_o1 + dE2/dz_o2 · w_o2) · h (1 - h) · x\n");
    println!(
        "  weight    dE1/dz_o1   w_o1  dE2/dz_o2   w_o2      dh/dz      dz/dw     from E1    from E2        dE/dw"
    );
    let names = [["w1", "w2"], ["w3", "w4"]];
    for (j, names) in names.iter().enumerate() {
        let slope = f.hidden[j] * (1.0 - f.hidden[j]);
        let through = [WEIGHTS[1][j], WEIGHTS[1][2 + j]];
        let line = |label: &str, tensor: &str, at: usize, input: f64| -> Result<()> {
            let parts = [value(from[0], tensor, at)?, value(from[1], tensor, at)?];
            let found = value(gradients, tensor, at)?;
            for k in 0..2 {
                agree(delta(f, k) * through[k] * slope * input, parts[k])?;
            }
            agree(parts[0] + parts[1], found)?;
            println!(
                "  {label:<8} {:>10.5} {:>6} {:>10.5} {:>6} {slope:>10.5} {input:>10.5}  {:>10.5} {:>10.5}   {found:>10.5}",
                delta(f, 0),
                through[0],
                delta(f, 1),
                through[1],
                parts[0],
                parts[1]
            );
            Ok(())
        };
        for (i, name) in names.iter().enumerate() {
            line(&format!("{name} x{}-h{}", i + 1, j + 1), "layers.0.weight", 2 * j + i, INPUT[i])?;
        }
        line(&format!("b_h{}", j + 1), "layers.0.bias", j, 1.0)?;
    }
    println!();
    Ok(())
}

fn print_new_parameters(gradients: &[Tensor], after: &[Tensor]) -> Result<()> {
    println!("5. One step: new = old - {LEARNING_RATE} · dE/dw\n");
    println!("               old        dE/dw          new");
    for layer in 0..2 {
        for (tensor, old) in [("weight", &WEIGHTS[layer][..]), ("bias", &BIASES[layer][..])] {
            let name = format!("layers.{layer}.{tensor}");
            for (i, old) in old.iter().enumerate() {
                let (gradient, new) = (value(gradients, &name, i)?, value(after, &name, i)?);
                agree(old - LEARNING_RATE * gradient, new)?;
                let short = match tensor {
                    "weight" => format!("w{}", 4 * layer + i + 1),
                    _ => format!("b_{}{}", ['h', 'o'][layer], i + 1),
                };
                println!("  {short:<6} {old:>10.5}   {gradient:>10.5}   {new:>10.5}");
            }
        }
    }
    println!();
    Ok(())
}

/// Element `at` of the tensor `name`.
fn value(tensors: &[Tensor], name: &str, at: usize) -> Result<f64> {
    let tensor = tensors.iter().find(|t| t.name == name);
    let found = tensor.and_then(|t| t.values.get(at)).copied();
    found.ok_or_else(|| Error::Internal(format!("no element {at} of {name}")))
}

/// Fails where the paper and wgrad disagree.
fn agree(on_paper: f64, found: f64) -> Result<()> {
    if (on_paper - found).abs() <= TOLERANCE {
        return Ok(());
    }
    Err(Error::Internal(format!("on paper {on_paper}, wgrad found {found}")))
}
