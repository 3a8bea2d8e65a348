//! `wgrad convert`

use super::{args, out};
use crate::data::Scale;
use crate::exchange::onnx::{Export, OPSET, encode};
use crate::exchange::{Import, Origin, import, write_run};
use crate::graph::{Activation, Loss};
use crate::nn::weights::write_atomically;
use crate::spec::Spec;
use crate::train::run_folder::RunFolder;

pub fn run(args: args::Convert) -> anyhow::Result<()> {
    if args.subject.is_dir() { export(&args) } else { import_file(&args) }
}

fn export(args: &args::Convert) -> anyhow::Result<()> {
    let shown = args.out.display();
    if !args.out.extension().is_some_and(|found| found.eq_ignore_ascii_case("onnx")) {
        anyhow::bail!("--out {shown}: a run is converted to ONNX. Name a file with the extension .onnx");
    }
    let of_files = [args.spec.is_some(), args.data.is_some(), args.loss.is_some(), args.activation.is_some()];
    if of_files.contains(&true) {
        anyhow::bail!("{} is a run: --spec, --data, --loss and --activation are for files", args.subject.display());
    }
    let trained = RunFolder::open(&args.subject)?.trained()?;
    let kind = trained.preprocessing.scaler.kind();
    let export = Export { with_scaler: args.with_scaler, probabilities: args.probabilities };
    write_atomically(&args.out, &encode(&trained, export)?)?;
    out::say!("wrote {shown} (ONNX, opset {OPSET})");
    if trained.preprocessing.schema.encoding.is_some() {
        out::words(
            "the run makes its inputs from columns with categories or missing values, which the file does not: its input is the \
             features that preprocessing.json names, in that order",
        );
    }
    if !args.with_scaler && kind != Scale::None {
        out::say!(
            "the run scales its inputs (scale = \"{}\"), this file does not: scale them as preprocessing.json says, or \
             convert with --with-scaler",
            kind.name()
        );
    }
    Ok(())
}

fn import_file(args: &args::Convert) -> anyhow::Result<()> {
    let shown = args.subject.display();
    if !args.subject.exists() {
        anyhow::bail!("{shown}: there is no such run or file");
    }
    if args.with_scaler || args.probabilities {
        anyhow::bail!("{shown} is a file: --with-scaler and --probabilities are for runs");
    }
    let origin = match (&args.spec, &args.data) {
        (Some(spec), _) => Origin::Spec(Box::new(Spec::load(spec)?.with_absolute_paths()?)),
        (None, Some(data)) => Origin::Data { file: std::path::absolute(data)?, target: args.target.clone() },
        (None, None) => Origin::File,
    };
    let named = |option: &str, name: &Option<String>, known: &[&str]| match name {
        Some(name) if !known.contains(&name.as_str()) => {
            Err(anyhow::anyhow!("--{option} {name}: there is none of this name. Known are {}", known.join(", ")))
        }
        other => Ok(other.clone()),
    };
    let loss = named("loss", &args.loss, Loss::NAMES)?.and_then(|name| Loss::by_name(&name));
    let activation = named("activation", &args.activation, Activation::NAMES)?;
    let activation = activation.and_then(|name| Activation::by_name(&name));
    let has_data = origin != Origin::File;
    let trained = import(&args.subject, &Import { origin, loss, activation })?;
    write_run(&trained, &args.out)?;
    out::say!("network   {}", trained.network.describe().join(", "));
    out::say!("loss      {}", trained.network.loss.name());
    if !has_data {
        out::words(
            "data      none named, so `eval` and `predict` take columns by the file's own names; `verify` and `train` need \
             --spec, or --data with --target",
        );
    }
    out::say!("wrote the run {}", args.out.display());
    Ok(())
}
