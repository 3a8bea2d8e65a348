//! The optimizer's update of a parameter, in place: the passes that the optimizer says, as launches.

use super::{Types, require};
use crate::error::Result;
use crate::graph::{Attributes, Launches, Misfit, Operation, Place, TensorType};
use crate::kernels::Param;
use crate::optim::Optimizer;
use crate::optim::step::{On, Pass};

/// `(param, grad, hyper, states...) -> (param, states...)`: results lie where the operands lay.
#[derive(Debug)]
pub struct Update {
    /// The update rule.
    pub optimizer: Optimizer,
    /// Whether weight decay applies to this parameter.
    pub decay: bool,
    /// How many states it keeps of this parameter.
    pub states: usize,
}

impl Update {
    fn weight_decay(&self) -> f64 {
        if self.decay { self.optimizer.weight_decay() } else { 0.0 }
    }
}

impl Operation for Update {
    fn name(&self) -> String {
        format!("{}_step", self.optimizer.name())
    }

    fn attributes(&self) -> Attributes {
        let mut attributes = vec![("lr", self.optimizer.lr()), ("decay", self.weight_decay())];
        let numbers = |pass: Pass| {
            pass.params.into_iter().map(|p| match p {
                Param::F(v) => v,
                Param::U(v) => f64::from(v),
            })
        };
        let passes = self.optimizer.passes(&[1], 0.0).list;
        attributes.extend(passes.into_iter().flat_map(numbers).map(|v| ("constant", v)));
        attributes
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [param, gradient, _, states @ ..] = types else { return Err(Misfit::Count("3 and the states as".into())) };
        let shapes = self.optimizer.states(&param.shape);
        if states.len() != shapes.len() || shapes.len() != self.states {
            return Err(Misfit::Count(format!("3 and {} states as", shapes.len())));
        }
        require(gradient == param, "a gradient of the shape of the parameter")?;
        let fits = states.iter().zip(&shapes).all(|(state, shape)| **state == TensorType::f32(shape));
        require(fits, "states of the shapes that the optimizer keeps of the parameter")?;
        Ok(std::iter::once(*param).chain(states.iter().copied()).cloned().collect())
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let passes = self.optimizer.passes(&out.operands[0].shape, self.weight_decay());
        let scratch: Vec<Place> =
            passes.between.iter().map(|(name, shape)| out.scratch(format!("{}.{name}", out.label), shape)).collect();
        for Pass { kernel, params, constants, binds } in passes.list {
            let place = |on: &On| match *on {
                On::Counter => Place::Step,
                On::Hyper => Place::Operand(2),
                On::Gradient => Place::Operand(1),
                On::Parameter => Place::Result(0),
                On::State(slot) => Place::Result(1 + slot),
                On::Scratch(i) => scratch[i],
                On::Unused => Place::Unused,
            };
            out.push(kernel, params, constants, binds.iter().map(place).collect());
            if self.joins() {
                out.call_last("optimizer");
            }
        }
        Ok(())
    }

    fn in_place(&self) -> Vec<(usize, usize)> {
        std::iter::once((0, 0)).chain((0..self.states).map(|slot| (1 + slot, 3 + slot))).collect()
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 2
    }

    fn joins(&self) -> bool {
        self.optimizer.is_element_wise()
    }
}
