//! A trained network as an ONNX file.

use super::array::{FLOAT, Numbers};
use super::nodes::Nodes;
use super::schema::{Attribute, Graph, Model, ValueInfo};
use super::{LOSS, OPSET, SCALER, SCHEMA};
use crate::data::{Scale, Scaler};
use crate::error::{Error, Remedy, Result};
use crate::graph::{Activation, Loss};
use crate::kernels::activation::Onnx;
use crate::kernels::loss::Output;
use crate::nn::{self, Exporter, Tensor};
use crate::train::run_folder::Trained;

/// What is written beside the layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Export {
    /// The run's scaling in front of the layers, so that the input is the numbers of the data file.
    pub with_scaler: bool,
    /// Probabilities in place of logits, as `wgrad predict` gives them.
    pub probabilities: bool,
}

/// The bytes of an ONNX file that computes what `trained` does: input `x`, float \[batch, features\] (double where a scaling
/// is in front: what a data file holds may have more digits than a float); output `logits`, `probabilities` or `y`, float
/// \[batch, outputs\]. The number of rows is free.
///
/// # Errors
/// [`Error::Shape`] where probabilities are asked for and the loss knows none.
pub fn encode(trained: &Trained, export: Export) -> Result<Vec<u8>> {
    let network = &trained.network;
    let mut graph = Nodes::default();
    let mut value = "x".to_owned();
    if export.with_scaler {
        value = scale(&mut graph, &trained.preprocessing.scaler, value);
    }
    for (i, layer) in network.layers.iter().enumerate() {
        let (inputs, tensors) = (layer.inputs, &trained.parameters[..]);
        value = layer.module.onnx(&mut OfLayer { graph: &mut graph, i, inputs, tensors }, &value)?;
        value = activate(&mut graph, layer.activation, &format!("layers.{i}"), value);
    }
    let output = match (network.loss.output(), export.probabilities) {
        (Output::ClassLogit, true) => softmax(&mut graph, "output", &value),
        (Output::Logit, true) => graph.push("Sigmoid", "output.sigmoid", &[&value], &[]),
        // The last layer gives them itself.
        (Output::Probability, _) | (_, false) => value,
        (Output::Number | Output::Margin, true) => {
            return Err(Error::Shape(format!(
                "the loss {} knows no probabilities. {}",
                network.loss.name(),
                Remedy::WithoutProbabilities
            )));
        }
    };
    let name = output_name(network.loss, export);
    graph.push("Identity", name, &[&output], &[]);
    let double = export.with_scaler && trained.preprocessing.scaler.kind() != Scale::None;
    let info = |name: &str, double, columns| {
        vec![ValueInfo { name: name.to_owned(), double, columns: Some(columns), rank: 2 }]
    };
    let model = Model {
        opset: graph.opset.max(OPSET),
        producer: "wgrad".to_owned(),
        metadata: metadata(trained, export)?,
        graph: Graph {
            nodes: graph.nodes,
            initializers: graph.constants,
            inputs: info("x", double, network.inputs()),
            outputs: info(name, false, network.outputs()),
        },
    };
    Ok(model.encode())
}

fn output_name(loss: Loss, export: Export) -> &'static str {
    match loss.output() {
        Output::ClassLogit | Output::Logit if !export.probabilities => "logits",
        Output::ClassLogit | Output::Logit | Output::Probability => "probabilities",
        Output::Number | Output::Margin => "y",
    }
}

fn metadata(trained: &Trained, export: Export) -> Result<Vec<(String, String)>> {
    let json = |value: serde_json::Result<String>| value.map_err(|e| Error::Internal(format!("metadata: {e}")));
    let preprocessing = &trained.preprocessing;
    let mut metadata = vec![
        (LOSS.to_owned(), trained.network.loss.name().to_owned()),
        (SCHEMA.to_owned(), json(serde_json::to_string(&preprocessing.schema))?),
    ];
    if export.with_scaler {
        metadata.push((SCALER.to_owned(), json(serde_json::to_string(&preprocessing.scaler))?));
    }
    Ok(metadata)
}

/// (x - shift) / divisor in double precision, then rounded, as `wgrad` scales: in single precision a mean far larger than the
/// spread would cost digits. A constant column, which becomes 0 by minmax, is multiplied by 0.
fn scale(graph: &mut Nodes, scaler: &Scaler, input: String) -> String {
    let Some(Constants { shift, divisor, factor }) = Constants::of(scaler) else { return input };
    let width = [shift.len()];
    let shift = graph.constant("scaler.shift", &width, Numbers::F64(shift));
    let divisor = graph.constant("scaler.divisor", &width, Numbers::F64(divisor));
    let x = graph.push("Sub", "scaler.shifted", &[&input, &shift], &[]);
    let mut x = graph.push("Div", "scaler.divided", &[&x, &divisor], &[]);
    if let Some(factor) = factor {
        let factor = graph.constant("scaler.factor", &width, Numbers::F64(factor));
        x = graph.push("Mul", "scaler.masked", &[&x, &factor], &[]);
    }
    graph.push("Cast", "scaler.float", &[&x], &[("to", Attribute::Int(FLOAT))])
}

/// A scaling as it stands in a graph: (x - shift) / divisor * factor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Constants {
    pub shift: Vec<f64>,
    pub divisor: Vec<f64>,
    pub factor: Option<Vec<f64>>,
}

impl Constants {
    /// `None` where nothing is scaled.
    pub fn of(scaler: &Scaler) -> Option<Constants> {
        match scaler {
            Scaler::None => None,
            Scaler::Standard { mean, std } => {
                Some(Constants { shift: mean.clone(), divisor: std.clone(), factor: None })
            }
            Scaler::Minmax { min, max } => {
                let columns = || min.iter().zip(max);
                let divisor = columns().map(|(low, high)| if high > low { high - low } else { 1.0 }).collect();
                let factor: Vec<f64> = columns().map(|(low, high)| f64::from(u8::from(high > low))).collect();
                let factor = factor.contains(&0.0).then_some(factor);
                Some(Constants { shift: min.clone(), divisor, factor })
            }
        }
    }
}

/// The file as the module of layer `i` sees it: parameters have the names that they have everywhere.
struct OfLayer<'a> {
    graph: &'a mut Nodes,
    i: usize,
    inputs: usize,
    tensors: &'a [Tensor],
}

impl Exporter for OfLayer<'_> {
    fn node(&mut self, op: &str, name: &str, inputs: &[&str], attributes: &[(&str, nn::Attribute)]) -> String {
        let attributes: Vec<(&str, Attribute)> = attributes.iter().map(|(name, a)| (*name, a.into())).collect();
        self.graph.push(op, &format!("layers.{}.{name}", self.i), inputs, &attributes)
    }

    fn stored(&mut self, suffix: &str) -> Result<String> {
        let name = format!("layers.{}.{suffix}", self.i);
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name);
        let tensor = tensor.ok_or_else(|| Error::Internal(format!("the network has no {name}")))?;
        let numbers = Numbers::F32(tensor.values.iter().map(|v| *v as f32).collect());
        Ok(self.graph.constant(&name, &tensor.shape, numbers))
    }

    fn constant(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> String {
        self.graph.constant(&format!("layers.{}.{name}", self.i), shape, Numbers::F32(values))
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn needs_opset(&mut self, opset: i64) {
        self.graph.opset = self.graph.opset.max(opset);
    }
}

fn softmax(graph: &mut Nodes, label: &str, x: &str) -> String {
    graph.push("Softmax", &format!("{label}.softmax"), &[x], &[("axis", Attribute::Int(-1))])
}

fn activate(graph: &mut Nodes, activation: Activation, label: &str, x: String) -> String {
    if !activation.is_element_wise() {
        return softmax(graph, label, &x);
    }
    let name = format!("{label}.{}", activation.name());
    let mut one = |op: &str, attributes: &[(&str, Attribute)]| graph.push(op, &name, &[&x], attributes);
    match activation.onnx() {
        Onnx::Same => x,
        Onnx::Operator(op) => one(op, &[]),
        Onnx::Gelu(form) => one("Gelu", &[("approximate", Attribute::Text(form.into()))]),
        Onnx::Alpha(op) => one(op, &[("alpha", Attribute::Float(activation.slope() as f32))]),
        Onnx::Gate(op) => {
            let gate = graph.push(op, &format!("{label}.gate"), &[&x], &[]);
            graph.push("Mul", &name, &[&x, &gate], &[])
        }
    }
}
