//! Activations and their gradients.

use super::choose::{activation_constants, activation_kernel};
use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::operation::sign;
use crate::graph::{Activation, Attributes, Kinks, Launches, Operand, Operation, Place, Tape, TensorType, Value};
use crate::target::Target;

/// `x -> activation(x)`
#[derive(Debug)]
pub struct Activate(pub Activation);

/// `(dy, x) -> dx`; softmax takes its output in the place of x.
#[derive(Debug)]
pub struct ActivateGrad(pub Activation);

impl Operation for Activate {
    fn name(&self) -> String {
        self.0.name().into()
    }

    fn attributes(&self) -> Attributes {
        attributes(self.0)
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x] = operands(types)?;
        matrix(x)?;
        Ok(vec![x.clone()])
    }

    fn gradient(
        &self,
        tape: &mut Tape<'_>,
        node: usize,
        dy: &[Option<Value>],
        _: &[bool],
    ) -> Result<Vec<Option<Value>>> {
        let dy = tape.upstream(node, dy)?;
        if self.0 == Activation::Identity {
            return Ok(vec![Some(dy)]);
        }
        // Softmax' gradient is a function of its output; the others' of their input, which keeps all digits.
        let saved = if self.0 == Activation::Softmax { Value { node, result: 0 } } else { tape.node(node).inputs[0] };
        let label = format!("{}.activation.grad", tape.node(node).label);
        Ok(vec![Some(tape.push(ActivateGrad(self.0), &[dy, saved], &label)?)])
    }

    fn launches(&self, _: &[Operand], results: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        launch(self.0, false, &results[0], vec![Place::Operand(0), Place::Result(0)], out);
        Ok(())
    }

    fn kinks(&self) -> Option<Kinks> {
        matches!(self.0, Activation::Relu | Activation::LeakyRelu { .. }).then(|| Kinks {
            operands: vec![0],
            pieces: Box::new(|operands| operands[0].iter().map(|&x| Some(sign(x))).collect()),
        })
    }
}

impl Operation for ActivateGrad {
    fn name(&self) -> String {
        format!("{}_grad", self.0.name())
    }

    fn attributes(&self) -> Attributes {
        attributes(self.0)
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [dy, x] = operands(types)?;
        require(dy == x, "an upstream gradient of the shape of the activation's input")?;
        Ok(vec![x.clone()])
    }

    fn launches(&self, _: &[Operand], results: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        launch(self.0, true, &results[0], vec![Place::Operand(0), Place::Operand(1), Place::Result(0)], out);
        Ok(())
    }
}

fn attributes(activation: Activation) -> Attributes {
    if let Activation::LeakyRelu { slope } = activation { vec![("slope", slope)] } else { vec![] }
}

fn launch(activation: Activation, grad: bool, y: &TensorType, places: Vec<Place>, out: &mut Launches) {
    let (params, constants) = activation_constants(activation, y.rows_cols());
    out.push(activation_kernel(activation, grad), params, constants, places);
}
