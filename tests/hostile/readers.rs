//! Every reader of the crate as a function of one file. Shared with the fuzz targets in fuzz/.

#![allow(dead_code, reason = "each fuzz target uses a part")]

use std::path::Path;
use wgrad::data::inspect::inspect;
#[cfg(feature = "images")]
use wgrad::data::pictures::Images;
use wgrad::data::{self, Columns, Kind, TargetRule, Tolerance, sniff};
use wgrad::exchange::{Import, Origin, import};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::{Layer, Network, weights};
use wgrad::spec::draft::draft;
use wgrad::spec::{DataFile, Spec};
use wgrad::testing::data::arrays::ArrayFile;
use wgrad::testing::train::checkpoint::Checkpoint;
use wgrad::train::replay::Bundle;
use wgrad::train::run_folder::RunFolder;

/// A reader and the name that its file has.
pub struct Reader {
    pub name: &'static str,
    pub file: &'static str,
    /// Reads the file, as far as it can be read.
    pub read: fn(&Path) -> wgrad::Result<()>,
}

/// All of them.
pub const READERS: &[Reader] = &[
    Reader { name: "spec", file: "spec.toml", read: spec },
    Reader { name: "csv", file: "d.csv", read: table },
    Reader { name: "csv_gz", file: "d.csv.gz", read: table },
    Reader { name: "tsv", file: "d.tsv", read: table },
    Reader { name: "idx", file: "d-ubyte", read: table },
    Reader { name: "idx_gz", file: "d-ubyte.gz", read: table },
    Reader { name: "npy", file: "d.npy", read: table },
    Reader { name: "npy_gz", file: "d.npy.gz", read: table },
    Reader { name: "npz", file: "d.npz", read: table },
    Reader { name: "safetensors", file: "d.safetensors", read: table },
    #[cfg(feature = "images")]
    Reader { name: "picture", file: "picture", read: picture },
    #[cfg(feature = "parquet")]
    Reader { name: "parquet", file: "d.parquet", read: table },
    Reader { name: "unnamed", file: "data", read: table },
    Reader { name: "weights", file: "model.safetensors", read: parameters },
    Reader { name: "onnx", file: "m.onnx", read: onnx },
    Reader { name: "pytorch", file: "p.safetensors", read: pytorch },
    Reader { name: "checkpoint", file: "checkpoint.safetensors", read: checkpoint },
    Reader { name: "bundle", file: "fault.safetensors", read: bundle },
    Reader { name: "preprocessing", file: "preprocessing.json", read: preprocessing },
    Reader { name: "metrics", file: "metrics.jsonl", read: metrics },
    Reader { name: "record", file: "run.json", read: record },
    Reader { name: "report", file: "report.json", read: report },
    Reader { name: "bench", file: "bench.json", read: bench },
];

/// The reader called `name`.
pub fn by_name(name: &str) -> &'static Reader {
    READERS.iter().find(|r| r.name == name).expect("a reader of the list")
}

#[cfg(feature = "images")]
fn picture(path: &Path) -> wgrad::Result<()> {
    let resized = Images { size: Some([9, 7]), ..Images::default() };
    let values = wgrad::testing::data::numbers(path, &resized, [9, 7])?;
    assert!(values.len() == 9 * 7 * 3 && values.iter().all(|v| (0.0..=1.0).contains(v)));
    Ok(())
}

fn onnx(path: &Path) -> wgrad::Result<()> {
    import(path, &Import { origin: Origin::File, loss: None, activation: None }).map(drop)
}

fn pytorch(path: &Path) -> wgrad::Result<()> {
    let (loss, activation) = (Some(Loss::Mse), Some(Activation::Relu));
    import(path, &Import { origin: Origin::File, loss, activation }).map(drop)
}

fn spec(path: &Path) -> wgrad::Result<()> {
    let spec = Spec::load(path)?;
    // What is read can be written, and means the same.
    assert_eq!(Spec::parse(&spec.to_toml(), path).expect("a spec that wgrad wrote"), spec);
    spec.warnings();
    Ok(())
}

fn table(path: &Path) -> wgrad::Result<()> {
    let (kind, gzip) = sniff(path)?;
    let is_table = matches!(kind, Kind::Csv | Kind::Parquet);
    if !is_table {
        let file = ArrayFile::open(path, kind, gzip)?;
        for array in file.arrays() {
            let mut rows = file.rows(array)?;
            let mut values = Vec::new();
            while rows.rows_left() > 0 {
                values.clear();
                array.layout.element.decode(array.layout.big_endian, &rows.read(1000)?, &mut values);
            }
        }
    }
    // What `wgrad new` does with the file: the spec that it drafts can be read, whatever the columns are called.
    let file = DataFile::at(path);
    let mut drafted = None;
    if let Ok(found) = inspect(&file)
        && let Ok(draft) = draft(&file, file.path.to_str().unwrap_or("d"), &found, None)
    {
        let spec = Spec::parse(&draft.text, path).expect("a spec that wgrad drafted");
        let (columns, target) = (&spec.data.columns, &spec.data.target);
        let mut tolerance = Tolerance::new(spec.data.reading.skip_bad_rows);
        drafted = Some(data::read(&file, columns, target, spec.target_rule(), &mut tolerance));
    }
    // Arrays of different lengths are no table, and that is no fault of the file.
    match (samples(&file), drafted) {
        (Err(e), None | Some(Err(_))) if is_table => Err(e),
        _ => Ok(()),
    }
}

/// Targets of both sorts, from every column that may be meant; an error where none of them can be read.
fn samples(file: &DataFile) -> wgrad::Result<()> {
    let (mut any, mut result) = (false, Ok(()));
    for target in ["label", "y"] {
        for (loss, outputs) in [(Loss::cross_entropy(), 3), (Loss::Mse, 1), (Loss::Hinge, 1)] {
            let rule = TargetRule { loss, outputs };
            match data::read(file, &Columns::default(), &[target.to_owned()], rule, &mut Tolerance::default()) {
                Ok((data, schema)) => {
                    any = true;
                    assert_eq!(schema.read(file, rule, &mut Tolerance::default()).expect("the same file"), data);
                    assert_eq!(schema.read_features(file).expect("the same file").x, data.x);
                }
                Err(e) => result = Err(e),
            }
        }
    }
    if any { Ok(()) } else { result }
}

/// The network of the seeds: two inputs, a layer of three, one of two.
pub fn network() -> Network {
    let layer = |inputs, outputs| Layer::dense(inputs, outputs, Activation::Tanh, true);
    Network { layers: vec![layer(2, 3), layer(3, 2)], loss: Loss::cross_entropy() }
}

fn parameters(path: &Path) -> wgrad::Result<()> {
    weights::load(path, &network().parameters(), true).map(drop)
}

fn checkpoint(path: &Path) -> wgrad::Result<()> {
    Checkpoint::load(
        path,
        &network(),
        Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.0 },
        None,
    )
    .map(drop)
}

fn bundle(path: &Path) -> wgrad::Result<()> {
    Bundle::load(path).map(drop)
}

fn folder(path: &Path) -> wgrad::Result<RunFolder> {
    RunFolder::open(path.parent().unwrap_or(Path::new(".")))
}

fn preprocessing(path: &Path) -> wgrad::Result<()> {
    folder(path)?.preprocessing().map(drop)
}

fn metrics(path: &Path) -> wgrad::Result<()> {
    folder(path)?.rewind_metrics(usize::MAX).map(drop)
}

fn record(path: &Path) -> wgrad::Result<()> {
    let record = folder(path)?.record()?;
    let spec = Spec::parse(&record.spec, path)?;
    record.refuse_changed_spec(&spec, path)?;
    record.refuse_changed_data(&record, path)
}

fn report(path: &Path) -> wgrad::Result<()> {
    let report = folder(path)?.report();
    let report = report.ok_or_else(|| wgrad::Error::data(path.display().to_string(), "no report of wgrad"))?;
    wgrad::report::html::render(&report);
    Ok(())
}

fn bench(path: &Path) -> wgrad::Result<()> {
    wgrad::testing::bench::compare::read(path).map(drop)
}
