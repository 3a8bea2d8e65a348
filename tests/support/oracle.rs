//! An independent oracle: loss and gradients of a dense network in float64, by plain loops over samples.
//!
//! It is written from the definitions of the activations and losses and from the chain rule, and calls nothing of wgrad
//! (only the names of activations and losses are wgrad's). `tests/cpu/oracle.rs` proves it against finite differences before
//! it judges anything.
//!
//! Where a formula as it stands would lose digits in a saturated tail, an algebraically equal form is used, so that the
//! oracle's own error stays near 1e-15: 1 - sigmoid(z) is sigmoid(-z), and 1 - p of a softmax is the sum of the others.

use super::oracle_scalar::{activation, derivative, softplus};
use wgrad::graph::{Activation, Loss};

/// y = activation(x · weightᵀ + bias)
#[derive(Debug, Clone)]
pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    pub activation: Activation,
    /// \[outputs, inputs\], row-major.
    pub weight: Vec<f64>,
    /// \[outputs\]
    pub bias: Option<Vec<f64>>,
}

/// What the samples should give.
#[derive(Debug, Clone)]
pub enum Target {
    /// rows x outputs
    Numbers(Vec<f64>),
    /// A class for each row.
    Classes(Vec<u32>),
}

/// Samples.
#[derive(Debug, Clone)]
pub struct Batch {
    pub rows: usize,
    /// rows x inputs
    pub x: Vec<f64>,
    pub target: Target,
}

/// What the oracle found.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Mean over the rows.
    pub loss: f64,
    /// rows x outputs
    pub predictions: Vec<f64>,
    /// `layers.N.weight`, `layers.N.bias`, in that order.
    pub gradients: Vec<(String, Vec<f64>)>,
    /// The least |distance| / (sum of the magnitudes that it is the difference of), over all places where the gradient
    /// jumps: pre-activations of relu and leaky_relu, residuals of mae, margins of hinge. Infinite without such places.
    pub jump_distance: f64,
    /// The least 1 - p that a binary cross-entropy on a softmax divides by; 1 for other losses.
    pub least_complement: f64,
    /// The least p (1 - p) there.
    pub least_variance: f64,
}

/// One sample's way through one layer.
struct Passed {
    /// What went in.
    a: Vec<f64>,
    /// Pre-activations.
    z: Vec<f64>,
    /// Sum of the magnitudes of each pre-activation's terms.
    magnitude: Vec<f64>,
    /// Outputs.
    y: Vec<f64>,
}

/// Loss, predictions and gradients.
pub fn gradients(layers: &[Layer], loss: Loss, batch: &Batch) -> Answer {
    let mut answer = Answer {
        loss: 0.0,
        predictions: vec![],
        gradients: vec![],
        jump_distance: f64::INFINITY,
        least_complement: 1.0,
        least_variance: 1.0,
    };
    let mut sums: Vec<(Vec<f64>, Vec<f64>)> =
        layers.iter().map(|l| (vec![0.0; l.weight.len()], vec![0.0; l.outputs])).collect();
    for row in 0..batch.rows {
        let passed = forward(layers, batch, row, &mut answer.jump_distance);
        let (last, layer) = (&passed[layers.len() - 1], &layers[layers.len() - 1]);
        let (sample_loss, mut dz) = loss_and_dz(layer.activation, loss, last, &batch.target, row, &mut answer);
        answer.loss += sample_loss / batch.rows as f64;
        answer.predictions.extend(&last.y);
        for i in (0..layers.len()).rev() {
            let (layer, dw_db) = (&layers[i], &mut sums[i]);
            accumulate(layer, &passed[i].a, &dz, dw_db);
            if i > 0 {
                // dL/da_k = sum over j of dz_j w_jk, and a is the output of the layer before.
                let da: Vec<f64> = (0..layer.inputs)
                    .map(|k| (0..layer.outputs).map(|j| dz[j] * layer.weight[j * layer.inputs + k]).sum())
                    .collect();
                dz = through_activation(layers[i - 1].activation, &passed[i - 1], &da);
            }
        }
    }
    let rows = batch.rows as f64;
    for (i, (layer, (dw, db))) in layers.iter().zip(sums).enumerate() {
        let mean = |sum: Vec<f64>| sum.into_iter().map(|v| v / rows).collect::<Vec<f64>>();
        answer.gradients.push((format!("layers.{i}.weight"), mean(dw)));
        if layer.bias.is_some() {
            answer.gradients.push((format!("layers.{i}.bias"), mean(db)));
        }
    }
    answer
}

fn forward(layers: &[Layer], batch: &Batch, row: usize, jump: &mut f64) -> Vec<Passed> {
    let inputs = layers[0].inputs;
    let mut a = batch.x[row * inputs..(row + 1) * inputs].to_vec();
    let mut passed = Vec::new();
    for layer in layers {
        let (mut z, mut magnitudes) = (Vec::new(), Vec::new());
        for j in 0..layer.outputs {
            let (mut sum, mut magnitude) = layer.bias.as_ref().map_or((0.0, 0.0), |b| (b[j], b[j].abs()));
            for (k, a) in a.iter().enumerate() {
                let term = layer.weight[j * layer.inputs + k] * a;
                sum += term;
                magnitude += term.abs();
            }
            z.push(sum);
            magnitudes.push(magnitude);
            if matches!(layer.activation, Activation::Relu | Activation::LeakyRelu { .. }) && magnitude > 0.0 {
                *jump = jump.min(sum.abs() / magnitude);
            }
        }
        let y = match layer.activation {
            Activation::Softmax => softmax(&z),
            other => z.iter().map(|&z| activation(other, z)).collect(),
        };
        passed.push(Passed { a: std::mem::replace(&mut a, y.clone()), z, magnitude: magnitudes, y });
    }
    passed
}

/// dw_jk += dz_j a_k, db_j += dz_j
fn accumulate(layer: &Layer, a: &[f64], dz: &[f64], (dw, db): &mut (Vec<f64>, Vec<f64>)) {
    for j in 0..layer.outputs {
        db[j] += dz[j];
        for k in 0..layer.inputs {
            dw[j * layer.inputs + k] += dz[j] * a[k];
        }
    }
}

/// exp(z_j) / sum over k of exp(z_k)
fn softmax(z: &[f64]) -> Vec<f64> {
    let all: Vec<usize> = (0..z.len()).collect();
    let norm = log_sum_exp(z, &all);
    z.iter().map(|z| (z - norm).exp()).collect()
}

/// log of the sum of exp(z_k) over k in `of`.
fn log_sum_exp(z: &[f64], of: &[usize]) -> f64 {
    let top = of.iter().map(|&k| z[k]).fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + of.iter().map(|&k| (z[k] - top).exp()).sum::<f64>().ln()
}

/// All columns but j.
fn others(n: usize, j: usize) -> Vec<usize> {
    (0..n).filter(|&k| k != j).collect()
}

/// dL/dz from dL/dy.
fn through_activation(by: Activation, passed: &Passed, dy: &[f64]) -> Vec<f64> {
    if by != Activation::Softmax {
        return passed.z.iter().zip(dy).map(|(&z, dy)| dy * derivative(by, z)).collect();
    }
    // dy_k/dz_j = y_k ([j = k] - y_j), and the y sum to 1: dz_j = y_j sum over k of y_k (dy_j - dy_k).
    let y = &passed.y;
    (0..y.len()).map(|j| y[j] * (0..y.len()).map(|k| y[k] * (dy[j] - dy[k])).sum::<f64>()).collect()
}

/// One sample's loss, and its gradient by the last layer's pre-activations.
fn loss_and_dz(
    last: Activation,
    loss: Loss,
    passed: &Passed,
    target: &Target,
    row: usize,
    answer: &mut Answer,
) -> (f64, Vec<f64>) {
    let n = passed.y.len();
    match target {
        Target::Classes(classes) => {
            let (value, dy) = smoothed(&passed.y, classes[row] as usize, loss.smoothing());
            (value, through_activation(last, passed, &dy))
        }
        Target::Numbers(all) => {
            let t = &all[row * n..(row + 1) * n];
            if loss == Loss::BinaryCrossEntropy {
                return match last {
                    Activation::Sigmoid => bce_of_sigmoid(&passed.z, t),
                    Activation::Softmax => bce_of_softmax(passed, t, answer),
                    other => unreachable!("{other:?} gives no probabilities"),
                };
            }
            let (mut value, mut dy) = (0.0, Vec::new());
            for (j, &t) in t.iter().enumerate() {
                let (l, d) = element(loss, passed.y[j], t);
                value += l;
                dy.push(d);
                answer.jump_distance = answer.jump_distance.min(loss_jump(loss, last, passed, j, t));
            }
            if loss != Loss::HalfSquaredError {
                value /= n as f64;
                dy.iter_mut().for_each(|d| *d /= n as f64);
            }
            (value, through_activation(last, passed, &dy))
        }
    }
}

/// The loss of one output and its derivative by the output.
fn element(loss: Loss, y: f64, t: f64) -> (f64, f64) {
    let d = y - t;
    match loss {
        Loss::HalfSquaredError => (0.5 * d * d, d),
        Loss::Mse => (d * d, 2.0 * d),
        Loss::Mae => (d.abs(), if d == 0.0 { 0.0 } else { d.signum() }),
        Loss::Huber { delta } if d.abs() <= delta => (0.5 * d * d, d),
        Loss::Huber { delta } => (delta * (d.abs() - 0.5 * delta), delta * d.signum()),
        // -(t log s(y) + (1 - t) log(1 - s(y))), and -log s(y) = softplus(-y); the derivative is s(y) - t.
        Loss::BceWithLogits => (
            t * softplus(-y) + (1.0 - t) * softplus(y),
            (1.0 - t) * activation(Activation::Sigmoid, y) - t * activation(Activation::Sigmoid, -y),
        ),
        Loss::Quantile { q } => {
            let slope = if d == 0.0 { 0.5 - q } else { 0.5 * (1.0 + d.signum()) - q };
            ((q * -d).max((q - 1.0) * -d), slope)
        }
        Loss::Hinge if 1.0 - t * y > 0.0 => (1.0 - t * y, -t),
        Loss::Hinge => (0.0, 0.0),
        Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. } => {
            unreachable!("{loss:?} is not taken output by output")
        }
    }
}

/// How far output j is from where the loss's gradient jumps, relative to the magnitudes whose difference decides.
fn loss_jump(loss: Loss, last: Activation, passed: &Passed, j: usize, t: f64) -> f64 {
    let y = passed.y[j];
    let distance = match loss {
        Loss::Mae | Loss::Quantile { .. } => (y - t).abs(),
        Loss::Hinge => (1.0 - t * y).abs(),
        _ => return f64::INFINITY,
    };
    // The output's own error is that of its pre-activation, through the slope (at most y for softmax).
    let slope = if last == Activation::Softmax { y } else { derivative(last, passed.z[j]).abs() };
    distance / (y.abs() + t.abs() + slope * passed.magnitude[j])
}

/// -log softmax(z)_c and softmax(z) - onehot(c), with 1 - p_c as the sum of the others.
fn cross_entropy(z: &[f64], class: usize) -> (f64, Vec<f64>) {
    let p = softmax(z);
    let rest: f64 = others(z.len(), class).iter().map(|&k| p[k]).sum();
    let dz = p.iter().enumerate().map(|(j, &p)| if j == class { -rest } else { p }).collect();
    // -log p_c = log(1 + sum over the others of exp(z_k - z_c)).
    (softplus(log_sum_exp(z, &others(z.len(), class)) - z[class]), dz)
}

/// The mean of [`cross_entropy`] over labels: `share` of the weight on all classes alike, the rest on `class`.
fn smoothed(z: &[f64], class: usize, share: f64) -> (f64, Vec<f64>) {
    let (value, dz) = cross_entropy(z, class);
    if share == 0.0 {
        return (value, dz);
    }
    let n = z.len() as f64;
    let (mut mean, mut mean_dz) = (0.0, vec![0.0; z.len()]);
    for class in 0..z.len() {
        let (value, dz) = cross_entropy(z, class);
        mean += value / n;
        mean_dz.iter_mut().zip(dz).for_each(|(mean, d)| *mean += d / n);
    }
    let mix = |own: f64, mean: f64| (1.0 - share) * own + share * mean;
    (mix(value, mean), dz.iter().zip(mean_dz).map(|(d, mean)| mix(*d, mean)).collect())
}

/// p = sigmoid(z): by the chain rule (p - t) / (p (1 - p)) times p (1 - p).
fn bce_of_sigmoid(z: &[f64], t: &[f64]) -> (f64, Vec<f64>) {
    let n = z.len() as f64;
    let each: Vec<(f64, f64)> = z.iter().zip(t).map(|(&z, &t)| element(Loss::BceWithLogits, z, t)).collect();
    (each.iter().map(|e| e.0).sum::<f64>() / n, each.iter().map(|e| e.1 / n).collect())
}

/// p = softmax(z), q_k = 1 - p_k the sum of the others. dL/dp_k = -t_k / p_k + (1 - t_k) / q_k and dp_k/dz_j = p_k q_k
/// for k = j, -p_j p_k else; each product is formed before a quotient can overflow: p_j / q_k is the softmax without k.
fn bce_of_softmax(passed: &Passed, t: &[f64], answer: &mut Answer) -> (f64, Vec<f64>) {
    let (z, p) = (&passed.z, &passed.y);
    let n = z.len();
    let rest: Vec<f64> = (0..n).map(|k| log_sum_exp(z, &others(n, k))).collect();
    let mut loss = 0.0;
    for k in 0..n {
        // -log p_k = softplus(rest_k - z_k); -log q_k = softplus(z_k - rest_k).
        let not = if t[k] == 1.0 { 0.0 } else { (1.0 - t[k]) * softplus(z[k] - rest[k]) };
        loss += t[k] * softplus(rest[k] - z[k]) + not;
    }
    let dz = (0..n)
        .map(|j| {
            let q: f64 = others(n, j).iter().map(|&k| p[k]).sum();
            answer.least_complement = answer.least_complement.min(q);
            answer.least_variance = answer.least_variance.min(p[j] * q);
            let own = (1.0 - t[j]) * p[j] - t[j] * q;
            let term = |k: usize| t[k] * p[j] - (1.0 - t[k]) * p[k] * (z[j] - rest[k]).exp();
            (own + others(n, j).into_iter().map(term).sum::<f64>()) / n as f64
        })
        .collect();
    (loss / n as f64, dz)
}
