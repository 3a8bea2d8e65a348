//! The worked examples on the CPU, in f32 and f64, through the engine and through the library's interface.

use crate::support;

use serde_json::Value;
use support::worked::{NAMES, Runner, check, example, examples, printed};
use wgrad::exec::{Choice, Device};

fn run(runner: &Runner<'_>, wide: bool) {
    let all = examples();
    assert_eq!(all["examples"].as_array().map(Vec::len), Some(NAMES.len()), "every example of the file is run");
    for name in NAMES {
        let example = example(&all, name);
        let report = check(example, runner, wide);
        assert!(report.faults.is_empty(), "{name}:\n{}", report.faults.join("\n"));
        assert_eq!(report.checked, printed(example), "{name}: every printed number is compared");
    }
}

#[test]
fn every_printed_number_comes_out_in_f32() {
    run(&Runner::Engine(&Device::cpu()), false);
}

#[test]
fn every_printed_number_comes_out_in_f64() {
    run(&Runner::Engine(&Device::cpu_f64()), true);
}

#[test]
fn every_printed_number_comes_out_of_the_trainer() {
    run(&Runner::Trainer(Choice::Cpu), false);
}

/// Control: each printed number moved by three tolerances must be found out, one at a time.
#[test]
fn a_wrong_printed_number_is_found() {
    let all = examples();
    for name in &NAMES[..4] {
        let good = example(&all, name);
        // Inputs that no result is compared with are under other keys.
        for key in ["expect", "loss", "dloss_dprediction"] {
            for index in 0..support::worked::numbers(&good[key]).len() {
                let mut bad = good.clone();
                let shift = 3.0 * good["tolerance"].as_f64().unwrap();
                assert!(shifted(&mut bad[key], &mut index.clone(), shift));
                let report = check(&bad, &Runner::Engine(&Device::cpu_f64()), false);
                assert!(!report.faults.is_empty(), "{name}: {key}[{index}] + {shift} was not found");
            }
        }
    }
}

/// Adds `shift` to the number that is `index`-th in `value`; false where there are fewer.
fn shifted(value: &mut Value, index: &mut usize, shift: f64) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().any(|v| shifted(v, index, shift)),
        Value::Object(entries) => entries.values_mut().any(|v| shifted(v, index, shift)),
        Value::Number(n) if *index == 0 => {
            *value = Value::from(n.as_f64().unwrap() + shift);
            true
        }
        Value::Number(_) => {
            *index -= 1;
            false
        }
        _ => false,
    }
}
