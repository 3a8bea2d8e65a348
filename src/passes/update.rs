//! Clipping and optimizer as nodes of the graph: behind the gradients, one update for each parameter.

use crate::error::{Error, Result};
use crate::graph::{Graph, Role, Source, TensorType, Value};
use crate::ops::{Add, ClipNorm, ClipValue, SquareSum, Update};
use crate::optim::{Clip, HYPER, HYPER_COLUMNS, UpdateRule};

/// Appends the clipping, where there is any, and one update for each parameter that has a gradient, and names the results
/// `update.<parameter>`.
///
/// # Errors
/// [`Error::Internal`] when a gradient does not fit its parameter.
pub fn append_updates(graph: &mut Graph, rule: UpdateRule) -> Result<()> {
    let UpdateRule { optimizer, clip, schedule, .. } = rule;
    // A velocity that is not kept cannot be cycled.
    if optimizer.under(&schedule) != Ok(optimizer) {
        return Err(Error::Internal(format!("{} under {schedule:?} has no momentum to cycle", optimizer.name())));
    }
    let params = graph.params().into_iter();
    let found = params.filter_map(|(name, _)| Some((name.clone(), graph.find_output(Role::Gradient(name))?)));
    let mut gradients: Vec<(String, Value)> = found.collect();
    if let Some(rule) = clip {
        gradients = clipped(graph, rule, &gradients)?;
    }
    let table = Source::Table { name: HYPER.into() };
    let hyper = graph.source(table, TensorType::f32(&[HYPER_COLUMNS]), "optimizer");
    for (name, param) in graph.params() {
        let Some((_, gradient)) = gradients.iter().find(|(of, _)| *of == name).cloned() else { continue };
        let ty = graph.ty(param).clone();
        let decay = matches!(graph.nodes[param.node].op.source(), Some(Source::Param { decay: true, .. }));
        let mut inputs = vec![param, gradient, hyper];
        let states = optimizer.states(&ty.shape);
        for (slot, shape) in states.iter().enumerate() {
            let (state, label) = (Source::State { param: name.clone(), slot }, format!("{name}.state"));
            inputs.push(graph.source(state, TensorType::f32(shape), &label));
        }
        let operation = Update { optimizer, decay, states: states.len() };
        let updated = graph.push(operation, &inputs, &format!("{name}.update"))?;
        graph.output(Role::Updated(name), updated);
    }
    Ok(())
}

/// Appends the clipping of the gradients `(parameter, gradient)` and gives the clipped ones, which are outputs
/// `clipped.<parameter>`; the gradients stay outputs as they are.
fn clipped(graph: &mut Graph, clip: Clip, gradients: &[(String, Value)]) -> Result<Vec<(String, Value)>> {
    let mut total: Option<Value> = None;
    if let Clip::Norm(_) = clip {
        for (name, gradient) in gradients {
            let squares = graph.push(SquareSum, &[*gradient], &format!("{name}.grad.squares"))?;
            total = Some(match total {
                None => squares,
                Some(before) => graph.push(Add, &[before, squares], "norm of gradients")?,
            });
        }
    }
    let mut clipped = Vec::with_capacity(gradients.len());
    for (name, gradient) in gradients {
        let label = format!("{name}.clip");
        let value = match (clip, total) {
            (Clip::Norm(max), Some(total)) => graph.push(ClipNorm { max }, &[*gradient, total], &label)?,
            (Clip::Norm(max) | Clip::Value(max), _) => graph.push(ClipValue { limit: max }, &[*gradient], &label)?,
        };
        graph.output(Role::Clipped(name.clone()), value);
        clipped.push((name.clone(), value));
    }
    Ok(clipped)
}
