//! Exchange with other programs: trained networks as ONNX files, and networks of others as runs.
//!
//! ONNX is read and written by two layers: `protobuf` knows the wire format and nothing of networks, [`onnx`] the few
//! messages of the ONNX schema that a multilayer perceptron needs. TensorBoard's event files are written by the first one, too.

pub mod import;
pub mod onnx;
pub(crate) mod protobuf;
pub mod pytorch;
pub mod tensorboard;

pub use import::{Import, Origin, import, write_run};
