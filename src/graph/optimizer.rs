//! The optimizer as nodes of the graph: one update for each parameter.

use super::{Adam, Graph, Op, Optimizer, RmsProp, TensorType, UpdateRule, Value, clip};
use crate::error::Result;

/// Columns of the table `hyper`: learning rate, step size (lr / (1 - beta1^t) and the like), 1 / sqrt(1 - beta2^t), and what
/// NAdam multiplies the first moment by.
pub const HYPER_COLUMNS: usize = 4;

impl Optimizer {
    /// How many states of the parameter's shape the optimizer keeps.
    pub fn state_slots(self) -> usize {
        match self {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Optimizer::Adam(_) | Optimizer::AdamW(_) | Optimizer::NAdam { .. } => 2,
            Optimizer::RmsProp(r) if r.centered => 3,
            Optimizer::RmsProp(r) => 1 + usize::from(r.momentum != 0.0),
            Optimizer::Adagrad(_) | Optimizer::Lion { .. } => 1,
        }
    }

    /// What every number of its states is before the first step.
    pub fn initial_state(self) -> f64 {
        match self {
            Optimizer::Adagrad(a) => a.initial_accumulator,
            _ => 0.0,
        }
    }

    /// The row of the table `hyper` for step `t`, counted from 0.
    pub fn hyper(self, t: u64) -> [f64; HYPER_COLUMNS] {
        match self {
            Optimizer::Sgd { lr, .. } | Optimizer::Lion { lr, .. } | Optimizer::RmsProp(RmsProp { lr, .. }) => {
                [lr, lr, 1.0, 0.0]
            }
            Optimizer::Adagrad(a) => [a.lr, a.lr / (1.0 + t as f64 * a.lr_decay), 1.0, 0.0],
            Optimizer::NAdam { adam, momentum_decay } => nadam(adam, momentum_decay, t),
            Optimizer::Adam(a) | Optimizer::AdamW(a) => {
                // powf, not powi: t may exceed i32 in a long run.
                let t = (t + 1) as f64;
                let bias1 = 1.0 - a.beta1.powf(t);
                let bias2 = 1.0 - a.beta2.powf(t);
                [a.lr, a.lr / bias1, 1.0 / bias2.sqrt(), 0.0]
            }
        }
    }
}

/// NAdam's row: the momentum of step n is mu(n) = beta1 (1 - 0.96^(n momentum_decay) / 2), and bias corrections of the first
/// moment are products of them.
fn nadam(adam: Adam, momentum_decay: f64, t: u64) -> [f64; HYPER_COLUMNS] {
    let mu = |n: f64| adam.beta1 * (1.0 - 0.5 * 0.96_f64.powf(n * momentum_decay));
    let now = (t + 1) as f64;
    let mut product = 1.0;
    for n in 1..=t + 1 {
        product *= mu(n as f64);
        // 1 - product is 1 from here on, whatever follows: long runs need no long loop.
        if product < f64::EPSILON / 8.0 {
            break;
        }
    }
    let (mu, next) = (mu(now), mu(now + 1.0));
    let gradient = adam.lr * (1.0 - mu) / (1.0 - product);
    let moment = adam.lr * next / (1.0 - product * next);
    [adam.lr, gradient, 1.0 / (1.0 - adam.beta2.powf(now)).sqrt(), moment]
}

/// Appends the clipping, where there is any, and one update for each parameter that has a gradient, and names the results `update.<parameter>`.
///
/// # Errors
/// [`crate::Error::Internal`] when a gradient does not fit its parameter.
pub fn append_updates(graph: &mut Graph, rule: UpdateRule) -> Result<()> {
    let UpdateRule { optimizer, clip, .. } = rule;
    let found = graph
        .params()
        .into_iter()
        .filter_map(|(name, _)| Some((name.clone(), graph.find_output(&format!("grad.{name}"))?)));
    let mut gradients: Vec<(String, Value)> = found.collect();
    if let Some(clip) = clip {
        gradients = clip::append(graph, clip, &gradients)?;
    }
    let hyper = graph.source(Op::Table { name: "hyper".into() }, TensorType::f32(&[HYPER_COLUMNS]), "optimizer");
    for (name, param) in graph.params() {
        let Some((_, gradient)) = gradients.iter().find(|(of, _)| *of == name).cloned() else { continue };
        let ty = graph.ty(param).clone();
        let mut inputs = vec![param, gradient, hyper];
        for slot in 0..optimizer.state_slots() {
            let label = format!("{name}.state");
            inputs.push(graph.source(Op::State { param: name.clone(), slot }, ty.clone(), &label));
        }
        let updated = graph.push(Op::Update(optimizer), &inputs, &format!("{name}.update"))?;
        graph.output(&format!("update.{name}"), updated);
    }
    Ok(())
}
