//! Runs under a learning-rate schedule: what is written of the rate, and that a run that was stopped goes on bit for bit.

use crate::support::interruptions;
use crate::support::program;

use interruptions::assert_same_run;
use program::{IRIS, Place};

const CPU: [&str; 2] = ["--device", "cpu"];
const SCHEDULE: &str = "optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }\nschedule = ";

/// A place with the iris spec under `schedule`, for `epochs` epochs of 30 steps, with checkpoints after every 7 steps.
fn place(schedule: &str, epochs: usize) -> Place {
    let place = Place::new();
    let spec = IRIS.replace("optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }", &format!("{SCHEDULE}{schedule}"));
    let spec = spec.replace("epochs = 3", &format!("epochs = {epochs}"));
    place.write("iris.toml", &format!("{spec}\n[train.checkpoint]\nsteps = 7\nminutes = 0\n"));
    place
}

/// The rates of a run's `metrics.jsonl`.
fn rates(place: &Place, run: &str) -> Vec<f64> {
    let of = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["lr"].as_f64().unwrap();
    place.read(&format!("{run}/metrics.jsonl")).lines().map(of).collect()
}

fn train(place: &Place, args: &[&str]) {
    place.good(&[&["train"], args, &CPU].concat());
}

#[test]
fn the_rate_of_every_epoch_is_written() {
    let half = 0.5_f64;
    for (schedule, expected) in [
        ("{ exponential = { gamma = 0.5 } }", [0.1, 0.1 * half, 0.1 * half.powi(2)]),
        ("{ step = { step_size = 2, gamma = 0.5 } }", [0.1, 0.1, 0.1 * half]),
        ("{ linear = { unit = \"step\" } }", [29, 59, 89].map(|t| 0.1 * (1.0 - f64::from(t) / 90.0))),
        // The first unit of a warm-up has a third of the rate.
        ("{ constant = { warmup = 1, unit = \"epoch\" } }", [0.1 / 3.0, 0.1, 0.1]),
    ] {
        let place = place(schedule, 3);
        train(&place, &["iris.toml", "--run", "r"]);
        let found = rates(&place, "r");
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-16), "{schedule}: {found:?}");
        let report: serde_json::Value = serde_json::from_str(&place.read("r/report.json")).unwrap();
        let of_report: Vec<f64> =
            report["epochs"].as_array().unwrap().iter().map(|e| e["lr"].as_f64().unwrap()).collect();
        assert_eq!(of_report, found);
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_with_the_same_bits() {
    for schedule in ["{ step = { step_size = 1, warmup = 1 } }", "{ cosine = { length = 70, warmup = 9 } }"] {
        let place = place(schedule, 3);
        train(&place, &["iris.toml", "--run", "whole"]);
        train(&place, &["iris.toml", "--run", "part", "--epochs", "2"]);
        train(&place, &["--resume", "part", "--epochs", "3"]);
        assert_same_run(&place, "part", "whole");
    }
}

/// The plateau's state is in the checkpoint: best loss, bad epochs, cooling down, and the rate itself.
#[test]
fn reduce_on_plateau_goes_on_where_it_stood() {
    let plateau = "factor = 0.5, patience = 1, threshold = 0.2, cooldown = 1";
    let place = place(&format!("{{ reduce_on_plateau = {{ {plateau} }} }}"), 12);
    train(&place, &["iris.toml", "--run", "whole"]);
    let whole = rates(&place, "whole");
    assert!(whole[0] == 0.1 && whole[11] < 0.05, "the rate is reduced more than once: {whole:?}");
    for epochs in 1..12 {
        let run = format!("r{epochs}");
        train(&place, &["iris.toml", "--run", &run, "--epochs", &epochs.to_string()]);
        train(&place, &["--resume", &run, "--epochs", "12"]);
        assert_same_run(&place, &run, "whole");
    }
    // Control: another threshold is another run.
    place.write_edited("other.toml", &place.read("iris.toml"), "threshold = 0.2", "threshold = 0.01");
    train(&place, &["other.toml", "--run", "other"]);
    assert!(rates(&place, "other") != whole);
}

/// Without validation rows the training loss decides.
#[test]
fn reduce_on_plateau_takes_the_training_loss_where_nothing_is_validated() {
    let place = place("{ reduce_on_plateau = { patience = 0, threshold = 0.5 } }", 4);
    place.write_edited("bare.toml", &place.read("iris.toml"), "validation = 0.2\n", "");
    train(&place, &["bare.toml", "--run", "r"]);
    let rates = rates(&place, "r");
    assert!(rates[0] == 0.1 && rates[3] < 0.1, "{rates:?}");
}

/// A longer run under a schedule over its whole length has other rates from the first step on.
#[test]
fn a_schedule_over_the_run_holds_its_length() {
    let place = place("\"cosine\"", 2);
    train(&place, &["iris.toml", "--run", "r"]);
    place.refused(
        &["train", "--resume", "r", "--epochs", "3", "--device", "cpu"],
        &["another spec", "the run's  epochs = 2", "now        epochs = 3"],
    );
}

#[test]
fn a_wrong_clip_is_refused_by_its_place() {
    for (clip, part) in [
        ("{ norm = 1, value = 1 }", "both norm and value"),
        ("{}", "`clip` is empty"),
        ("{ norm = 0 }", "above 0"),
        ("{ nrm = 1 }", "unknown key `nrm`"),
        ("1.0", "must be a table"),
    ] {
        let place = place(&format!("\"constant\"\nclip = {clip}"), 2);
        place.refused(&["train", "iris.toml", "--device", "cpu"], &["iris.toml:18:", part]);
    }
}

/// What a step does with its gradients is said where it is more than an optimizer at a constant rate.
#[test]
fn the_update_is_told() {
    let place = place("\"one_cycle\"\naccumulate = 2\nclip = { norm = 0.5 }", 1);
    let told = |spec: &str| place.run(&["train", spec, "--run", &format!("{spec}.run"), "--device", "cpu"]).stderr;
    let line = "update      sgd at lr 0.1; schedule one_cycle; momentum 0.95 to 0.85 and back; gradients clipped to norm 0.5; \
                in 2 parts of 4";
    assert!(told("iris.toml").contains(line), "{}", told("iris.toml"));
    place.write_edited("plain.toml", IRIS, "epochs = 3", "epochs = 1");
    assert!(!told("plain.toml").contains("update  "));
}

/// What cannot be is said before anything is written, by every command that would train.
#[test]
fn batch_norm_in_parts_is_refused() {
    let place = place("\"constant\"\naccumulate = 2", 2);
    place.write_edited("b.toml", &place.read("iris.toml"), "[train]", "[[model.layers]]\nbatch_norm = true\n\n[train]");
    for command in ["train", "verify", "plan", "gradcheck"] {
        place.refused(&[command, "b.toml"], &["b.toml:", "`accumulate`", "batch norm", "layer_norm"]);
    }
    place.write_edited("l.toml", &place.read("b.toml"), "batch_norm", "layer_norm");
    train(&place, &["l.toml", "--run", "l"]);
}

/// Steps of three batches each: 10 an epoch, a stop within one leaves no trace.
#[test]
fn accumulation_leaves_no_trace_of_a_stop() {
    let place = place("\"cosine\"\naccumulate = 3", 3);
    train(&place, &["iris.toml", "--run", "whole"]);
    let line = |run: &str| place.read(&format!("{run}/metrics.jsonl")).lines().last().unwrap().to_string();
    assert!(line("whole").contains("\"step\":30,"), "{}", line("whole"));
    let stopped = place.read("iris.toml").replace("\"cosine\"", "{ cosine = { length = 30 } }");
    place.write("stopped.toml", &stopped);
    train(&place, &["stopped.toml", "--run", "part", "--epochs", "2"]);
    train(&place, &["--resume", "part", "--epochs", "3"]);
    // The schedule is written otherwise, and is the same.
    assert_eq!(place.good(&["digest", "part"]).split(' ').next(), place.good(&["digest", "whole"]).split(' ').next());
    place.good(&["verify", "iris.toml", "--device", "cpu", "--steps", "5"]);
}

/// A clipped run is resumed to the same bits.
#[test]
fn clipping_leaves_no_trace_of_a_stop() {
    let place = place("\"constant\"\nclip = { norm = 0.5 }", 3);
    train(&place, &["iris.toml", "--run", "whole"]);
    train(&place, &["iris.toml", "--run", "part", "--epochs", "2"]);
    train(&place, &["--resume", "part", "--epochs", "3"]);
    assert_same_run(&place, "part", "whole");
    // Control: it is not the run without clipping.
    place.write_edited("free.toml", &place.read("iris.toml"), "clip = { norm = 0.5 }", "");
    train(&place, &["free.toml", "--run", "free"]);
    assert_ne!(place.bytes("free/model.safetensors"), place.bytes("whole/model.safetensors"));
}

/// A run whose momentum is cycled is resumed to the same bits.
#[test]
fn a_cycled_momentum_leaves_no_trace_of_a_stop() {
    let place = place("{ one_cycle = { length = 30 } }", 3);
    train(&place, &["iris.toml", "--run", "whole"]);
    train(&place, &["iris.toml", "--run", "part", "--epochs", "1"]);
    train(&place, &["--resume", "part", "--epochs", "3"]);
    assert_same_run(&place, "part", "whole");
    place.good(&["verify", "iris.toml", "--device", "cpu", "--steps", "40"]);
    // Control: it is not the run with a constant momentum.
    place.write_edited("free.toml", &place.read("iris.toml"), "length = 30", "length = 30, cycle_momentum = false");
    train(&place, &["free.toml", "--run", "free"]);
    assert_ne!(place.bytes("free/model.safetensors"), place.bytes("whole/model.safetensors"));
}

/// As in PyTorch: sgd without momentum gets one, adagrad has none to cycle.
#[test]
fn a_cycled_momentum_needs_one() {
    let place = place("\"one_cycle\"", 2);
    let spec = place.read("iris.toml");
    place.write_edited("plain.toml", &spec, ", momentum = 0.9", "");
    train(&place, &["plain.toml", "--run", "plain"]);
    let resolved = place.read("plain/spec.toml");
    assert!(resolved.contains("momentum = 0.95, nesterov"), "{resolved}");
    assert!(resolved.contains("cycle_momentum = true, base_momentum = 0.85, max_momentum = 0.95"), "{resolved}");
    let adagrad = spec.replace("{ sgd = { lr = 0.1, momentum = 0.9 } }", "\"adagrad\"");
    place.write("adagrad.toml", &adagrad);
    let refused = ["adagrad.toml:17:", "optimizer adagrad has none", "cycle_momentum = false"];
    place.refused(&["train", "adagrad.toml", "--device", "cpu"], &refused);
    place.write_edited("as_told.toml", &adagrad, "\"one_cycle\"", "{ one_cycle = { cycle_momentum = false } }");
    train(&place, &["as_told.toml", "--run", "as_told"]);
}

#[test]
fn a_wrong_schedule_is_refused_by_its_place() {
    for (schedule, parts) in [
        ("\"cosin\"", ["unknown schedule \"cosin\"", "did you mean \"cosine\""]),
        ("{ step = { gamma = 0.1 } }", ["`step_size`", "step_size = 10"]),
        ("{ cosine = { gamma = 0.1 } }", ["unknown key `gamma`", "eta_min"]),
        ("{ cosine = { unit = \"batch\" } }", ["`unit`", "\"step\" or \"epoch\""]),
        ("{ one_cycle = { pct_start = 1.5 } }", ["`pct_start`", "found 1.5"]),
        ("{ one_cycle = { cycle_momentum = 1 } }", ["`cycle_momentum`", "true or false"]),
        ("{ one_cycle = { base_momentum = 0.0 } }", ["`base_momentum`", "above 0 and below 1"]),
        ("{ one_cycle = { max_momentum = 1.0 } }", ["`max_momentum`", "found 1.0"]),
        ("{ reduce_on_plateau = { factor = 1.0 } }", ["`factor`", "below 1"]),
    ] {
        let place = place(schedule, 2);
        place.refused(&["train", "iris.toml", "--device", "cpu"], &["iris.toml:17:", parts[0], parts[1]]);
    }
}
