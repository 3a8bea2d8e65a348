//! A multilayer perceptron in an ONNX file: its layers, their parameters, and the scaling in front.
//!
//! The nodes are run once, in their order, on values that are no numbers but stand for what is known of them: a constant, the
//! input (perhaps scaled), or an element-wise function of the last dense layer's output. What does not fit is refused by its
//! node.

use super::array::{Array, DOUBLE, FLOAT, Numbers};
use super::function::{Curve, arguments, recognise};
use super::schema::{Attribute, Model, Node};
use crate::error::{Error, Result};
use crate::graph::Activation;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

/// A dense layer of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Numbers that go in.
    pub inputs: usize,
    /// Numbers that come out.
    pub outputs: usize,
    /// \[outputs, inputs\], row-major.
    pub weight: Vec<f32>,
    /// \[outputs\], where there is one.
    pub bias: Option<Vec<f32>>,
    /// What follows it.
    pub activation: Activation,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The layers, first to last.
    pub layers: Vec<Dense>,
    /// Shift and divisor of each input, where the file scales its inputs.
    pub scaling: Option<(Vec<f64>, Vec<f64>)>,
    /// True where the last operation is a log-softmax: the last layer then gives logits.
    pub log_softmax: bool,
    /// The file's metadata.
    pub metadata: Vec<(String, String)>,
}

/// Larger files are none that protobuf allows.
const FILE_BYTES: u64 = 1 << 31;

/// Reads the network in the ONNX file `path`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Weights`] for a file that is damaged or holds another network than dense layers one after the other,
/// which names the node.
pub fn read(path: &Path) -> Result<Found> {
    let bytes = crate::data::read_whole(path, FILE_BYTES).map_err(|e| Error::io(path, e))?;
    let broken =
        |e| Error::weights(path, format!("not a whole ONNX file ({} bytes): {e}. Export it again", bytes.len()));
    let model = Model::decode(&bytes).map_err(broken)?;
    drop(bytes);
    network(model).map_err(|message| Error::weights(path, message))
}

/// What is known of a value.
#[derive(Debug, Clone)]
enum Value {
    Constant(Rc<Array>),
    /// The file's input.
    Input,
    /// A function of the output of the dense layer `layer`, counted from 1.
    Function {
        layer: usize,
        curve: Curve,
    },
    /// The softmax of its output, or the logarithm of that.
    Softmax {
        layer: usize,
        log: bool,
    },
}

type Outcome<T> = std::result::Result<T, String>;

#[derive(Default)]
struct Reader {
    values: HashMap<String, Value>,
    layers: Vec<Dense>,
    scaling: Option<(Vec<f64>, Vec<f64>)>,
    /// Numbers that may still be copied.
    budget: usize,
}

/// More nodes than any network of dense layers has: each value costs a few KiB.
const MOST_NODES: usize = 10_000;

fn network(model: Model) -> Outcome<Found> {
    let graph = model.graph;
    if graph.nodes.is_empty() {
        return Err("the file holds no nodes, so it is no ONNX network. Export it again".to_owned());
    }
    if graph.nodes.len() > MOST_NODES {
        return Err(format!("the file has {} nodes; {MOST_NODES} at most are read", graph.nodes.len()));
    }
    let mut reader = Reader::default();
    for constant in graph.initializers {
        reader.budget += constant.data.len();
        reader.values.insert(constant.name.clone(), Value::Constant(Rc::new(constant)));
    }
    for (_, attribute) in graph.nodes.iter().flat_map(|node| &node.attributes) {
        reader.budget += if let Attribute::Tensor(tensor) = attribute { tensor.data.len() } else { 0 };
    }
    // Each number is copied into a layer once, and once more where a matrix is transposed.
    reader.budget *= 2;
    // Old exporters list the constants among the inputs.
    let inputs: Vec<_> = graph.inputs.iter().filter(|input| !reader.values.contains_key(&input.name)).collect();
    let [input] = inputs[..] else {
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        return Err(format!("a network with one input is read, this one has {} ({})", names.len(), names.join(", ")));
    };
    reader.values.insert(input.name.clone(), Value::Input);
    for (i, node) in graph.nodes.iter().enumerate() {
        reader.node(node).map_err(|why| format!("node {i} {}: {why}", describe(node)))?;
    }
    let [output] = &graph.outputs[..] else {
        return Err(format!("a network with one output is read, this one has {}", graph.outputs.len()));
    };
    let log_softmax = reader.finish(&output.name)?;
    let Reader { layers, scaling, .. } = reader;
    Ok(Found { layers, scaling, log_softmax, metadata: model.metadata })
}

fn describe(node: &Node) -> String {
    let domain = if node.domain.is_empty() { String::new() } else { format!("{}.", node.domain) };
    let name = if node.name.is_empty() { String::new() } else { format!(" \"{}\"", node.name) };
    format!("({domain}{}{name})", node.op)
}

impl Reader {
    fn node(&mut self, node: &Node) -> Outcome<()> {
        if !node.domain.is_empty() && node.domain != "ai.onnx" {
            return Err("only ONNX's own operators are read".to_owned());
        }
        let value = self.result(node)?;
        // Further results (the mask of Dropout) are for training; a node that takes one finds no such value.
        let name = node.outputs.first().ok_or("it has no result")?;
        self.values.insert(name.clone(), value);
        Ok(())
    }

    fn operand(&self, node: &Node, index: usize) -> Outcome<&Value> {
        let name = node.inputs.get(index).ok_or_else(|| format!("operand {index} is missing"))?;
        self.values.get(name).ok_or_else(|| format!("operand \"{name}\" is not computed by any node before it"))
    }

    fn constant(&self, node: &Node, index: usize) -> Outcome<Rc<Array>> {
        match self.operand(node, index)? {
            Value::Constant(array) => Ok(Rc::clone(array)),
            _ => Err(format!("operand {index} must be a constant")),
        }
    }

    /// Counts `numbers` that are copied: a small file with many nodes must not take much memory.
    fn spend(&mut self, numbers: usize) -> Outcome<()> {
        let rest = self.budget.checked_sub(numbers);
        self.budget = rest.ok_or("its constants are used by more than one layer, which is not read")?;
        Ok(())
    }

    fn result(&mut self, node: &Node) -> Outcome<Value> {
        match node.op.as_str() {
            "Constant" => constant_of(node),
            "Gemm" | "MatMul" => self.dense(node),
            // At inference these change nothing, or the shape alone: samples are rows anyway.
            "Identity" | "Dropout" => self.operand(node, 0).cloned(),
            "Cast" if [FLOAT, DOUBLE].contains(&node.int("to", 0)) => self.operand(node, 0).cloned(),
            "Cast" => Err("only casts to float and double are read".to_owned()),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => match self.operand(node, 0)? {
                Value::Input => Ok(Value::Input),
                _ if node.op == "Flatten" => self.operand(node, 0).cloned(),
                _ => Err("shapes are changed in front of the first layer only".to_owned()),
            },
            "Transpose" => {
                let matrix = self.constant(node, 0)?;
                self.spend(matrix.data.len())?;
                Ok(Value::Constant(Rc::new(transposed(&matrix)?)))
            }
            "Softmax" | "LogSoftmax" => self.softmax(node),
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Max" | "Min" | "Greater" | "GreaterOrEqual" | "Less"
            | "LessOrEqual" => self.binary(node),
            "Where" => self.choose(node),
            _ => self.unary(node),
        }
    }

    /// Gemm: alpha a b + beta c; MatMul: a b. A new layer.
    fn dense(&mut self, node: &Node) -> Outcome<Value> {
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
        let expected = self.layers.last().map(|layer: &Dense| layer.outputs);
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
        self.close(&operand)?;
        self.layers.push(Dense { inputs, outputs, weight, bias, activation: Activation::Identity });
        Ok(Value::Function { layer: self.layers.len(), curve: arguments() })
    }

    /// Decides the activation of the last layer, whose last value is `value`: a dense layer takes it, or it is the output.
    fn close(&mut self, value: &Value) -> Outcome<()> {
        let (layer, activation) = match value {
            Value::Constant(_) => return Err("it takes a constant where the layer before is expected".to_owned()),
            Value::Input => (0, None),
            Value::Softmax { log: true, .. } => {
                return Err("a log-softmax is read as the last operation only".to_owned());
            }
            Value::Softmax { layer, .. } => (*layer, Some(Activation::Softmax)),
            Value::Function { layer, curve } => (*layer, Some(recognise(curve).ok_or_else(|| unknown(*layer))?)),
        };
        if layer != self.layers.len() {
            return Err(format!(
                "it takes the output of layer {layer}, and {} layers came before: a chain of layers is read, no branches",
                self.layers.len()
            ));
        }
        if let (Some(last), Some(activation)) = (self.layers.last_mut(), activation) {
            last.activation = activation;
        }
        Ok(())
    }

    fn finish(&mut self, output: &str) -> Outcome<bool> {
        let value = self.values.get(output).ok_or_else(|| format!("no node computes the output \"{output}\""))?.clone();
        if self.layers.is_empty() {
            return Err("the file has no dense layer (Gemm or MatMul)".to_owned());
        }
        let log = matches!(value, Value::Softmax { log: true, .. });
        let value = match value {
            // The logarithm of the softmax has the gradient of logits under cross_entropy.
            Value::Softmax { layer, log: true } => Value::Function { layer, curve: arguments() },
            other => other,
        };
        self.close(&value).map_err(|why| format!("the output \"{output}\": {why}"))?;
        Ok(log)
    }

    fn softmax(&self, node: &Node) -> Outcome<Value> {
        let Value::Function { layer, curve } = self.operand(node, 0)? else {
            return Err("it must follow a dense layer".to_owned());
        };
        if ![-1, 1].contains(&node.int("axis", -1)) || recognise(curve) != Some(Activation::Identity) {
            return Err("it must follow a dense layer directly, along the last axis".to_owned());
        }
        Ok(Value::Softmax { layer: *layer, log: node.op == "LogSoftmax" })
    }

    fn unary(&self, node: &Node) -> Outcome<Value> {
        let f = element_wise(node)?;
        match self.operand(node, 0)? {
            Value::Function { layer, curve } => {
                Ok(Value::Function { layer: *layer, curve: curve.iter().map(|x| f(*x)).collect() })
            }
            Value::Constant(array) if array.data.len() == 1 => {
                let result = f(doubles(array)?[0]);
                Ok(Value::Constant(Rc::new(Array { data: Numbers::F64(vec![result]), ..Array::clone(array) })))
            }
            Value::Input => Err("an activation in front of the first layer is not read".to_owned()),
            _ => Err("it must follow a dense layer".to_owned()),
        }
    }

    fn binary(&mut self, node: &Node) -> Outcome<Value> {
        if node.inputs.len() != 2 {
            return Err(format!("two operands are read, it has {}", node.inputs.len()));
        }
        let (a, b) = (self.operand(node, 0)?.clone(), self.operand(node, 1)?.clone());
        match (a, b) {
            (Value::Input, Value::Constant(c)) => self.scale(node, &c),
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
    fn choose(&self, node: &Node) -> Outcome<Value> {
        let (mut layers, mut curves) = (Vec::new(), Vec::new());
        for index in 0..3 {
            match self.operand(node, index)? {
                Value::Function { layer, curve } => {
                    layers.push(*layer);
                    curves.push(curve.clone());
                }
                Value::Constant(array) if array.data.len() == 1 => {
                    curves.push(vec![doubles(array)?[0]; arguments().len()])
                }
                _ => return Err("it must choose between functions of one layer's output".to_owned()),
            }
        }
        let layer = layers.first().copied().filter(|first| layers.iter().all(|layer| layer == first));
        let layer = layer.ok_or("it must choose between functions of one layer's output")?;
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

    /// A vector added to a layer without bias, directly behind it.
    fn bias(&mut self, node: &Node, layer: usize, curve: &Curve, constant: &Array) -> Outcome<Value> {
        let fresh = node.op == "Add" && layer == self.layers.len() && *curve == arguments();
        match self.layers.last_mut() {
            Some(last) if fresh && last.bias.is_none() => {
                last.bias = Some(vector(constant, last.outputs)?);
                Ok(Value::Function { layer, curve: curve.clone() })
            }
            _ => Err("a constant for each column is read as a layer's bias only".to_owned()),
        }
    }

    /// Sub, Div, Mul and Add of constants on the input: a scaling.
    fn scale(&mut self, node: &Node, constant: &Array) -> Outcome<Value> {
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
        Ok(Value::Input)
    }
}

fn unknown(layer: usize) -> String {
    let names = Activation::NAMES.join(", ");
    format!("what follows dense layer {layer} is none of the activations that wgrad has ({names})")
}

/// The element-wise function of a node.
fn element_wise(node: &Node) -> Outcome<Box<dyn Fn(f64) -> f64>> {
    use super::function::value;
    let named = |activation| -> Outcome<Box<dyn Fn(f64) -> f64>> { Ok(Box::new(move |x| value(activation, x))) };
    match node.op.as_str() {
        "Sigmoid" => named(Activation::Sigmoid),
        "Tanh" => named(Activation::Tanh),
        "Relu" => named(Activation::Relu),
        "Softplus" => named(Activation::Softplus),
        "LeakyRelu" => named(Activation::LeakyRelu { slope: f64::from(node.float("alpha", 0.01)) }),
        "Gelu" => match node.attribute("approximate") {
            Some(Attribute::Text(form)) if form == "tanh" => named(Activation::GeluTanh),
            _ => named(Activation::Gelu),
        },
        "Swish" if node.float("alpha", 1.0) == 1.0 => named(Activation::Silu),
        "Erf" => Ok(Box::new(libm::erf)),
        "Exp" => Ok(Box::new(f64::exp)),
        "Log" => Ok(Box::new(f64::ln)),
        "Neg" => Ok(Box::new(|x| -x)),
        "Sqrt" => Ok(Box::new(f64::sqrt)),
        "Reciprocal" => Ok(Box::new(f64::recip)),
        _ => {
            Err("this operator is not read. A multilayer perceptron has dense layers (Gemm, MatMul) and activations"
                .into())
        }
    }
}

fn constant_of(node: &Node) -> Outcome<Value> {
    let array = |dims: Vec<usize>, data| Array { name: String::new(), dims, data };
    let found = node.attributes.iter().find_map(|(name, value)| match (name.as_str(), value) {
        ("value", Attribute::Tensor(tensor)) => Some(tensor.clone()),
        ("value_float", Attribute::Float(v)) => Some(array(vec![], Numbers::F32(vec![*v]))),
        ("value_int", Attribute::Int(v)) => Some(array(vec![], Numbers::I64(vec![*v]))),
        ("value_floats", Attribute::Floats(v)) => Some(array(vec![v.len()], Numbers::F32(v.clone()))),
        ("value_ints", Attribute::Ints(v)) => Some(array(vec![v.len()], Numbers::I64(v.clone()))),
        _ => None,
    });
    found.map(|array| Value::Constant(Rc::new(array))).ok_or_else(|| "it has no value that is read".to_owned())
}

fn doubles(array: &Array) -> Outcome<Vec<f64>> {
    let numbers: Vec<f64> = match &array.data {
        Numbers::F32(v) => v.iter().map(|v| f64::from(*v)).collect(),
        Numbers::F64(v) => v.clone(),
        Numbers::I64(v) => v.iter().map(|v| *v as f64).collect(),
        Numbers::Unread(why) => return Err(format!("the constant \"{}\" cannot be used: {why}", array.name)),
    };
    match numbers.iter().find(|v| !v.is_finite()) {
        Some(v) => Err(format!("the constant \"{}\" holds {v}, which is no finite number", array.name)),
        None if numbers.is_empty() => Err(format!("the constant \"{}\" is empty", array.name)),
        None => Ok(numbers),
    }
}

/// Parameters, which are single precision: nothing is rounded on the way.
fn singles(array: &Array) -> Outcome<Vec<f32>> {
    let name = &array.name;
    let Numbers::F32(values) = &array.data else {
        doubles(array)?;
        return Err(format!("the parameters \"{name}\" are not single precision. Convert the model to float32"));
    };
    doubles(array)?;
    Ok(values.clone())
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

/// The transpose of a matrix.
fn transposed(array: &Array) -> Outcome<Array> {
    let [rows, columns] = array.dims[..] else {
        return Err(format!("the constant \"{}\" has the shape {:?}, expected two dimensions", array.name, array.dims));
    };
    let values = singles(array)?;
    let data =
        (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c))).map(|(r, c)| values[r * columns + c]).collect();
    Ok(Array { name: array.name.clone(), dims: vec![columns, rows], data: Numbers::F32(data) })
}
