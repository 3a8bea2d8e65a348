//! The samples of a spec for commands that keep no run, read as `wgrad train` reads them. What memory does not hold goes to the
//! system's folder for temporary files.

use super::out;
use crate::data::Tolerance;
use crate::error::Result;
use crate::kernels::Scalar;
use crate::spec::Spec;
use crate::train::samples::{RunData, read, read_training};

/// Reads the spec's files.
pub fn of(spec: &Spec) -> Result<RunData> {
    told(read(spec, &std::env::temp_dir())?)
}

/// Reads the spec's training file, in the precision `T`; one for validation is left alone.
pub fn training<T: Scalar>(spec: &Spec) -> Result<RunData<T>> {
    told(read_training(spec, &std::env::temp_dir())?)
}

fn told<T>(data: RunData<T>) -> Result<RunData<T>> {
    passed_over(&data.skipped);
    Ok(data)
}

/// Says which rows were passed over, if any were.
pub fn passed_over(skipped: &Tolerance) {
    out::passed_over(skipped.count(), skipped.messages());
}
