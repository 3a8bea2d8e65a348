//! Parquet files as pyarrow writes them, held against the same table as text.

#![cfg(feature = "parquet")]

use crate::support::program;

use program::Place;
use std::path::{Path, PathBuf};
use wgrad::data::is_missing;
use wgrad::spec::DataFile;
use wgrad::testing::data::source;

const CODECS: [&str; 5] = ["none", "snappy", "gzip", "lz4", "v2"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet").join(name)
}

/// The cells by row; a number as its nearest f32, nothing where a value is missing.
fn cells(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut source = source::open_file(&DataFile::at(path)).unwrap();
    let columns = source.header().columns.clone();
    let mut rows = Vec::new();
    while let Some(chunk) = source.next_chunk().unwrap() {
        let block = chunk().unwrap();
        for row in 0..block.rows() {
            let cell = |column: usize| match (block.parsed(row, column), block.text(row, column)) {
                (_, text) if is_missing(&text) => String::new(),
                (Some(number), _) => (number as f32).to_string(),
                (None, text) => text.into_owned(),
            };
            rows.push((0..columns.len()).map(cell).collect());
        }
    }
    (columns, rows)
}

#[test]
fn every_codec_and_type_gives_the_cells_of_the_text() {
    let expected = cells(&fixture("table.csv"));
    assert_eq!((expected.0.len(), expected.1.len()), (9, 40));
    // Each kind of column has something to get wrong.
    assert!(expected.1.iter().any(|row| row[0].is_empty()) && expected.1.iter().any(|row| row[6] == "grün"));
    for codec in CODECS {
        assert_eq!(cells(&fixture(&format!("table_{codec}.parquet"))), expected, "{codec}");
    }
}

fn spec(data: &str, more: &str) -> String {
    format!(
        "[data]\ntrain = \"{data}\"\ntarget = \"y\"\nignore = \"ratio\"\ncategorical = \"colour\"\nmissing = \"mean\"\nvalidation = \
         0.2\nscale = \"standard\"\n{more}\n[[model.layers]]\ndense = 2\n[train]\nloss = \"cross_entropy\"\noptimizer = {{ sgd = \
         {{ lr = 0.1 }} }}\nbatch_size = 8\nepochs = 3\nseed = 1\n"
    )
}

#[test]
fn a_run_on_parquet_is_that_on_the_same_text() {
    let place = Place::new();
    for name in ["table.csv", "table_snappy.parquet"] {
        std::fs::copy(fixture(name), place.path(name)).unwrap();
    }
    let digest = |data: &str, run: &str, more: &str| {
        place.write("s.toml", &spec(data, more));
        let ended = place.run(&["train", "s.toml", "--run", run, "--device", "cpu"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("classes     no ") && ended.stderr.contains(", yes "), "{}", ended.stderr);
        ended.stdout.lines().find(|line| line.starts_with("digest")).unwrap().to_owned()
    };
    let text = digest("table.csv", "text", "");
    assert_eq!(digest("table_snappy.parquet", "columns", ""), text);
    let streamed = digest("table.csv", "text.small", "memory = \"64 B\"");
    assert_eq!(digest("table_snappy.parquet", "columns.small", "memory = \"64 B\""), streamed);
    assert_ne!(text, streamed);
    let predict = |data: &str| place.good(&["predict", "columns", "--data", data, "--device", "cpu"]);
    assert_eq!(predict("table.csv"), predict("table_snappy.parquet"));
    place.good(&["eval", "columns", "--data", "table_snappy.parquet", "--device", "cpu"]);

    let new = place.run(&["new", "table_snappy.parquet", "--out", "new.toml"]);
    assert!(new.code == Some(0) && new.stderr.contains("target y: 2 classes: no "), "{new:?}");
    assert!(new.stderr.contains("column size: 6 of 40 values missing"), "{new:?}");
    place.good(&["train", "new.toml", "--run", "new", "--device", "cpu", "--epochs", "1"]);

    // A missing value without a rule, by its row.
    place.write("s.toml", &spec("table_snappy.parquet", "").replace("missing = \"mean\"", "missing = \"error\""));
    place.refused(&["train", "s.toml", "--device", "cpu"], &["table_snappy.parquet, row 1, column \"count\""]);
}

#[test]
fn what_is_not_read_is_refused_by_its_name() {
    let place = Place::new();
    let whole = std::fs::read(fixture("table_none.parquet")).unwrap();
    place.write("words.parquet", "PAR1 and nothing more");
    std::fs::write(place.path("cut.parquet"), &whole[..whole.len() / 2]).unwrap();
    for name in ["list.parquet", "struct.parquet", "bytes.parquet", "empty.parquet", "table_zstd.parquet"] {
        std::fs::copy(fixture(name), place.path(name)).unwrap();
    }
    for (name, expected) in [
        ("list.parquet", "the column is nested"),
        ("struct.parquet", "column \"pair.b\": the column is nested"),
        ("bytes.parquet", "FIXED_LEN_BYTE_ARRAY"),
        ("empty.parquet", "no rows"),
        ("table_zstd.parquet", "packed by zstd"),
        ("words.parquet", "the Parquet file is damaged"),
        ("cut.parquet", "the Parquet file is damaged"),
    ] {
        // The columns of the spec are not in this one, which is told first.
        if name != "empty.parquet" {
            place.write("s.toml", &spec(name, ""));
            place.refused(&["train", "s.toml", "--device", "cpu"], &[name, expected]);
        }
        place.refused(&["new", name], &[name, expected]);
    }
}
