//! A replay bundle: one train step as a safetensors file, with all that the step is computed from.
//!
//! Tensors: the parameters and `state.<slot>.<parameter>` before the step, `batch.x` `[batch, inputs]`, `batch.target`
//! (`[batch]` for classes, `[batch, outputs]` for numbers), `batch.weight` `[batch]` (each row's share in the loss; 0 for rows
//! that fill up the batch) and `hyper` (the step's row of the optimizer's constants). The metadata hold the spec, the step's
//! number, how many rows are samples, and a SHA-256 over all of it. Nothing in the file decides how much memory is taken but its
//! own size.

use crate::data::{Targets, read_whole};
use crate::error::{Error, Result};
use crate::nn::digest::Fields;
use crate::nn::safetensors::{File, Writer};
use crate::nn::weights::write_atomically;
use crate::nn::{Network, Tensor};
use crate::optim::HYPER_COLUMNS;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One train step and all that goes into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The run's resolved spec; its data files are not needed.
    pub spec: Spec,
    /// The network, its inputs taken from the data.
    pub network: Network,
    /// What else is known of the step.
    pub origin: Origin,
    /// Parameters before the step.
    pub parameters: Vec<Tensor>,
    /// Optimizer states before the step.
    pub states: Vec<Tensor>,
    /// Features of the batch, `[batch, inputs]`.
    pub x: Vec<f64>,
    /// Targets of the batch.
    pub targets: Targets,
    /// Share of each row in the loss; 0 for a row that fills up the batch, and for one that is not to count.
    pub weights: Vec<f64>,
    /// Rows that are samples; those behind them fill up the batch.
    pub rows: usize,
    /// The optimizer's constants of this step.
    pub hyper: Vec<f64>,
}

/// Where a bundle comes from, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of the spec file.
    pub spec_name: String,
    /// Number of the step, from 1.
    pub step: u64,
    /// Number of the epoch, from 1.
    pub epoch: u32,
    /// The device that trained.
    pub device: String,
    /// What was found there.
    pub found: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    inputs: usize,
    spec: String,
    origin: Origin,
    /// Rows that are samples. A header without them is of a former format, which is told by its number.
    #[serde(default)]
    rows: usize,
    sha256: String,
}

/// Key of the header in the file's metadata, and its version.
const KEY: &str = "wgrad.bundle";
const FORMAT: u32 = 3;
/// A bundle holds a network's parameters and states and one batch. What is larger is a file named by mistake.
const MAX_BYTES: u64 = 8 << 30;

impl Bundle {
    /// Rows of the batch.
    pub fn batch(&self) -> usize {
        self.weights.len()
    }

    /// Writes the bundle; the file at `path` is replaced as a whole. Numbers are kept as bits: also those that are not finite.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let tensors = self.tensors();
        let mut header = Header {
            format: FORMAT,
            inputs: self.network.inputs(),
            spec: self.spec.to_toml(),
            origin: self.origin.clone(),
            rows: self.rows,
            sha256: String::new(),
        };
        let all = tensors.iter().map(|(name, shape, bytes)| (name.as_str(), shape.as_slice(), &bytes[..]));
        header.sha256 = checksum(&header, all.collect())?;
        let text = serde_json::to_string(&header).map_err(|e| Error::Internal(e.to_string()))?;
        let mut writer = Writer::new(&BTreeMap::from([(KEY.to_string(), text)]));
        for (name, shape, bytes) in &tensors {
            writer.add(name, "F32", shape, |data| {
                data.extend_from_slice(bytes);
                Ok(())
            })?;
        }
        write_atomically(path, &writer.finish())
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] for a file that is no bundle, is damaged, or does not fit itself.
    pub fn load(path: &Path) -> Result<Bundle> {
        let bytes = read_whole(path, MAX_BYTES).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => no_bundle(path, "there is no such file".into()),
            _ => Error::io(path, e),
        })?;
        Bundle::parse(&bytes, path)
    }

    /// Reads a bundle from the bytes of a file. `path` is for the messages.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Bundle> {
        let broken = |what: String| no_bundle(path, what);
        let file = File::parse(bytes)
            .map_err(|e| broken(format!("not a whole safetensors file ({} bytes): {e}", bytes.len())))?;
        let text = file.metadata().get(KEY);
        let text = text.ok_or_else(|| broken(format!("the metadata lack {KEY}, so this is no replay bundle")))?;
        let mut header: Header = serde_json::from_str(text).map_err(|e| broken(format!("{KEY}: {e}")))?;
        if header.format != FORMAT {
            return Err(broken(format!("the bundle has format {}, this wgrad reads format {FORMAT}", header.format)));
        }
        let kept = std::mem::take(&mut header.sha256);
        let all = file.tensors().map(|(name, view)| (name, view.shape, view.data)).collect();
        let found = checksum(&header, all)?;
        if kept != found {
            return Err(broken(format!("the file is damaged: its checksum is {found}, it was written as {kept}")));
        }
        let place = format!("{} (its spec)", path.display());
        let spec = Spec::parse(&header.spec, &place)?;
        let layers = spec.model.layers(header.inputs)?;
        let network = Network { layers, loss: spec.train.loss };
        let reader = Reader { path, file: &file };
        reader.bundle(spec, network, header.origin, header.rows)
    }

    /// Names, shapes and bytes of everything, in the order of their names: that in which the format keeps them.
    fn tensors(&self) -> Vec<(String, Vec<usize>, Vec<u8>)> {
        let bytes = |values: &[f64]| values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect::<Vec<u8>>();
        let batch = self.batch();
        let (shape, target) = match &self.targets {
            // A class is below 2^24, the number of outputs that a layer's weights leave room for: exact as a number.
            Targets::Classes(classes) => {
                (vec![batch], bytes(&classes.iter().map(|c| f64::from(*c)).collect::<Vec<_>>()))
            }
            Targets::Numbers { width, values } => (vec![batch, *width], bytes(values)),
        };
        let tensors = self.parameters.iter().chain(&self.states);
        let tensors = tensors.map(|t| (t.name.clone(), t.shape.clone(), bytes(&t.values)));
        let own = [
            ("batch.x".into(), vec![batch, self.network.inputs()], bytes(&self.x)),
            ("batch.target".into(), shape, target),
            ("batch.weight".into(), vec![batch], bytes(&self.weights)),
            ("hyper".into(), vec![self.hyper.len()], bytes(&self.hyper)),
        ];
        tensors.chain(own).collect()
    }
}

/// What a file that is no bundle is refused with.
fn no_bundle(path: &Path, what: String) -> Error {
    Error::weights(path, format!("{what}. A replay bundle is what `wgrad train` left"))
}

/// SHA-256 over the header and, by name, every tensor.
fn checksum(header: &Header, mut tensors: Vec<(&str, &[usize], &[u8])>) -> Result<String> {
    tensors.sort_by_key(|(name, ..)| *name);
    let mut fields = Fields::new();
    fields.bytes(&serde_json::to_vec(&header).map_err(|e| Error::Internal(e.to_string()))?);
    tensors.iter().for_each(|(name, shape, bytes)| fields.tensor(name, "F32", shape, bytes));
    Ok(fields.finish())
}

/// Takes tensors out of a file, each of the shape that the spec says.
struct Reader<'a> {
    path: &'a Path,
    file: &'a File<'a>,
}

impl Reader<'_> {
    fn broken(&self, what: &str) -> Error {
        Error::weights(self.path, format!("{what}. The bundle does not fit its own spec; it was not written by wgrad"))
    }

    fn bundle(&self, spec: Spec, network: Network, origin: Origin, rows: usize) -> Result<Bundle> {
        let batch = match self.file.tensor("batch.weight") {
            Some(view) if view.shape.len() == 1 && view.shape[0] > 0 => view.shape[0],
            _ => return Err(self.broken("there is no batch.weight of one number a row")),
        };
        let tensor = |name: String, shape: &[usize]| -> Result<Tensor> {
            Ok(Tensor { values: self.values(&name, shape)?, shape: shape.to_vec(), name })
        };
        let states = network.states(spec.train.optimizer).into_iter();
        let states = states.map(|(name, shape)| tensor(name, &shape)).collect::<Result<Vec<_>>>()?;
        let kept = network.tensors();
        let named = kept.iter().map(|(name, shape)| tensor(name.clone(), shape)).collect::<Result<Vec<_>>>()?;
        let expected = named.len() + states.len() + 4;
        let found = self.file.tensors().count();
        if found != expected {
            return Err(self.broken(&format!("the file has {found} tensors, its spec asks for {expected}")));
        }
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let targets = if network.loss.takes_class() {
            let numbers = self.values("batch.target", &[batch])?;
            let class = |v: &f64| v.fract() == 0.0 && (0.0..outputs as f64).contains(v);
            if !numbers.iter().all(class) {
                return Err(self.broken(&format!("batch.target has a number that is no class of {outputs}")));
            }
            Targets::Classes(numbers.iter().map(|v| *v as u32).collect())
        } else {
            Targets::Numbers { width: outputs, values: self.values("batch.target", &[batch, outputs])? }
        };
        let weights = self.values("batch.weight", &[batch])?;
        let counted = weights.iter().rposition(|w| *w != 0.0).map_or(0, |last| last + 1);
        if rows == 0 || rows > batch || counted > rows {
            return Err(self.broken(&format!("{rows} rows of {batch} are samples, {counted} have a weight")));
        }
        Ok(Bundle {
            parameters: named,
            states,
            x: self.values("batch.x", &[batch, inputs])?,
            targets,
            weights,
            rows,
            hyper: self.values("hyper", &[HYPER_COLUMNS])?,
            spec,
            network,
            origin,
        })
    }

    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        let view = self.file.tensor(name).ok_or_else(|| self.broken(&format!("there is no tensor {name}")))?;
        if view.shape != shape || view.dtype != "F32" {
            let found = format!("{name} is {} {:?}, not F32 {shape:?}", view.dtype, view.shape);
            return Err(self.broken(&found));
        }
        let words = view.data.as_chunks::<4>().0.iter();
        Ok(words.map(|word| f64::from(f32::from_le_bytes(*word))).collect())
    }
}
