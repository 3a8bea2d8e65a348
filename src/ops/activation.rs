//! Activations and their gradients.

use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Activation, Attributes, Backward, Gradients, Launches, Operation, TensorType};
use crate::kernels::row_lanes;

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

    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let dy = at.dy()?;
        if self.0 == Activation::Identity {
            return Ok(vec![Some(dy)]);
        }
        // Softmax' gradient is a function of its output; the others' of their input, which keeps all digits.
        let saved = if self.0 == Activation::Softmax { at.result() } else { at.operand(0) };
        Ok(vec![Some(at.push(ActivateGrad(self.0), &[dy, saved], ".activation.grad")?)])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        launch(self.0, false, out);
        Ok(())
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

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        launch(self.0, true, out);
        Ok(())
    }
}

fn attributes(activation: Activation) -> Attributes {
    if activation.is_element_wise() { activation.constants() } else { vec![] }
}

fn launch(activation: Activation, grad: bool, out: &mut Launches<'_>) {
    let kernel = if grad { activation.gradient_kernel() } else { activation.kernel() };
    let (rows, cols) = out.results[0].rows_cols();
    let (params, constants) = match activation.is_element_wise() {
        true => (sizes(&[rows * cols]), activation.constants()),
        false => (sizes(&[rows, cols]), vec![("LANES", row_lanes(cols) as f64)]),
    };
    out.push(kernel, params, constants, out.in_order());
}
