//! The one error type of the library. A message says what was asked, what was found and what to do next.

mod remedy;

pub use remedy::Remedy;

use std::path::{Path, PathBuf};

/// Everything that can go wrong in the library.
///
/// The variants follow the reader's question "what do I have to change": the spec, the data, the weights, the
/// network, the device, or nothing at all (a fault of wgrad itself).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A spec file that cannot be used. `place` is `file:line:column` or the key.
    #[error("{place}: {message}")]
    Spec {
        /// `file:line:column`, or the key.
        place: String,
        /// What was found and what to do.
        message: String,
    },

    /// A data file that cannot be used. `place` is `file`, `file:line` or `file:line, column "name"`.
    #[error("{place}: {message}")]
    Data {
        /// File, line, column.
        place: String,
        /// What was found and what to do.
        message: String,
    },

    /// A weight file or checkpoint that cannot be used. `place` names the file.
    #[error("{place}: {message}")]
    Weights {
        /// The file.
        place: String,
        /// What was found and what to do.
        message: String,
    },

    /// Shapes that do not fit together. The message names the layer and both shapes.
    #[error("{0}")]
    Shape(String),

    /// No device as asked for, or a device that fails.
    #[error("{0}")]
    Device(String),

    /// A model larger than the adapter's limits.
    #[error("{0}")]
    Limit(String),

    /// A wgpu error, with the kernel or buffer that it concerns.
    #[error("GPU error at {at}: {message}")]
    Gpu {
        /// The kernel, bind group or buffer.
        at: String,
        /// What wgpu said.
        message: String,
    },

    /// A device without memory for what was asked of it.
    #[error("{0}")]
    OutOfMemory(String),

    /// A device that was lost while it worked: reset by its driver, unplugged, gone to sleep. What it held is gone; what is
    /// on disk is not.
    #[error("{0}")]
    DeviceLost(String),

    /// The loss, a parameter or an optimizer state stopped being a finite number.
    #[error(
        "{} at step {step} (epoch {epoch}): training stopped. {cause}Lower the learning rate or scale the inputs",
        what_left_the_numbers(*.value)
    )]
    NonFinite {
        /// Number of the step, from 1.
        step: usize,
        /// Number of the epoch, from 1.
        epoch: usize,
        /// The loss: NaN or an infinity, or a finite number where the step's update left the numbers.
        value: f64,
        /// Which operation made it, as sentences; empty where that is not known.
        cause: String,
    },

    /// A file operation that failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },

    /// A broken invariant inside wgrad: a fault of the program, never of its input.
    #[error("internal error: {0}. This is a bug in wgrad; please report it")]
    Internal(String),
}

fn what_left_the_numbers(loss: f64) -> String {
    if loss.is_finite() {
        return "a parameter or an optimizer state stopped being a finite number".to_string();
    }
    format!("the loss became {loss}")
}

/// The library's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Wraps an I/O error with the path it happened at.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Error::Io { path: path.as_ref().to_path_buf(), source }
    }

    /// A spec error at `place`.
    pub fn spec(place: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Spec { place: place.into(), message: message.into() }
    }

    /// A data error at `place`.
    pub fn data(place: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Data { place: place.into(), message: message.into() }
    }

    /// A weight-file error in `path`.
    pub fn weights(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Error::Weights { place: path.as_ref().display().to_string(), message: message.into() }
    }

    /// A GPU error concerning `at` (a kernel or a buffer).
    pub fn gpu(at: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Error::Gpu { at: at.into(), message: message.to_string() }
    }
}
