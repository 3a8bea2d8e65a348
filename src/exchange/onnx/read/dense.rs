//! Dense layers: `Gemm` and `MatMul`, and the `Add` behind one that has no bias yet.

use super::constant::{singles, transposed};
use super::{FoundLayer, Outcome, Reader, Value};
use crate::exchange::onnx::array::Array;
use crate::exchange::onnx::function::{Curve, arguments};
use crate::exchange::onnx::schema::Node;
use crate::nn::Dense;
use std::sync::Arc;

impl Reader {
    /// Gemm: alpha a b + beta c; MatMul: a b. A new layer.
    pub(super) fn dense(&mut self, node: &Node) -> Outcome<Value> {
        if node.op == "Gemm" {
            let plain = node.float("alpha", 1.0) == 1.0 && node.float("beta", 1.0) == 1.0 && node.int("transA", 0) == 0;
            if !plain {
                return Err("alpha and beta must be 1 and transA 0".to_owned());
            }
        }
        let weight = self.constant(node, 1)?;
        let out_in = node.op == "Gemm" && node.int("transB", 0) != 0;
        self.spend(weight.data.len())?;
        let weight = if out_in { Array::clone(&weight) } else { transposed(&weight)? };
        let [outputs, inputs] = weight.dims[..] else {
            return Err(format!("the weights have the shape {:?}, expected two dimensions", weight.dims));
        };
        let expected = self.layers.last().map(|last| last.layer.outputs);
        if expected.is_some_and(|expected| expected != inputs) || inputs == 0 || outputs == 0 {
            let before = expected.unwrap_or(0);
            return Err(format!(
                "the weights take {inputs} numbers and give {outputs}; the layer before gives {before}"
            ));
        }
        let bias = if node.op == "Gemm" && node.inputs.get(2).is_some_and(|name| !name.is_empty()) {
            Some(vector(self.constant(node, 2)?.as_ref(), outputs)?)
        } else {
            None
        };
        let weight = singles(&weight)?;
        let operand = self.operand(node, 0)?.clone();
        self.append(&operand, FoundLayer::dense(inputs, outputs, weight, bias))
    }

    /// A vector added to a layer without bias, directly behind it.
    pub(super) fn bias(&mut self, node: &Node, layer: usize, curve: &Curve, constant: &Array) -> Outcome<Value> {
        let fresh = node.op == "Add" && layer == self.layers.len() && *curve == arguments();
        match self.layers.last_mut() {
            Some(last) if fresh && last.lacks_bias() => {
                last.values.push(vector(constant, last.layer.outputs)?);
                last.layer.module = Arc::new(Dense::new(last.layer.outputs));
                Ok(Value::Function { layer, curve: curve.clone() })
            }
            _ => Err("a constant for each column is read as a layer's bias only".to_owned()),
        }
    }
}

/// A bias of `outputs` numbers: \[outputs\], or \[1, outputs\].
fn vector(array: &Array, outputs: usize) -> Outcome<Vec<f32>> {
    let values = singles(array)?;
    let last = array.dims.last().copied();
    if values.len() == outputs && last == Some(outputs) {
        return Ok(values);
    }
    // What is broadcast from one number is a bias too.
    if values.len() == 1 {
        return Ok(vec![values[0]; outputs]);
    }
    Err(format!("the bias has the shape {:?}, the layer {outputs} outputs", array.dims))
}
