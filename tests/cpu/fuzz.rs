//! Random specs on the CPU in f32 against the CPU in f64.

use crate::support::fuzz;

use assert_cmd::Command;
use fuzz::{Case, Kind, Sketch, Values, case_count, property};
use wgrad::exec::Device;
use wgrad::graph::{Activation, Clip, Loss, Optimizer, Schedule};
use wgrad::model::weights::load;
use wgrad::spec::Spec;
use wgrad::testing::train::samples::read;

const CASES: u32 = 200;
/// Cases of the long run.
const SOAK: u32 = 10_000;

#[test]
fn random_specs_agree() {
    property(&Device::cpu(), case_count(CASES));
}

/// `cargo test --release --test cpu fuzz::soak -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn soak() {
    property(&Device::cpu(), case_count(SOAK));
}

fn case(loss: Loss, outputs: usize) -> Case {
    let layer =
        |kind, outputs, activation| Sketch { kind, outputs, activation, bias: kind != Kind::Dense || outputs != 5 };
    Case {
        layers: vec![
            layer(Kind::Dense, 5, Activation::LeakyRelu { slope: 0.3 }),
            layer(Kind::LayerNorm, 1, Activation::Identity),
            layer(Kind::Dropout(0.25), 1, Activation::Tanh),
            layer(Kind::Dense, outputs, Activation::Identity),
        ],
        inputs: 3,
        rows: 7,
        batch: 2,
        accumulate: 2,
        steps: 2,
        schedule: Schedule::one_cycle(5).warmup(1),
        clip: Some(Clip::Norm(0.5)),
        loss,
        optimizer: Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
        features: Values::Mixed,
        weights: Values::Plain,
        unfused: true,
        seed: u64::MAX - 5,
    }
}

/// What a failure leaves on disk is the case that failed, number for number, and the printed command runs it.
#[test]
fn a_failing_case_is_written_as_a_spec_that_reproduces_it() {
    let cases = [(Loss::cross_entropy(), 3), (Loss::HalfSquaredError, 1), (Loss::Hinge, 1), (Loss::BceWithLogits, 4)];
    for (loss, outputs) in cases {
        let case = case(loss, outputs);
        let folder = tempfile::tempdir().unwrap();
        case.write(folder.path());
        let spec = Spec::load(folder.path().join("spec.toml")).unwrap();
        let prepared = read(&spec, folder.path()).unwrap();
        assert_eq!(prepared.network, case.network());
        assert_eq!(**prepared.train.memory().unwrap(), wgrad::testing::data::cast(&case.data()));
        assert_eq!((spec.train.rule(case.rows), spec.train.batch_size), (case.rule(), case.batch));
        let weights = load(&folder.path().join("model.safetensors"), &case.network().tensors(), false).unwrap();
        assert_eq!(weights, case.parameters());

        let run = |steps: &str| {
            let mut wgrad = Command::cargo_bin("wgrad").unwrap();
            wgrad.arg("verify").arg(folder.path()).args(["--device", "cpu", "--unfused", "--steps", steps, "--json"]);
            let output = wgrad.assert().success().get_output().stdout.clone();
            serde_json::from_slice::<serde_json::Value>(&output).unwrap()
        };
        let loss = |step: &serde_json::Value| step["loss_expected"].as_f64().unwrap();
        let printed = run("2");
        let verdict = case.verdict(&Device::cpu()).unwrap();
        assert!(verdict.passed);
        let expected: Vec<f64> = verdict.steps.iter().map(|s| s.loss_expected).collect();
        let found: Vec<f64> = printed["steps"].as_array().unwrap().iter().map(loss).collect();
        assert_eq!(found, expected, "{loss:?}", loss = case.loss);
    }
}

/// The message of a failure names the folder and the command.
#[test]
fn the_reproduction_is_printed() {
    let case = case(Loss::Mse, 2);
    let text = fuzz::reproduction(&Device::cpu(), &case, "the reason");
    assert!(text.starts_with("the reason\n"), "{text}");
    assert!(text.contains("leaky_relu = { slope = 0.3 }"), "{text}");
    let command = text.lines().find(|l| l.contains("verify")).unwrap();
    assert!(command.ends_with("--device cpu --steps 2 --unfused"), "{command}");
    let folder = command.split_whitespace().find(|w| w.contains("fuzz-failures")).unwrap();
    assert!(std::path::Path::new(folder).join("model.safetensors").is_file());
    std::fs::remove_dir_all(folder).unwrap();
}
