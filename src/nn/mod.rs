//! Networks: modules, the layers that they make, and the graphs that train, evaluate and differentiate them.
//!
//! A [`Module`] is a dense layer, a normalising layer, dropout or a user's own; each has a file here, and a line in [`MODULES`] if a spec
//! can name it. A [`Layer`] is a module with its activation and sizes; a [`Network`] is a chain of layers with a loss.

mod approx;
mod batch_norm;
mod dense;
pub(crate) mod digest;
pub mod disk;
mod dropout;
mod group_norm;
pub mod init;
mod layer;
mod layer_norm;
mod module;
mod network;
mod onnx;
pub(crate) mod safetensors;
mod scope;
pub mod weights;

pub use batch_norm::{BatchNorm, MOMENTUM};
pub use dense::Dense;
pub use dropout::Dropout;
pub use group_norm::GroupNorm;
pub use init::{Init, Tensor};
pub use layer::{Layer, Mode, chain};
pub use layer_norm::{EPS, LayerNorm};
pub use module::{Keys, Kind, Module, Read, Start, Stored};
pub use network::{Network, Samples, index_table_name, weight_table};
pub use onnx::{Attribute, Exporter, Import, Imported, Importer};
pub use scope::Scope;

/// A module that files can name.
pub struct Entry {
    /// The key that names it in a spec.
    pub key: &'static str,
    /// Reads it from a spec.
    pub read: Read,
    /// The operators of ONNX that stand for it, and how they are read.
    pub onnx: &'static [(&'static str, Import)],
}

/// The modules that files can name. An entry of a spec that names none is read as the first.
pub const MODULES: &[Entry] = &[
    // Gemm and MatMul carry shapes on which the ONNX reader's chain of layers is built; it reads them itself.
    Entry { key: "dense", read: Dense::read, onnx: &[] },
    Entry { key: "dropout", read: Dropout::read, onnx: &[("Dropout", Dropout::of_onnx)] },
    Entry { key: "layer_norm", read: LayerNorm::read, onnx: &[("LayerNormalization", LayerNorm::of_onnx)] },
    Entry { key: "batch_norm", read: BatchNorm::read, onnx: &[("BatchNormalization", BatchNorm::of_onnx)] },
    Entry { key: "group_norm", read: GroupNorm::read, onnx: &[("GroupNormalization", GroupNorm::of_onnx)] },
];
