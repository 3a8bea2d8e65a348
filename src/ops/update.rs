//! The optimizer's update of a parameter, in place.

use super::{Types, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Attributes, Launches, Misfit, Operation, Place, TensorType};
use crate::kernels::{Kernel, Param};
use crate::optim::{HYPER_COLUMNS, Optimizer};

/// `(param, grad, hyper, states...) -> (param, states...)`: results lie where the operands lay.
#[derive(Debug)]
pub struct Update {
    /// The update rule.
    pub optimizer: Optimizer,
    /// Whether weight decay applies to this parameter.
    pub decay: bool,
}

impl Operation for Update {
    fn name(&self) -> String {
        format!("{}_step", self.optimizer.name())
    }

    fn attributes(&self) -> Attributes {
        let (_, decay) = update_kernel(self.optimizer);
        let mut attributes = vec![("lr", self.optimizer.lr()), ("decay", if self.decay { decay } else { 0.0 })];
        let numbers = update_params(self.optimizer, 0, 0.0).into_iter().map(|p| match p {
            Param::F(v) => v,
            Param::U(v) => f64::from(v),
        });
        attributes.extend(numbers.map(|v| ("constant", v)));
        attributes
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let states = self.optimizer.state_slots();
        if types.len() != 3 + states {
            return Err(Misfit::Count(format!("3 and {states} states as")));
        }
        let param = types[0];
        require(types[1] == param, "a gradient of the shape of the parameter")?;
        require(types[3..].iter().all(|s| *s == param), "states of the shape of the parameter")?;
        Ok(vec![param.clone(); 1 + states])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (kernel, decay) = update_kernel(self.optimizer);
        let decay = if self.decay { decay } else { 0.0 };
        let mut places = vec![Place::Step, Place::Operand(2), Place::Operand(1)];
        places.extend((0..out.results.len()).map(Place::Result));
        out.push(kernel, update_params(self.optimizer, out.operands[0].len(), decay), vec![], places);
        out.call_last("optimizer");
        Ok(())
    }

    fn in_place(&self) -> Vec<(usize, usize)> {
        std::iter::once((0, 0)).chain((0..self.optimizer.state_slots()).map(|slot| (1 + slot, 3 + slot))).collect()
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 2
    }

    fn joins(&self) -> bool {
        true
    }
}

/// The optimizer's kernel and its weight decay.
fn update_kernel(optimizer: Optimizer) -> (Kernel, f64) {
    match optimizer {
        Optimizer::Sgd { momentum: 0.0, weight_decay, .. } => (Kernel::sgd_step, weight_decay),
        Optimizer::Sgd { weight_decay, .. } => (Kernel::sgd_momentum_step, weight_decay),
        Optimizer::Adam(a) => (Kernel::adam_step, a.weight_decay),
        Optimizer::AdamW(a) => (Kernel::adamw_step, a.weight_decay),
        Optimizer::NAdam { adam, .. } => (Kernel::nadam_step, adam.weight_decay),
        Optimizer::RmsProp(r) if r.centered => (Kernel::rmsprop_centered_step, r.weight_decay),
        Optimizer::RmsProp(r) if r.momentum != 0.0 => (Kernel::rmsprop_momentum_step, r.weight_decay),
        Optimizer::RmsProp(r) => (Kernel::rmsprop_step, r.weight_decay),
        Optimizer::Adagrad(a) => (Kernel::adagrad_step, a.weight_decay),
        Optimizer::Lion { weight_decay, .. } => (Kernel::lion_step, weight_decay),
    }
}

/// The `Params` struct of the optimizer's kernel: what does not change from step to step.
fn update_params(optimizer: Optimizer, len: usize, decay: f64) -> Vec<Param> {
    let head = sizes(&[len, HYPER_COLUMNS]);
    let tail = match optimizer {
        Optimizer::Sgd { momentum: 0.0, .. } => vec![Param::F(decay)],
        Optimizer::Sgd { nesterov, .. } => vec![Param::U(u32::from(nesterov)), Param::F(decay)],
        // 1 - beta is taken in f64: in f32 it would lose the digits that beta's rounding cost.
        Optimizer::Adam(a) | Optimizer::AdamW(a) | Optimizer::NAdam { adam: a, .. } => {
            [a.beta2, 1.0 - a.beta2, a.eps, decay].map(Param::F).to_vec()
        }
        Optimizer::RmsProp(r) => [r.alpha, 1.0 - r.alpha, r.eps, decay].map(Param::F).to_vec(),
        Optimizer::Adagrad(a) => [a.eps, decay].map(Param::F).to_vec(),
        Optimizer::Lion { beta2, .. } => [beta2, 1.0 - beta2, decay].map(Param::F).to_vec(),
    };
    head.into_iter().chain(tail).collect()
}
