//! A power cut after any file operation of a run, with anything torn that was not synced, leaves a run that goes on, or
//! none at all where it had not begun: to the same bits, and from the last checkpoint that was complete.

use super::cut_disk;
use crate::support::program;

use cut_disk::{Folder, Operation, Recorder, Tear, states};
use program::{IRIS, Place};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use wgrad::exec::Device;
use wgrad::model::disk::{Disk, SystemDisk};
use wgrad::plan::Switches;
use wgrad::report::RunReport;
use wgrad::spec::Spec;
use wgrad::train::run::{Job, Observer, Place as Where, train};
use wgrad::train::run_folder::RunFolder;

struct Silent;
impl Observer for Silent {}

fn train_in(spec: &Spec, place: Where, disk: Arc<dyn Disk>) -> wgrad::Result<RunReport> {
    let job = Job {
        spec: spec.clone(),
        spec_name: "iris.toml".into(),
        place,
        switches: Switches::ALL,
        disk,
        lose_at: Vec::new(),
    };
    pollster::block_on(train(&job, &Device::cpu(), &mut Silent))
}

/// Starts the run in `folder`, or goes on with it where it holds one.
fn start(spec: &Spec, folder: &Path, disk: Arc<dyn Disk>) -> wgrad::Result<RunReport> {
    let place = match RunFolder::open(folder) {
        Ok(run) => Where::Resume(run),
        Err(_) => Where::New(Some(folder.to_path_buf())),
    };
    train_in(spec, place, disk)
}

/// A spec of 2 epochs of 30 steps with a checkpoint after every 25.
fn spec(place: &Place) -> Spec {
    let text = IRIS.replace("epochs = 3", "epochs = 2");
    place.write("iris.toml", &format!("{text}\n[train.checkpoint]\nsteps = 25\nminutes = 0\n"));
    Spec::load(place.path("iris.toml")).unwrap().with_absolute_paths().unwrap()
}

/// The step that the checkpoint in these bytes stands at.
fn step_of(bytes: &[u8]) -> u64 {
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
    let position = &header.metadata().as_ref().unwrap()["wgrad.position"];
    serde_json::from_str::<serde_json::Value>(position).unwrap()["steps"].as_u64().unwrap()
}

/// For each operation, the step of the checkpoint that was complete before it: renamed, and the folder synced.
fn complete_before(operations: &[Operation]) -> Vec<u64> {
    let mut written: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut renamed, mut complete, mut before) = (0, 0, Vec::new());
    for operation in operations {
        before.push(complete);
        match operation {
            Operation::Write(name, bytes) if bytes.windows(14).any(|w| w == b"wgrad.position") => {
                written.insert(name, step_of(bytes));
            }
            Operation::Rename(from, to) if to == "checkpoint.safetensors" => renamed = written[from.as_str()],
            Operation::SyncFolder => complete = renamed,
            _ => {}
        }
    }
    before.push(complete);
    before
}

struct Recorded {
    place: Place,
    spec: Spec,
    operations: Vec<Operation>,
    /// Of the undisturbed run.
    digest: String,
    losses: Vec<f64>,
}

fn recorded() -> Recorded {
    let place = Place::new();
    let spec = spec(&place);
    let folder = std::fs::canonicalize(place.path("")).unwrap().join("r");
    let disk = Arc::new(Recorder::new(&folder));
    let report = start(&spec, &folder, disk.clone() as Arc<dyn Disk>).unwrap();
    let losses = report.epochs.iter().map(|e| e.train_loss).collect();
    Recorded { place, spec, operations: disk.operations(), digest: report.digest, losses }
}

/// What went wrong after a cut that left `state`, if anything.
fn fault(recorded: &Recorded, state: &Folder, complete: u64) -> Option<String> {
    let folder = recorded.place.path("cut");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    state.iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).unwrap());
    if let Ok(run) = RunFolder::open(&folder) {
        if let Err(e) = run.trained() {
            return Some(format!("the weights cannot be read: {e}"));
        }
        match run.position() {
            Some(position) if position.steps >= complete => {}
            other => return Some(format!("step {complete} was complete, found {other:?}")),
        }
    } else if complete > 0 {
        return Some(format!("step {complete} was complete, but the folder holds no run"));
    }
    match start(&recorded.spec, &folder, Arc::new(SystemDisk)) {
        Err(e) => Some(format!("the run does not go on: {e}")),
        Ok(report) if report.digest != recorded.digest => Some("the run goes on to other bits".into()),
        Ok(report) => {
            let losses: Vec<f64> = report.epochs.iter().map(|e| e.train_loss).collect();
            let lines = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap().lines().count();
            (losses != recorded.losses || lines != losses.len()).then(|| "the run goes on to another curve".into())
        }
    }
}

/// Cuts after every operation (a write counts twice: torn, and done); gives the states tried and the faults found.
fn cut_everywhere(recorded: &Recorded, operations: &[Operation], tears: &[Tear]) -> (usize, Vec<String>) {
    let complete = complete_before(operations);
    let mut tried: BTreeMap<Folder, u64> = BTreeMap::new();
    for cut in 0..=operations.len() {
        for state in states(&operations[..cut], tears) {
            let least = tried.entry(state).or_insert(complete[cut]);
            *least = (*least).max(complete[cut]);
        }
    }
    let faults = tried.iter().filter_map(|(state, complete)| {
        let names: Vec<_> = state.iter().map(|(name, bytes)| format!("{name} ({})", bytes.len())).collect();
        Some(format!("{}\n  in {}", fault(recorded, state, *complete)?, names.join(", ")))
    });
    (tried.len(), faults.collect())
}

const TEARS: [Tear; 5] = [Tear::Nothing, Tear::All, Tear::Part(128), Tear::Zeros, Tear::Noise];

#[test]
fn a_power_cut_at_any_operation_leaves_a_run_that_goes_on() {
    let recorded = recorded();
    let steps: Vec<u64> = recorded
        .operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::Write(_, bytes) if bytes.windows(14).any(|w| w == b"wgrad.position") => Some(step_of(bytes)),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [0, 25, 50, 60], "checkpoints after every 25 steps and at the end");
    let (tried, faults) = cut_everywhere(&recorded, &recorded.operations, &TEARS);
    println!("{} operations, {tried} states of the folder", recorded.operations.len());
    assert!(faults.is_empty(), "{} of {tried} states:\n{}", faults.len(), faults.join("\n"));
    // Every operation changes what a cut may leave, but those that follow a sync of what they would change.
    assert!(tried > recorded.operations.len(), "{} operations, {tried} states", recorded.operations.len());
}

/// `cargo test --test program power_cut:: -- --ignored --nocapture`
#[test]
#[ignore = "a soak test of some minutes"]
fn soak_of_power_cuts() {
    let recorded = recorded();
    let parts = (0..=255).step_by(9).map(Tear::Part);
    let tears: Vec<Tear> = TEARS.into_iter().chain(parts).collect();
    let (tried, faults) = cut_everywhere(&recorded, &recorded.operations, &tears);
    println!("{} operations, {tried} states of the folder, {} faults", recorded.operations.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Without the syncs the same cuts must find faults, or the test above would show nothing.
#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let recorded = recorded();
    let is_sync = |operation: &&Operation| matches!(operation, Operation::Sync(name) if name.starts_with(".wgrad-"));
    let unsynced: Vec<Operation> = recorded.operations.iter().filter(|o| !is_sync(o)).cloned().collect();
    assert!(unsynced.len() < recorded.operations.len());
    let last = unsynced.len() - 12;
    let (_, faults) = cut_everywhere(&recorded, &unsynced[..last], &[Tear::Part(128)]);
    assert!(!faults.is_empty(), "files that are not synced before they are renamed");

    let metrics = |o: &&Operation| matches!(o, Operation::Sync(name) if name == "metrics.jsonl");
    let unsynced: Vec<Operation> = recorded.operations.iter().filter(|o| !metrics(o)).cloned().collect();
    assert!(unsynced.len() < recorded.operations.len());
    let (_, faults) = cut_everywhere(&recorded, &unsynced, &[Tear::All]);
    assert!(!faults.is_empty(), "metrics that are not synced before the checkpoint that counts on them");

    let unsynced: Vec<Operation> =
        recorded.operations.iter().filter(|o| **o != Operation::SyncFolder).cloned().collect();
    // Where the folder is never synced, no operation makes a checkpoint complete: the indices of the whole list say which
    // one should have been.
    let state: Folder = states(&unsynced, &[Tear::Nothing]).into_iter().next().unwrap();
    assert!(fault(&recorded, &state, 60).is_some(), "names that never reach the disk");
}
