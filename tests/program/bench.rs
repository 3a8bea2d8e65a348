//! `wgrad bench`: the losses are the peers', the same bits each time, and wrong ones are caught. No time is asserted.

use crate::support::program;

use program::Place;
use serde_json::Value;
use wgrad::exec::Device;
use wgrad::plan::Switches;
use wgrad::testing::bench::{Line, Settings, WORKLOADS, Workload, measure};

const SHORT: Settings = Settings { seconds: 0.01, warm_up_s: 0.0, profile: false, switches: Switches::ALL };

fn line(device: &Device, name: &str) -> Line {
    pollster::block_on(measure(device, Workload::by_name(name).unwrap(), SHORT)).unwrap()
}

#[test]
fn the_cpu_reaches_the_losses_of_the_peers_with_the_same_bits_each_time() {
    for name in ["seed", "digits", "mnist", "mnist-adam"] {
        let (first, second) = (line(&Device::cpu(), name), line(&Device::cpu(), name));
        assert!(first.loss_agrees, "{name}: {:?}", first.loss_check);
        assert!(first.loss_check.is_some() && first.loss_check == second.loss_check, "{name}");
        assert!(first.repetitions.count >= 1 && first.steps >= 1 && first.warmup_steps >= 100, "{first:?}");
    }
}

#[test]
fn the_judge_gives_the_expected_loss_to_more_digits_than_are_asked_for() {
    for name in ["seed", "digits"] {
        let loss = line(&Device::cpu_f64(), name).loss_check.unwrap();
        let expected = Workload::by_name(name).unwrap().expected_loss;
        // The constant has twelve decimals; the sums of 100 steps in f64 round far below.
        assert!((loss - expected).abs() <= 1e-11, "{name}: {loss} against {expected}");
    }
}

#[test]
fn a_step_that_computes_something_else_does_not_agree() {
    // The faults that the check exists for: another learning rate, another order of samples, one step more or less.
    let digits = Workload::by_name("digits").unwrap();
    let other_rate = Workload { optimizer: wgrad::graph::Optimizer::sgd(0.1001), ..digits };
    let other_order = Workload { stride: digits.stride + 1, ..digits };
    let one_step_less = Workload { check_steps: digits.check_steps - 1, ..digits };
    for wrong in [other_rate, other_order, one_step_less] {
        let line = pollster::block_on(measure(&Device::cpu(), wrong, SHORT)).unwrap();
        assert!(!line.loss_agrees, "{wrong:?}: {:?}", line.loss_check);
    }
}

#[test]
fn json_has_one_line_a_workload_with_the_fields_of_the_peers() {
    let place = Place::new();
    let text = place.good(&["bench", "digits", "seed", "--device", "cpu", "--seconds", "0.05", "--json"]);
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().map(|l| l["workload"].as_str().unwrap()).collect::<Vec<_>>(), ["digits", "seed"]);
    for line in &lines {
        assert_eq!((&line["peer"], &line["adapter"]), (&Value::from("wgrad"), &Value::from("cpu (f32)")));
        for field in [
            "steps_per_s",
            "samples_per_s",
            "gflop_per_s",
            "loss_check",
            "final_loss",
            "steps",
            "first_step_s",
            "compile_or_warmup_s",
            "warmup_steps",
        ] {
            assert!(line[field].as_f64().is_some_and(|v| v > 0.0), "{field}: {line}");
        }
    }
    place.good(&["bench", "seed", "--device", "cpu", "--seconds", "0.05", "--json", "r.jsonl"]);
    assert_eq!(place.read("r.jsonl").lines().count(), 1);
    let table = place.good(&["bench", "seed", "--device", "cpu", "--seconds", "0.05"]);
    assert!(table.contains("loss check") && table.contains("0.162999 ok"), "{table}");
}

#[test]
fn a_profile_has_every_dispatch_of_the_step_against_the_peaks() {
    let place = Place::new();
    let args = ["bench", "seed", "--device", "cpu", "--seconds", "0.05", "--json", "--trace", "t.json", "--roofline"];
    let text = place.good(&[&args[..], &["r.svg"]].concat());
    let line: Value = serde_json::from_str(&text).unwrap();
    let profile = &line["profile"];
    for peak in ["gflop_per_s", "read_gb_per_s", "write_gb_per_s", "cached_gb_per_s", "dispatch_us"] {
        assert!(profile["peaks"][peak].as_f64().is_some_and(|v| v > 0.0), "{peak}: {profile}");
    }
    let dispatches = profile["dispatches"].as_array().unwrap();
    assert_eq!(dispatches.iter().filter(|d| d["kernel"] == "sgd_step").count(), 1, "{profile}");
    for d in dispatches {
        assert!(["compute", "bandwidth", "overhead"].contains(&d["bound"].as_str().unwrap()), "{d}");
        assert!(d["bytes"].as_u64().unwrap() > 0 && d["time_us"]["count"].as_u64().unwrap() > 0, "{d}");
    }
    // The trace has each dispatch as often as it was timed, and names that a viewer shows.
    let trace: Value = serde_json::from_str(&place.read("t.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let steps = events.iter().filter(|e| e["name"] == "sgd_step").count() as u64;
    assert_eq!(Some(steps), dispatches[0]["time_us"]["count"].as_u64());
    assert!(events.iter().filter(|e| e["ph"] == "X").all(|e| e["dur"].is_number() && e["ts"].is_number()));
    let svg = place.read("r.svg");
    assert!(roxmltree::Document::parse(&svg).is_ok() && svg.contains("GFLOP/s"), "{svg}");
}

#[test]
fn the_kernel_table_is_timed_without_a_workload() {
    let place = Place::new();
    let text = place.good(&["bench", "--kernels", "--device", "cpu", "--json"]);
    let table: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = table["kernels"].as_array().unwrap().iter().map(|k| k["kernel"].as_str().unwrap()).collect();
    assert!(wgrad::kernels::Kernel::ALL.iter().all(|k| names.contains(&k.name)), "{names:?}");
}

#[test]
fn a_slowdown_beyond_the_noise_is_exit_code_1_and_a_speedup_is_not() {
    let place = Place::new();
    let bench = ["bench", "seed", "--device", "cpu", "--seconds", "0.3"];
    place.good(&[&bench[..], &["--json", "before.jsonl"]].concat());
    let mut line: Value = serde_json::from_str(&place.read("before.jsonl")).unwrap();
    // What was saved is the measurement times a factor that no noise explains.
    for (factor, code, word) in [(100.0, 1, "SLOWER"), (0.01, 0, "faster")] {
        let mut other = line.clone();
        for quartile in ["median", "low", "high"] {
            other["repetitions"][quartile] = Value::from(line["repetitions"]["median"].as_f64().unwrap() * factor);
        }
        place.write("other.jsonl", &other.to_string());
        let ended = place.run(&[&bench[..], &["--compare", "other.jsonl"]].concat());
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stdout.contains(word), "{}", ended.stdout);
    }
    line["adapter"] = Value::from("another machine's");
    place.write("other.jsonl", &line.to_string());
    let ended = place.run(&[&bench[..], &["--compare", "other.jsonl"]].concat());
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("seed on another machine's"), "{}", ended.stderr);
}

#[test]
fn bad_input_is_met_with_a_reason() {
    let place = Place::new();
    place.write("broken.jsonl", "\n{\"workload\": \"seed\"}\n");
    place.write("empty.jsonl", "");
    for (args, needed) in [
        (&["bench", "digts"][..], &["no workload \"digts\"", "did you mean \"digits\"?", "mnist-adam"][..]),
        (&["bench", "--json", "seed"], &["wgrad bench seed --json"]),
        (&["bench", "seed", "--seconds", "0"], &["above 0"]),
        (&["bench", "seed", "--device", "cpu", "--adapter", "0"], &["contradict"]),
        (
            &["bench", "seed", "--compare", "broken.jsonl"],
            &["broken.jsonl:2", "no result of wgrad bench", "a file of its JSON"],
        ),
        (&["bench", "seed", "--compare", "empty.jsonl"], &["empty.jsonl", "no result"]),
        (&["bench", "seed", "--compare", "nowhere.jsonl"], &["nowhere.jsonl"]),
        (&["bench", "seed", "digits", "--trace", "t.json"], &["one workload", "wgrad bench digits --trace"]),
    ] {
        let ended = place.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        for word in needed {
            assert!(ended.stderr.contains(word), "{args:?}: {}", ended.stderr);
        }
    }
}

#[test]
fn every_workload_has_a_name_of_its_own() {
    for (i, w) in WORKLOADS.iter().enumerate() {
        assert_eq!(WORKLOADS.iter().position(|v| v.name == w.name), Some(i));
    }
}
