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
        let (_, params) = self.optimizer.launch(0, self.decay);
        let numbers = params.into_iter().map(|p| match p {
            Param::F(v) => v,
            Param::U(v) => f64::from(v),
        });
        std::iter::once(("lr", self.optimizer.lr())).chain(numbers.map(|v| ("constant", v))).collect()
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
        let (kernel, params) = self.optimizer.launch(out.operands[0].len(), self.decay);
        let mut places = vec![Place::Step, Place::Operand(2), Place::Operand(1)];
        places.extend((0..out.results.len()).map(Place::Result));
        out.push(kernel, params, vec![], places);
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
