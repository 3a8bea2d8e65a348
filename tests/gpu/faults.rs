//! Devices that are lost, and numbers that are not finite, on an adapter: through the program.

use crate::support::adapter::name as adapter;
use crate::support::program;

use program::{Ended, IRIS, Place, REGRESSION, ended};
use serde_json::Value;

/// 30 steps an epoch, 60 epochs.
const STEPS: u64 = 1800;

fn long(place: &Place) {
    place.write_edited("long.toml", IRIS, "epochs = 3", "epochs = 60");
}

fn train(place: &Place, adapter: &str, run: &str, without: &[&str], lose_at: &[u64]) -> Ended {
    let mut command = place.command(&["train", "long.toml", "--run", run, "--adapter", adapter]);
    command.args(without);
    if !lose_at.is_empty() {
        let steps: Vec<String> = lose_at.iter().map(u64::to_string).collect();
        command.env("WGRAD_FAULT", format!("lose-device:{}", steps.join(",")));
    }
    ended(&mut command)
}

fn report(place: &Place, run: &str) -> Value {
    serde_json::from_str(&place.read(&format!("{run}/report.json"))).unwrap()
}

/// Twenty steps, drawn with a fixed seed: anywhere in the run.
fn drawn() -> Vec<u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + (state >> 33) % (STEPS - 1)
    };
    (0..20).map(|_| draw()).collect()
}

#[test]
fn twenty_lost_devices_are_recovered_from_to_the_same_bits() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    long(&place);
    for (name, without) in [("whole", &[][..]), ("separate", &["--without", "whole"][..])] {
        let calm = train(&place, &adapter, &format!("{name}-calm"), without, &[]);
        assert_eq!(calm.code, Some(0), "{calm:?}");
        let mut recovered = 0;
        // Ten runs of two losses: between the losses of one run there may be no time for a checkpoint.
        for (i, pair) in drawn().chunks(2).enumerate() {
            let run = format!("{name}-{i}");
            let found = train(&place, &adapter, &run, without, pair);
            assert_eq!(found.code, Some(0), "lost at {pair:?}: {found:?}");
            assert!(
                found.stderr.contains("was lost") && found.stderr.contains("going on from the checkpoint"),
                "{found:?}"
            );
            let report = report(&place, &run);
            recovered += report["recoveries"].as_array().unwrap().len();
            let model = format!("{run}/model.safetensors");
            assert!(place.bytes(&model) == place.bytes(&format!("{name}-calm/model.safetensors")), "lost at {pair:?}");
            assert_eq!(report["epochs"].as_array().unwrap().len(), 60);
            assert_eq!(place.read(&format!("{run}/metrics.jsonl")).lines().count(), 60);
            assert_eq!(report["step_losses"].as_array().unwrap().len() as u64, STEPS);
        }
        assert_eq!(recovered, 20, "{name}");
    }
}

#[test]
fn a_device_that_is_lost_again_and_again_ends_the_run_with_its_checkpoint_whole() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    long(&place);
    // Each loss comes before the run is past the step of the one before.
    let found = train(&place, &adapter, "r", &[], &[30, 30, 30]);
    found.is_refusal(&["was lost", "3 times in a row", "--resume r"]);
    assert!(!place.path("r/report.json").exists() || report(&place, "r")["outcome"] != "finished");
    let resumed = place.run(&["train", "--resume", "r", "--adapter", &adapter]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let calm = train(&place, &adapter, "calm", &[], &[]);
    assert_eq!(calm.code, Some(0), "{calm:?}");
    assert!(place.bytes("r/model.safetensors") == place.bytes("calm/model.safetensors"));
}

#[test]
fn the_operation_at_fault_is_named_and_replayed_on_the_cpu() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    place.write_edited("wild.toml", REGRESSION, "lr = 0.1", "lr = 1e9");
    for without in [&[][..], &["--without", "whole"][..]] {
        let run = format!("r{}", without.len());
        let args = ["train", "wild.toml", "--run", &run, "--adapter", &adapter];
        let found = place.run(&[&args[..], without].concat());
        assert_eq!(found.code, Some(1), "{found:?}");
        assert!(found.stderr.contains("the first op at fault is loss (mse, loss)"), "{found:?}");
        let bundle = format!("{run}/fault.safetensors");
        for device in [["--adapter", adapter.as_str()], ["--device", "cpu"]] {
            let found = place.run(&[&["replay", bundle.as_str()], &device[..]].concat());
            assert_eq!(found.code, Some(1), "{found:?}");
            assert!(found.stdout.contains("the first op at fault is loss (mse, loss)"), "{found:?}");
        }
    }
}

/// One step in the whole run, whose loss is finite: only the guard can see that its update left the numbers.
#[test]
fn an_update_that_leaves_the_numbers_is_found_though_the_loss_is_finite() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let spec = REGRESSION.replace("\"mse\"", "\"half_squared_error\"").replace("epochs = 20", "epochs = 1");
    let spec = spec.replace("batch_size = 8", "batch_size = 40");
    place.write_edited("jump.toml", &spec, "lr = 0.1", "lr = 3e38");
    place.write_edited("calm.toml", &spec, "lr = 0.1", "lr = 1e36");
    for without in [&[][..], &["--without", "whole"][..]] {
        let run = format!("r{}", without.len());
        let found = place.run(&[&["train", "jump.toml", "--run", &run, "--adapter", &adapter], without].concat());
        assert_eq!(found.code, Some(1), "{found:?}");
        assert!(found.stderr.contains("stopped being a finite number at step 1 (epoch 1)"), "{found:?}");
        assert!(found.stderr.contains("optimizer (sgd_step, optimizer)"), "{found:?}");
        let calm = format!("calm{}", without.len());
        let found = place.run(&[&["train", "calm.toml", "--run", &calm, "--adapter", &adapter], without].concat());
        assert_eq!(found.code, Some(0), "{found:?}");
    }
}

#[test]
fn a_device_without_memory_is_told_what_was_asked_and_what_fits() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let spec = IRIS.replace("batch_size = 4", "batch_size = 64").replace("dense = 8", "dense = 512");
    place.write("wide.toml", &spec);
    let train = |spec: &str, run: &str, bytes: u64| {
        let mut command = place.command(&["train", spec, "--run", run, "--adapter", &adapter]);
        ended(command.env("WGRAD_FAULT", format!("memory:{bytes}")))
    };
    let planned = place.good(&["plan", "wide.toml", "--target", &adapter, "--json"]);
    let planned: Value = serde_json::from_str(&planned).unwrap();
    let whole = planned["memory_bytes"].as_u64().unwrap();
    // Evaluation and alignment come on top of the train step that `plan` shows.
    let found = train("wide.toml", "r", whole / 2);
    found.is_refusal(&[
        "has no memory for",
        "the session asks for",
        "It has the memory for batch_size = ",
        "--device cpu",
    ]);
    assert!(!place.path("r").exists(), "a run that cannot start left a folder");
    let fits = found.stderr.split("batch_size = ").nth(1).unwrap().split(',').next().unwrap();
    place.write("less.toml", &spec.replace("batch_size = 64", &format!("batch_size = {fits}")));
    assert_eq!(train("less.toml", "less", whole / 2).code, Some(0), "batch_size = {fits} does not fit after all");
    // The same steps in parts fit as well.
    let parts = found.stderr.split("or for batch_size = ").nth(1).expect(&found.stderr);
    let numbers: Vec<usize> = parts.split([' ', ',']).filter_map(|word| word.parse().ok()).take(2).collect();
    assert_eq!(numbers[0] * numbers[1], 64, "{}", found.stderr);
    let parts = format!("batch_size = {}\naccumulate = {}", numbers[0], numbers[1]);
    place.write("parts.toml", &spec.replace("batch_size = 64", &parts));
    assert_eq!(train("parts.toml", "parts", whole / 2).code, Some(0), "{parts} does not fit after all");
    train("wide.toml", "none", 4096).is_refusal(&["Not even batch_size = 1 fits", "--device cpu"]);
}

/// One epoch and no checkpoint asked for: after a loss the run saves within the epoch, so that losses are no longer in a row.
#[test]
fn a_run_saves_as_soon_as_it_is_past_a_loss() {
    let Some(adapter) = adapter() else { return };
    let place = Place::new();
    let rows: String = place.read("iris.csv").lines().skip(1).map(|l| format!("{l}\n")).collect();
    let head = place.read("iris.csv").lines().next().unwrap().to_string();
    place.write("iris.csv", &format!("{head}\n{}", rows.repeat(400)));
    place.write_edited("long.toml", IRIS, "epochs = 3", "epochs = 1");
    // The first submits are small, and the loss in them is noticed at once; one of a later submit up to the epoch's end.
    let calm = train(&place, &adapter, "calm", &["--without", "whole"], &[]);
    assert_eq!(calm.code, Some(0), "{calm:?}");
    let found = train(&place, &adapter, "r", &["--without", "whole"], &[200, 6000]);
    assert_eq!(found.code, Some(0), "{found:?}");
    let report = report(&place, "r");
    let from: Vec<u64> =
        report["recoveries"].as_array().unwrap().iter().map(|r| r["from_step"].as_u64().unwrap()).collect();
    assert!(from.len() == 2 && from[0] == 0 && from[1] > 0, "{from:?}");
    assert!(place.bytes("r/model.safetensors") == place.bytes("calm/model.safetensors"));
}
