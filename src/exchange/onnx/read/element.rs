//! Element-wise operators: of the last layer's output, and of the input, which they scale.

use super::constant::doubles;
use super::{Outcome, Reader, Value};
use crate::exchange::onnx::array::{Array, Numbers};
use crate::exchange::onnx::function::arguments;
use crate::exchange::onnx::schema::{Attribute, Node};
use crate::graph::Activation;
use crate::kernels::activation::Onnx;
use std::rc::Rc;

impl Reader {
    pub(super) fn unary(&self, node: &Node) -> Outcome<Value> {
        let f = element_wise(node)?;
        match self.operand(node, 0)? {
            Value::Function { layer, curve } => {
                Ok(Value::Function { layer: *layer, curve: curve.iter().map(|x| f(*x)).collect() })
            }
            Value::Constant(array) if array.data.len() == 1 => {
                let result = f(doubles(array)?[0]);
                Ok(Value::Constant(Rc::new(Array { data: Numbers::F64(vec![result]), ..Array::clone(array) })))
            }
            Value::Input { .. } => Err("an activation in front of the first layer is not read".to_owned()),
            _ => Err("it must follow a layer".to_owned()),
        }
    }

    pub(super) fn binary(&mut self, node: &Node) -> Outcome<Value> {
        if node.inputs.len() != 2 {
            return Err(format!("two operands are read, it has {}", node.inputs.len()));
        }
        let (a, b) = (self.operand(node, 0)?.clone(), self.operand(node, 1)?.clone());
        for value in [&a, &b] {
            if let Value::Constant(c) = value {
                self.rank = broadcast(self.rank, c);
            }
        }
        match (a, b) {
            (Value::Input { rank }, Value::Constant(c)) => {
                self.scale(node, &c)?;
                Ok(Value::Input { rank: broadcast(rank, &c) })
            }
            (Value::Function { layer, curve }, Value::Constant(c))
            | (Value::Constant(c), Value::Function { layer, curve })
                if c.data.len() != 1 =>
            {
                self.bias(node, layer, &curve, &c)
            }
            (Value::Function { layer, curve }, Value::Constant(c)) => {
                let c = doubles(&c)?[0];
                self.combine(node, layer, curve.iter().map(|x| (*x, c)))
            }
            (Value::Constant(c), Value::Function { layer, curve }) => {
                let c = doubles(&c)?[0];
                self.combine(node, layer, curve.iter().map(|x| (c, *x)))
            }
            (Value::Function { layer, curve }, Value::Function { layer: other, curve: second }) if layer == other => {
                self.combine(node, layer, curve.into_iter().zip(second))
            }
            _ => {
                Err("it joins two layers, or comes before the first one: a chain of layers is read, no branches"
                    .to_owned())
            }
        }
    }

    /// Where: the second operand where the first is true, else the third.
    pub(super) fn choose(&mut self, node: &Node) -> Outcome<Value> {
        let (mut layers, mut curves, mut rank) = (Vec::new(), Vec::new(), self.rank);
        for index in 0..3 {
            match self.operand(node, index)? {
                Value::Function { layer, curve } => {
                    layers.push(*layer);
                    curves.push(curve.clone());
                }
                Value::Constant(array) if array.data.len() == 1 => {
                    rank = broadcast(rank, array);
                    curves.push(vec![doubles(array)?[0]; arguments().len()]);
                }
                _ => return Err("it must choose between functions of one layer's output".to_owned()),
            }
        }
        let layer = layers.first().copied().filter(|first| layers.iter().all(|layer| layer == first));
        let layer = layer.ok_or("it must choose between functions of one layer's output")?;
        self.rank = rank;
        let chosen = |i: usize| if curves[0][i] != 0.0 { curves[1][i] } else { curves[2][i] };
        Ok(Value::Function { layer, curve: (0..curves[0].len()).map(chosen).collect() })
    }

    fn combine(&self, node: &Node, layer: usize, pairs: impl Iterator<Item = (f64, f64)>) -> Outcome<Value> {
        let f: fn(f64, f64) -> f64 = match node.op.as_str() {
            "Add" => |a, b| a + b,
            "Sub" => |a, b| a - b,
            "Mul" => |a, b| a * b,
            "Div" => |a, b| a / b,
            "Pow" => f64::powf,
            "Max" => f64::max,
            "Min" => f64::min,
            // Truth values are 1 and 0.
            "Greater" => |a, b| f64::from(u8::from(a > b)),
            "GreaterOrEqual" => |a, b| f64::from(u8::from(a >= b)),
            "Less" => |a, b| f64::from(u8::from(a < b)),
            _ => |a, b| f64::from(u8::from(a <= b)),
        };
        Ok(Value::Function { layer, curve: pairs.map(|(a, b)| f(a, b)).collect() })
    }

    /// Sub, Div, Mul and Add of constants on the input: a scaling.
    pub(super) fn scale(&mut self, node: &Node, constant: &Array) -> Outcome<()> {
        if !self.layers.is_empty() {
            return Err("the input is used behind the first layer: a chain of layers is read, no branches".to_owned());
        }
        let numbers = doubles(constant)?;
        let (mut shift, mut divisor) =
            self.scaling.take().unwrap_or_else(|| (vec![0.0; numbers.len()], vec![1.0; numbers.len()]));
        if shift.len() == 1 && numbers.len() > 1 {
            (shift, divisor) = (vec![shift[0]; numbers.len()], vec![divisor[0]; numbers.len()]);
        }
        if numbers.len() != 1 && numbers.len() != shift.len() {
            return Err(format!("{} constants for {} inputs", numbers.len(), shift.len()));
        }
        for (i, (shift, divisor)) in shift.iter_mut().zip(&mut divisor).enumerate() {
            let c = numbers[i % numbers.len()];
            match node.op.as_str() {
                "Sub" => *shift += c * *divisor,
                "Add" => *shift -= c * *divisor,
                "Div" => *divisor *= c,
                // A factor of 0 makes a column constant, which no divisor does exactly; infinity does.
                "Mul" => *divisor /= c,
                _ => return Err("a scaling by Sub, Add, Div and Mul is read".to_owned()),
            }
        }
        self.scaling = Some((shift, divisor));
        Ok(())
    }
}

/// The axes of a value of `rank` axes together with `constant`; 0 where the file does not say.
fn broadcast(rank: usize, constant: &Array) -> usize {
    if rank == 0 { 0 } else { rank.max(constant.dims.len()) }
}

/// The element-wise function of a node.
fn element_wise(node: &Node) -> Outcome<Box<dyn Fn(f64) -> f64>> {
    let is = |activation: &Activation| match activation.onnx() {
        Onnx::Same | Onnx::Gate(_) => false,
        Onnx::Operator(op) | Onnx::Alpha(op) => node.op == op,
        // The exact form is the one without an attribute.
        Onnx::Gelu(form) => {
            let tanh = matches!(node.attribute("approximate"), Some(Attribute::Text(form)) if form == "tanh");
            node.op == "Gelu" && tanh == (form == "tanh")
        }
    };
    if let Some(activation) = Activation::element_wise().find(is) {
        let activation = activation.with_parameter(f64::from(node.float("alpha", activation.slope() as f32)));
        return Ok(Box::new(move |x| activation.value(x)));
    }
    match node.op.as_str() {
        "Swish" => {
            let alpha = f64::from(node.float("alpha", 1.0));
            Ok(Box::new(move |x| x / (1.0 + (-alpha * x).exp())))
        }
        "Erf" => Ok(Box::new(libm::erf)),
        "Exp" => Ok(Box::new(f64::exp)),
        "Log" => Ok(Box::new(f64::ln)),
        "Neg" => Ok(Box::new(|x| -x)),
        "Sqrt" => Ok(Box::new(f64::sqrt)),
        "Reciprocal" => Ok(Box::new(f64::recip)),
        "ReduceMean" => {
            Err("this operator is not read. If layer norm is written out here, export with opset 17 or newer, which \
                               has LayerNormalization"
                .into())
        }
        _ => Err(
            "this operator is not read. A multilayer perceptron has dense layers (Gemm, MatMul), LayerNormalization, \
                  BatchNormalization, GroupNormalization and activations"
                .into(),
        ),
    }
}
