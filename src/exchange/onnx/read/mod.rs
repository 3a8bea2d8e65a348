//! A multilayer perceptron in an ONNX file: its layers, their parameters, and the scaling in front.
//!
//! The nodes are run once, in their order, on values that are no numbers but stand for what is known of them: a constant, the
//! input (perhaps scaled), or an element-wise function of the last layer's output. What does not fit is refused by its node.

mod constant;
mod dense;
mod element;
mod found;
mod module;

pub use found::{Found, FoundLayer};

use super::array::{Array, DOUBLE, FLOAT};
use super::function::{Curve, arguments, recognise};
use super::schema::{Attribute, Model, Node};
use crate::error::{Error, Result};
use crate::graph::Activation;
use constant::{constant_of, doubles, transposed};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

/// Larger files are none that protobuf allows.
const FILE_BYTES: u64 = 1 << 31;

/// Reads the network in the ONNX file `path`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Weights`] for a file that is damaged or holds another network than dense and normalising
/// layers one after the other, which names the node.
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
    /// The file's input, of `rank` axes; 0 where the file does not say.
    Input {
        rank: usize,
    },
    /// A function of the output of the layer `layer`, counted from 1.
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
    layers: Vec<FoundLayer>,
    /// Axes of what the first layer takes, which those behind it have too; 0 where the file does not say.
    rank: usize,
    /// The version of the operators.
    opset: i64,
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
    let mut reader = Reader { opset: model.opset, ..Reader::default() };
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
    reader.values.insert(input.name.clone(), Value::Input { rank: input.rank });
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
        if let Some(import) = module::import_of(&node.op) {
            return self.module(node, import);
        }
        match node.op.as_str() {
            "Constant" => constant_of(node),
            "Gemm" | "MatMul" => self.dense(node),
            // At inference these change nothing, or the shape alone: samples are rows anyway.
            "Identity" => self.operand(node, 0).cloned(),
            "Cast" if [FLOAT, DOUBLE].contains(&node.int("to", 0)) => self.operand(node, 0).cloned(),
            "Cast" => Err("only casts to float and double are read".to_owned()),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => match self.operand(node, 0)? {
                Value::Input { .. } => Ok(Value::Input { rank: self.rank_after(node) }),
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

    /// Decides the activation of the last layer, whose last value is `value`: a layer takes it, or it is the output.
    fn close(&mut self, value: &Value) -> Outcome<()> {
        let (layer, activation) = match value {
            Value::Constant(_) => return Err("it takes a constant where the layer before is expected".to_owned()),
            Value::Input { .. } => (0, None),
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
            last.layer.activation = activation;
        }
        if let Value::Input { rank } = value {
            self.rank = *rank;
        }
        Ok(())
    }

    /// Appends a layer that takes `operand`; gives its output.
    fn append(&mut self, operand: &Value, layer: FoundLayer) -> Outcome<Value> {
        self.close(operand)?;
        self.layers.push(layer);
        Ok(Value::Function { layer: self.layers.len(), curve: arguments() })
    }

    /// The axes of the input behind a node that changes its shape; 0 where the node does not say.
    fn rank_after(&self, node: &Node) -> usize {
        match node.op.as_str() {
            "Flatten" => 2,
            "Reshape" => self.constant(node, 1).map_or(0, |shape| shape.data.len()),
            _ => 0,
        }
    }

    fn finish(&mut self, output: &str) -> Outcome<bool> {
        let value = self.values.get(output).ok_or_else(|| format!("no node computes the output \"{output}\""))?.clone();
        if !self.layers.iter().any(|found| found.layer.module.width().is_some()) {
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
            return Err("it must follow a layer".to_owned());
        };
        if ![-1, 1].contains(&node.int("axis", -1)) || recognise(curve) != Some(Activation::Identity) {
            return Err("it must follow a layer directly, along the last axis".to_owned());
        }
        Ok(Value::Softmax { layer: *layer, log: node.op == "LogSoftmax" })
    }
}

fn unknown(layer: usize) -> String {
    let names = Activation::NAMES.join(", ");
    format!("what follows layer {layer} is none of the activations that wgrad has ({names})")
}
