//! `wgrad verify --matrix` on the adapters of this machine, through the program.

use crate::support::adapter;

use assert_cmd::Command;
use std::path::Path;
use wgrad::testing::verify::matrix::Matrix;

/// A small spec in a folder of its own, two train steps of which are 40 rows each.
fn spec(folder: &Path) -> String {
    let rows = (0..80).map(|i| format!("{},{},{}\n", f64::from(i).sin(), f64::from(i * i % 17) / 9.0, i % 3));
    std::fs::write(folder.join("data.csv"), format!("a,b,label\n{}", rows.collect::<String>())).unwrap();
    let text = "[data]\ntrain = \"data.csv\"\ntarget = \"label\"\n\n[[model.layers]]\ndense = 7\nactivation = \"tanh\"\n\n\
                [[model.layers]]\ndense = 3\n\n[train]\nloss = \"cross_entropy\"\n\
                optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }\nbatch_size = 40\nepochs = 1\nseed = 1\n";
    let path = folder.join("spec.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn wgrad(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_wgrad")).args(arguments).output().unwrap()
}

/// Names of the adapters, if the environment asks for tests on one.
#[track_caller]
fn adapters() -> Option<Vec<String>> {
    if adapter::named().is_none() && !adapter::required() {
        adapter::skipped("WGRAD_ADAPTER names no adapter to test");
        return None;
    }
    let listed: serde_json::Value = serde_json::from_slice(&wgrad(&["devices", "--json"]).stdout).unwrap();
    let adapters = listed["adapters"].as_array().unwrap();
    assert!(!adapters.is_empty(), "no adapter on this machine");
    Some(adapters.iter().map(|a| a["name"].as_str().unwrap().to_string()).collect())
}

#[test]
fn every_adapter_has_a_column_and_passes() {
    let Some(adapters) = adapters() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (spec, summary) = (spec(folder.path()), folder.path().join("summary.md").display().to_string());
    let output = wgrad(&["verify", &spec, "--matrix", "--steps", "2", "--json", "--markdown", &summary]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let matrix: Matrix = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = matrix.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names[..2], ["cpu (f64)", "cpu (f32)"]);
    assert_eq!(names[2..], adapters);
    assert!(matrix.passed && matrix.columns[1..].iter().all(|c| c.passed && c.max_ratio.is_some_and(|r| r.0 <= 1.0)));
    assert!(!matrix.values.is_empty() && matrix.values.iter().all(|v| v.digests.iter().all(Option::is_some)));
    // Gathering rows is exact, so that all devices have the same bits there.
    let gathered = matrix.values.iter().find(|v| v.kernel == "gather_rows").unwrap();
    assert_eq!(gathered.groups.len(), 1, "{gathered:?}");
    let markdown = std::fs::read_to_string(&summary).unwrap();
    let text = String::from_utf8(wgrad(&["verify", &spec, "--matrix"]).stdout).unwrap();
    for name in &adapters {
        assert!(text.contains(name), "{text}");
        assert!(markdown.replace('\\', "").contains(name), "{markdown}");
    }
}

/// The control: bounds that nothing can hold.
#[test]
fn an_adapter_that_fails_gives_exit_code_1() {
    let Some(adapters) = adapters() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = wgrad(&["verify", &spec(folder.path()), "--matrix", "--slack", "1e-9", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let matrix: Matrix = serde_json::from_slice(&output.stdout).unwrap();
    let failed = matrix.columns.iter().filter(|c| c.conclusion.starts_with("FAILED: the first node at fault is"));
    assert_eq!(failed.count(), 1 + adapters.len());
    // What keeps every device from running is no verdict.
    let missing = wgrad(&["verify", "no such file.toml", "--matrix"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no such file.toml"));
}
