//! The optimizer's update of a parameter, in place.

use super::{Types, require};
use crate::error::Result;
use crate::graph::{Attributes, Launches, Misfit, Operation, Place, TensorType};
use crate::kernels::Param;
use crate::optim::Optimizer;

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
        let (_, decay) = self.optimizer.kernel();
        let mut attributes = vec![("lr", self.optimizer.lr()), ("decay", if self.decay { decay } else { 0.0 })];
        let numbers = self.optimizer.params(0, 0.0).into_iter().map(|p| match p {
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
        let (kernel, decay) = self.optimizer.kernel();
        let decay = if self.decay { decay } else { 0.0 };
        let mut places = vec![Place::Step, Place::Operand(2), Place::Operand(1)];
        places.extend((0..out.results.len()).map(Place::Result));
        out.push(kernel, self.optimizer.params(out.operands[0].len(), decay), vec![], places);
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
