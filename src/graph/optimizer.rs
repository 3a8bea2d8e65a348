//! The optimizer as nodes of the graph: one update for each parameter.

use super::{Graph, Op, Optimizer, TensorType, UpdateRule};
use crate::error::Result;

/// Columns of the table `hyper`: learning rate, step size (lr / (1 - beta1^t)), 1 / sqrt(1 - beta2^t), reserved.
pub const HYPER_COLUMNS: usize = 4;

impl Optimizer {
    /// How many states of the parameter's shape the optimizer keeps.
    pub fn state_slots(self) -> usize {
        match self {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Optimizer::Adam(_) | Optimizer::AdamW(_) => 2,
        }
    }

    /// The row of the table `hyper` for step `t`, counted from 0.
    pub fn hyper(self, t: u64) -> [f64; HYPER_COLUMNS] {
        match self {
            Optimizer::Sgd { lr, .. } => [lr, lr, 1.0, 0.0],
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

/// Appends one update for each parameter that has a gradient, and names the results `update.<parameter>`.
///
/// # Errors
/// [`crate::Error::Internal`] when a gradient does not fit its parameter.
pub fn append_updates(graph: &mut Graph, rule: UpdateRule) -> Result<()> {
    let UpdateRule { optimizer, .. } = rule;
    let hyper = graph.source(Op::Table { name: "hyper".into() }, TensorType::f32(&[HYPER_COLUMNS]), "optimizer");
    for (name, param) in graph.params() {
        let Some(gradient) = graph.find_output(&format!("grad.{name}")) else { continue };
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
