//! `wgrad digest`

use super::{args, out};
use crate::nn::weights::{self, TensorDigest};
use crate::nn::{Tensor, digest};
use crate::train::run_folder::RunFolder;
use serde::Serialize;

/// What `--json` prints.
#[derive(Serialize)]
struct Digests {
    /// SHA-256 over all tensors' names, types, shapes and bytes; [`digest`] defines it.
    sha256: String,
    tensors: Vec<TensorDigest>,
}

pub fn run(args: args::Digest) -> anyhow::Result<bool> {
    let digests = if args.subject.is_dir() {
        of_parameters(&RunFolder::open(&args.subject)?.trained()?.parameters)
    } else {
        let (sha256, tensors) = weights::digests(&args.subject)?;
        Digests { sha256, tensors }
    };
    match &args.json {
        Some(target) => out::json(target, &digests)?,
        None => out::result(&format!("{}  {}", digests.sha256, args.subject.display()))?,
    }
    Ok(true)
}

fn of_parameters(parameters: &[Tensor]) -> Digests {
    let each = |tensor: &Tensor| TensorDigest {
        name: tensor.name.clone(),
        dtype: "F32".to_string(),
        shape: tensor.shape.clone(),
        sha256: digest::of_values(&tensor.values),
    };
    let mut tensors: Vec<TensorDigest> = parameters.iter().map(each).collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Digests { sha256: digest::of_tensors(parameters), tensors }
}
