//! The dense layers in a safetensors file that PyTorch wrote: `fc1.weight` \[out, in\] with `fc1.bias` \[out\], and so on.
//!
//! Such a file knows names and shapes but no order and no activations. The order is that of the names, with numbers in them
//! compared as numbers (`net.2` comes before `net.10`); it must be a chain, each layer taking what the one before gives.

use super::onnx::FoundLayer;
use super::onnx::array::chunks;
use crate::data::{bfloat16, float16, read_whole};
use crate::error::{Error, Result};
use crate::graph::Activation;
use crate::nn::safetensors::{File, View};
use std::path::Path;

/// As for weight files of wgrad: whatever fits memory.
const FILE_BYTES: u64 = 1 << 40;

/// Reads the layers of `path`; `activations(i, count)` says what follows layer i.
///
/// # Errors
/// [`Error::Io`]; [`Error::Weights`] for a file that is damaged or holds something else than dense layers, by the tensor's name.
pub fn read(path: &Path, activation: impl Fn(usize, usize) -> Activation) -> Result<Vec<FoundLayer>> {
    let bytes = read_whole(path, FILE_BYTES).map_err(|e| Error::io(path, e))?;
    let file = File::parse(&bytes)
        .map_err(|e| Error::weights(path, format!("not a whole safetensors file ({} bytes): {e}", bytes.len())))?;
    layers(&file, activation).map_err(|message| Error::weights(path, message))
}

fn layers(file: &File<'_>, activation: impl Fn(usize, usize) -> Activation) -> Result<Vec<FoundLayer>, String> {
    let mut names: Vec<&str> = file.tensors().map(|(name, _)| name).collect();
    names.sort_by_key(|name| natural(name));
    let weights: Vec<&str> = names.iter().copied().filter(|name| is_called(name, "weight")).collect();
    let belongs = |name: &&str| weights.contains(name) || bias_of(name).is_some_and(|w| weights.contains(&w.as_str()));
    if let Some(other) = names.iter().find(|name| !belongs(name)) {
        return Err(format!(
            "the tensor {other} belongs to no dense layer: a layer is NAME.weight [out, in], perhaps with NAME.bias [out]"
        ));
    }
    let mut layers: Vec<FoundLayer> = Vec::with_capacity(weights.len());
    for (i, name) in weights.iter().enumerate() {
        let mut found = dense(file, name)?;
        found.layer.activation = activation(i, weights.len());
        let layer = &found.layer;
        if let Some(FoundLayer { layer: before, .. }) =
            layers.last().filter(|before| before.layer.outputs != layer.inputs)
        {
            return Err(format!(
                "{name} has the shape [{}, {}], and the layer before it, {}, gives {} numbers. Layers are taken in the order \
                 of their names: {}",
                layer.outputs,
                layer.inputs,
                weights[i - 1],
                before.outputs,
                weights.join(", ")
            ));
        }
        layers.push(found);
    }
    if layers.is_empty() { Err("the file holds no NAME.weight, so no layer".to_owned()) } else { Ok(layers) }
}

fn is_called(name: &str, last: &str) -> bool {
    name == last || name.strip_suffix(last).is_some_and(|rest| rest.ends_with('.'))
}

/// The weight that the bias `name` stands beside.
pub(crate) fn bias_of(name: &str) -> Option<String> {
    is_called(name, "bias").then(|| format!("{}weight", name.trim_end_matches("bias")))
}

fn dense(file: &File<'_>, name: &str) -> Result<FoundLayer, String> {
    let view = file.tensor(name).ok_or_else(|| format!("there is no {name}"))?;
    let [outputs, inputs] = *view.shape else {
        return Err(format!("{name} has the shape {:?}; a dense layer's weight is [out, in]", view.shape));
    };
    if inputs == 0 || outputs == 0 {
        return Err(format!("{name} has the shape {:?}, which holds no numbers", view.shape));
    }
    let beside = format!("{}bias", name.trim_end_matches("weight"));
    let bias = match file.tensor(&beside) {
        Some(bias) if bias.shape != [outputs] => {
            return Err(format!("{beside} has the shape {:?}, and {name} has {outputs} outputs", bias.shape));
        }
        Some(bias) => Some(numbers(&beside, &bias)?),
        None => None,
    };
    Ok(FoundLayer::dense(inputs, outputs, numbers(name, &view)?, bias))
}

/// The numbers of a tensor whose type single precision holds without rounding.
fn numbers(name: &str, view: &View<'_>) -> Result<Vec<f32>, String> {
    let values: Vec<f32> = match view.dtype {
        "F32" => chunks(view.data, f32::from_le_bytes),
        "F16" => chunks(view.data, |b| float16(u16::from_le_bytes(b))),
        "BF16" => chunks(view.data, |b| bfloat16(u16::from_le_bytes(b))),
        other => return Err(format!("{name} has the type {other}, expected F32, F16 or BF16. Convert it to float32")),
    };
    match values.iter().find(|v| !v.is_finite()) {
        Some(v) => Err(format!("{name} holds {v}; weights must be finite numbers")),
        None => Ok(values),
    }
}

/// A name as text and numbers in turn, for sorting.
pub(crate) fn natural(name: &str) -> Vec<(String, u128)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let digits = rest[text..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - text);
        parts.push((rest[..text].to_owned(), rest[text..text + digits].parse().unwrap_or(u128::MAX)));
        rest = &rest[text + digits..];
    }
    parts
}
