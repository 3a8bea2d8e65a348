//! Networks: layers and a loss, and the graphs that train, evaluate and differentiate them.

mod approx;
pub mod digest;
pub mod disk;
pub mod init;
pub mod weights;

pub use init::{DenseShape, Init, Tensor};

use crate::error::Result;
use crate::graph::{Activation, Graph, Loss, Op, Optimizer, TensorType, Value, autodiff, check, optimizer, stabilise};

/// Dense layers and a loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The layers, input first.
    pub layers: Vec<DenseShape>,
    /// The loss on the last layer's output.
    pub loss: Loss,
}

/// Where a graph's samples come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Samples<'a> {
    /// Prefix of the data sources: `<name>.x`, `<name>.target`.
    pub name: &'a str,
    /// Rows of the data set on the device.
    pub rows: usize,
    /// Rows of a step.
    pub batch: usize,
}

impl Network {
    /// Numbers that go into the network.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |l| l.inputs)
    }

    /// Numbers that come out of it.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |l| l.outputs)
    }

    /// Names and shapes of the parameters, in order.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        init::parameter_shapes(&self.layers)
    }

    /// Number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    /// Bytes of the parameters in `f32`, also where no machine could hold them.
    pub fn parameter_bytes(&self) -> u128 {
        let size = |shape: &[usize]| shape.iter().map(|&s| s as u128).product::<u128>();
        4 * self.parameters().iter().map(|(_, shape)| size(shape)).sum::<u128>()
    }

    /// One line a layer: `64 -> 32 sigmoid`.
    pub fn describe(&self) -> Vec<String> {
        let line = |l: &DenseShape| {
            let bias = if l.bias { "" } else { ", no bias" };
            format!("{} -> {} {}{bias}", l.inputs, l.outputs, l.activation.name())
        };
        self.layers.iter().map(line).collect()
    }

    /// The forward pass alone; output `pred`.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] naming the layer.
    pub fn predict_graph(&self, samples: Samples<'_>) -> Result<Graph> {
        let mut graph = Graph::new();
        let index = index_table(&mut graph, samples.batch);
        let pred = self.forward(&mut graph, samples, index)?;
        graph.output("pred", pred);
        check::verify(&graph, "model")?;
        Ok(graph)
    }

    /// The forward pass and the loss; outputs `pred`, `loss`.
    ///
    /// # Errors
    /// As [`Network::predict_graph`].
    pub fn evaluate_graph(&self, samples: Samples<'_>) -> Result<Graph> {
        let mut graph = Graph::new();
        self.with_loss(&mut graph, samples)?;
        Ok(graph)
    }

    /// Forward pass, loss and the gradient of every parameter; outputs `pred`, `loss`, `grad.<parameter>`.
    ///
    /// # Errors
    /// As [`Network::predict_graph`].
    pub fn gradient_graph(&self, samples: Samples<'_>) -> Result<Graph> {
        let mut graph = Graph::new();
        let loss = self.with_loss(&mut graph, samples)?;
        autodiff::differentiate(&mut graph, loss)?;
        check::verify(&graph, "differentiation")?;
        Ok(graph)
    }

    /// The whole train step, the optimizer's updates included.
    ///
    /// # Errors
    /// As [`Network::predict_graph`].
    pub fn train_graph(&self, samples: Samples<'_>, optimizer: Optimizer) -> Result<Graph> {
        let mut graph = self.gradient_graph(samples)?;
        // Nobody reads the predictions of a training step; without the output they need not outlive their use.
        graph.outputs.retain(|(name, _)| name != "pred");
        optimizer::append_updates(&mut graph, optimizer)?;
        check::verify(&graph, "optimizer")?;
        Ok(graph)
    }

    fn with_loss(&self, graph: &mut Graph, samples: Samples<'_>) -> Result<Value> {
        let index = index_table(graph, samples.batch);
        let pred = self.forward(graph, samples, index)?;
        graph.output("pred", pred);
        let ty = if self.loss.takes_class() {
            TensorType::u32(&[samples.rows])
        } else {
            TensorType::f32(&[samples.rows, self.outputs()])
        };
        let all = graph.source(Op::Data { name: format!("{}.target", samples.name) }, ty, "data");
        let target = graph.push(Op::Gather, &[all, index], "batch.target")?;
        let ty = TensorType::f32(&[samples.batch]);
        let weight = graph.source(Op::Table { name: "weight".into() }, ty, "tables");
        let each = graph.push(Op::Loss(self.loss), &[pred, target], "loss")?;
        let loss = graph.push(Op::WeightedSum, &[each, weight], "loss.mean")?;
        graph.output("loss", loss);
        check::verify(graph, "model")?;
        stabilise::stabilise(graph);
        check::verify(graph, "stabilisation")?;
        Ok(loss)
    }

    fn forward(&self, graph: &mut Graph, samples: Samples<'_>, index: Value) -> Result<Value> {
        let ty = TensorType::f32(&[samples.rows, self.inputs()]);
        let all = graph.source(Op::Data { name: format!("{}.x", samples.name) }, ty, "data");
        let mut x = graph.push(Op::Gather, &[all, index], "batch.x")?;
        for (i, layer) in self.layers.iter().enumerate() {
            x = dense(graph, i, layer, x)?;
        }
        Ok(x)
    }
}

fn index_table(graph: &mut Graph, batch: usize) -> Value {
    graph.source(Op::Table { name: "index".into() }, TensorType::u32(&[batch]), "tables")
}

/// y = activation(x · wᵀ + b)
fn dense(graph: &mut Graph, i: usize, layer: &DenseShape, x: Value) -> Result<Value> {
    let label = format!("layers.{i}");
    let weight = Op::Param { name: format!("layers.{i}.weight"), decay: true };
    let w = graph.source(weight, TensorType::f32(&[layer.outputs, layer.inputs]), &label);
    let mut y = graph.push(Op::MatMul { trans_a: false, trans_b: true }, &[x, w], &label)?;
    if layer.bias {
        let bias = Op::Param { name: format!("layers.{i}.bias"), decay: false };
        let b = graph.source(bias, TensorType::f32(&[layer.outputs]), &label);
        y = graph.push(Op::AddBias, &[y, b], &label)?;
    }
    if layer.activation != Activation::Identity {
        y = graph.push(Op::Activate(layer.activation), &[y], &label)?;
    }
    Ok(y)
}
