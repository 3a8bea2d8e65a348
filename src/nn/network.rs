//! Networks: layers and a loss, and the graphs that train, evaluate and differentiate them.

use super::layer::{Layer, Mode};
use super::{init, scope};
use crate::error::{Error, Result};
use crate::graph::{Graph, Loss, Optimizer, Role, Source, TensorType, UpdateRule, Value, check};
use crate::ops::{Add, Concat, Gather, LossValue, WeightedSum};
use crate::passes;

/// Layers and a loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The layers, input first.
    pub layers: Vec<Layer>,
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

impl Samples<'_> {
    /// The data set of the features.
    pub fn x(name: &str) -> Role {
        Role::Data(format!("{name}.x"))
    }

    /// The data set of the targets.
    pub fn target(name: &str) -> Role {
        Role::Data(format!("{name}.target"))
    }
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

    /// Names and shapes of all that a weight file holds, in order: the parameters, and what layers keep beside them.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        init::tensor_shapes(&self.layers)
    }

    /// Names, `state.<slot>.<parameter>`, and shapes of all that `optimizer` keeps of the parameters, slot by slot.
    pub fn states(&self, optimizer: Optimizer) -> Vec<(String, Vec<usize>)> {
        let parameters = self.parameters().into_iter();
        let of: Vec<_> = parameters.map(|(param, shape)| (param, optimizer.states(&shape))).collect();
        let slots = of.iter().map(|(_, states)| states.len()).max().unwrap_or(0);
        let named = |slot: usize, (param, states): &(String, Vec<Vec<usize>>)| {
            let name = Role::State { param: param.clone(), slot }.to_string();
            states.get(slot).map(|shape| (name, shape.clone()))
        };
        (0..slots).flat_map(|slot| of.iter().filter_map(move |of| named(slot, of))).collect()
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
        self.layers.iter().map(Layer::describe).collect()
    }

    /// The forward pass alone; output `pred`.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] naming the layer.
    pub fn predict_graph(&self, samples: Samples<'_>) -> Result<Graph> {
        let mut graph = Graph::new();
        let index = index_table(&mut graph, samples.batch, 0);
        let pred = self.forward(&mut graph, samples, index, Mode::Evaluate, 0)?;
        graph.output(Role::Prediction, pred);
        check::verify(&graph, "model")?;
        Ok(graph)
    }

    /// The forward pass and the loss, without label smoothing; outputs `pred`, `loss`.
    ///
    /// # Errors
    /// As [`Network::predict_graph`].
    pub fn evaluate_graph(&self, samples: Samples<'_>) -> Result<Graph> {
        Network { loss: self.loss.plain(), ..self.clone() }.loss_graph(samples, Mode::Evaluate)
    }

    /// The forward pass and the loss as in a training step, or in use; outputs `pred`, `loss`.
    ///
    /// # Errors
    /// As [`Network::predict_graph`].
    pub fn loss_graph(&self, samples: Samples<'_>, mode: Mode) -> Result<Graph> {
        let mut graph = Graph::new();
        self.with_loss(&mut graph, samples, mode)?;
        Ok(graph)
    }

    /// Forward pass, loss and the gradient of every parameter; outputs `pred`, `loss`, `grad.<parameter>`.
    ///
    /// # Errors
    /// As [`Network::predict_graph`].
    pub fn gradient_graph(&self, samples: Samples<'_>, mode: Mode) -> Result<Graph> {
        let mut graph = Graph::new();
        let loss = self.with_loss(&mut graph, samples, mode)?;
        passes::differentiate(&mut graph, loss)?;
        check::verify(&graph, "differentiation")?;
        Ok(graph)
    }

    /// The whole train step, the optimizer's updates included.
    ///
    /// # Errors
    /// As [`Network::predict_graph`].
    pub fn train_graph(&self, samples: Samples<'_>, rule: impl Into<UpdateRule>) -> Result<Graph> {
        let rule = rule.into();
        let mut graph = match rule.parts(samples.batch) {
            (_, 1) => self.gradient_graph(samples, Mode::Train)?,
            (rows, count) => self.accumulated_graph(Samples { batch: rows, ..samples }, count)?,
        };
        // Nobody reads the predictions of a training step; without the output they need not outlive their use.
        graph.outputs.retain(|(role, _)| *role != Role::Prediction);
        passes::append_updates(&mut graph, rule)?;
        check::verify(&graph, "optimizer")?;
        Ok(graph)
    }

    fn with_loss(&self, graph: &mut Graph, samples: Samples<'_>, mode: Mode) -> Result<Value> {
        let (pred, each, weight) = self.losses(graph, samples, mode, None)?;
        graph.output(Role::Prediction, pred);
        let loss = graph.push(WeightedSum, &[each, weight], "loss.mean")?;
        graph.output(Role::Loss, loss);
        check::verify(graph, "model")?;
        passes::stabilise(graph)?;
        check::verify(graph, "stabilisation")?;
        Ok(loss)
    }

    /// Predictions, the loss of each sample and its weight, for a batch or a part of one.
    fn losses(
        &self,
        graph: &mut Graph,
        samples: Samples<'_>,
        mode: Mode,
        part: Option<usize>,
    ) -> Result<(Value, Value, Value)> {
        let index = index_table(graph, samples.batch, part.unwrap_or(0));
        let pred = self.forward(graph, samples, index, mode, part.unwrap_or(0))?;
        let ty = if self.loss.takes_class() {
            TensorType::u32(&[samples.rows])
        } else {
            TensorType::f32(&[samples.rows, self.outputs()])
        };
        let all = graph.source_once(Source::Data { name: format!("{}.target", samples.name) }, ty, "data");
        let target = graph.push(Gather, &[all, index], "batch.target")?;
        let name = part.map_or("weight".into(), weight_table);
        let weight = graph.source(Source::Table { name }, TensorType::f32(&[samples.batch]), "tables");
        let each = graph.push(LossValue(self.loss), &[pred, target], "loss")?;
        Ok((pred, each, weight))
    }

    /// Loss and gradients of a batch that goes through the network in `count` parts of `samples.batch` rows, one after the
    /// other: what lives within a part shares its memory with the next one's. Each part has its rows in a table of its own,
    /// and their weights, which are those in the whole batch, so that the sum of the gradients is the batch's.
    fn accumulated_graph(&self, samples: Samples<'_>, count: usize) -> Result<Graph> {
        // Each part would move the running statistics, in place and one after the other, and verification knows what a device
        // held before a step and after it, not between two parts.
        if let Some(module) = self.layers.iter().map(|l| &l.module).find(|m| m.takes_statistics()) {
            return Err(Error::Shape(format!(
                "{} takes the statistics of a whole batch, which has none in parts. Remove accumulate, or take layer norm in \
                 its place",
                module.name().replace('_', " ")
            )));
        }
        let mut graph = Graph::new();
        let mut totals: Vec<(String, Value)> = Vec::new();
        let mut all: Option<Value> = None;
        for part in 0..count {
            let (_, each, weight) = self.losses(&mut graph, samples, Mode::Train, Some(part))?;
            // Only what the gradients start from; the loss is that of all parts together, below.
            let root = graph.push(WeightedSum, &[each, weight], "loss.part")?;
            passes::stabilise(&mut graph)?;
            for (name, gradient) in passes::gradients(&mut graph, root)? {
                match totals.iter_mut().find(|(of, _)| *of == name) {
                    Some((_, total)) => {
                        *total = graph.push(Add, &[*total, gradient], &format!("{name}.grad.sum"))?;
                    }
                    None => totals.push((name, gradient)),
                }
            }
            all = Some(match all {
                Some(before) => graph.push(Concat, &[before, each], "losses")?,
                None => each,
            });
        }
        let ty = TensorType::f32(&[samples.batch * count]);
        let weight = graph.source(Source::Table { name: "weight".into() }, ty, "tables");
        let inputs: Vec<Value> = all.into_iter().chain([weight]).collect();
        let loss = graph.push(WeightedSum, &inputs, "loss.mean")?;
        graph.output(Role::Loss, loss);
        for (name, total) in totals {
            graph.output(Role::Gradient(name), total);
        }
        check::verify(&graph, "accumulation")?;
        Ok(graph)
    }

    fn forward(&self, graph: &mut Graph, samples: Samples<'_>, index: Value, mode: Mode, part: usize) -> Result<Value> {
        let ty = TensorType::f32(&[samples.rows, self.inputs()]);
        let all = graph.source_once(Source::Data { name: format!("{}.x", samples.name) }, ty, "data");
        let x = graph.push(Gather, &[all, index], "batch.x")?;
        scope::forward(graph, &self.layers, mode, part, x)
    }
}

fn index_table(graph: &mut Graph, batch: usize, part: usize) -> Value {
    graph.source(Source::Table { name: index_table_name(part) }, TensorType::u32(&[batch]), "tables")
}

/// Name of the table of the rows of part `part` of a batch; all of a batch that has no parts is part 0.
pub fn index_table_name(part: usize) -> String {
    if part == 0 { "index".into() } else { format!("index.{part}") }
}

/// Name of the table of the weights of part `part` of a batch in several parts; the table `weight` has those of all.
pub fn weight_table(part: usize) -> String {
    format!("weight.{part}")
}
