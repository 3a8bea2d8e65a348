//! Numbers that are not finite: the operation that made the first is named, its step is kept, and the step can be replayed.

use crate::support::program;

use program::{Ended, IRIS, Place, REGRESSION};
use serde_json::Value;

/// A run whose loss overflows: weights of 1e20 squared.
fn wild(place: &Place, device: &[&str]) -> Ended {
    place.write_edited("wild.toml", REGRESSION, "lr = 0.1", "lr = 1e9");
    place.run(&[&["train", "wild.toml", "--run", "r"], device].concat())
}

fn replayed(place: &Place, args: &[&str]) -> (Option<i32>, Value) {
    let found = place.run(&[&["replay"], args, &["--json"]].concat());
    let value = serde_json::from_str(&found.stdout).unwrap_or_else(|e| panic!("{e}: {found:?}"));
    (found.code, value)
}

#[test]
fn the_operation_at_fault_is_named_and_its_step_is_replayed() {
    let place = Place::new();
    let found = wild(&place, &["--device", "cpu"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    for part in [
        "the first op at fault is loss (mse, loss)",
        "it made inf at [",
        "replay r/fault.safetensors",
        "last good checkpoint is kept in r",
    ] {
        assert!(found.stderr.contains(part), "`{part}` is not in: {}", found.stderr);
    }
    let (code, value) = replayed(&place, &["r/fault.safetensors", "--device", "cpu"]);
    assert_eq!((code, &value["reproduced"]), (Some(1), &Value::Bool(true)), "{value:#}");
    assert_eq!(value["culprit"]["kernel"], "mse");
    assert_eq!(value["culprit"]["phase"], "loss");
    assert_eq!(value["culprit"]["made"], "Infinity");
    // The step that the bundle holds is the one that the error names.
    let named = found.stderr.split("In step ").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(value["step"].to_string(), named);
    // Every value before the one at fault is finite.
    let nodes = value["nodes"].as_array().unwrap();
    let bad = nodes.iter().position(|n| n["infinite"] != 0 || n["nan"] != 0).unwrap();
    assert_eq!(nodes[bad]["name"], value["culprit"]["value"]);
    let words = place.run(&["replay", "r/fault.safetensors", "--device", "cpu"]);
    assert_eq!(words.code, Some(1));
    for part in ["NOT FINITE", "the first op at fault is loss (mse, loss)", "forward", "optimizer"] {
        assert!(words.stdout.contains(part), "`{part}` is not in: {}", words.stdout);
    }
}

/// An update that overflows while the loss is finite: what only the guard sees. The bias's gradient is about -57.
#[test]
fn an_update_that_leaves_the_numbers_is_found_though_the_loss_is_finite() {
    let place = Place::new();
    let spec = REGRESSION.replace("\"mse\"", "\"half_squared_error\"").replace("epochs = 20", "epochs = 1");
    let spec = spec.replace("batch_size = 8", "batch_size = 40");
    place.write_edited("jump.toml", &spec, "lr = 0.1", "lr = 3e38");
    // One step in the whole run: no later loss could show it.
    let found = place.run(&["train", "jump.toml", "--run", "r", "--device", "cpu"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    for part in [
        "a parameter or an optimizer state stopped being a finite number at step 1 (epoch 1)",
        "optimizer (sgd_step, optimizer)",
        "layers.0.weight",
    ] {
        assert!(found.stderr.contains(part), "`{part}` is not in: {}", found.stderr);
    }
    // The same with a learning rate that keeps them is fine.
    place.write_edited("calm.toml", &spec, "lr = 0.1", "lr = 1e36");
    place.good(&["train", "calm.toml", "--run", "calm", "--device", "cpu"]);
}

/// The step that is replayed is the one that was trained: in parts, clipped, under a schedule, with every optimizer.
#[test]
fn a_clipped_and_accumulated_step_is_replayed() {
    use wgrad::train::replay::{Bundle, replay};
    let place = Place::new();
    for (i, (more, optimizer)) in [
        ("accumulate = 3", "{ sgd = { lr = 1e30 } }"),
        ("clip = { norm = 0.5 }", "{ sgd = { lr = 1e30 } }"),
        ("clip = { value = 0.5 }", "{ lion = { lr = 1e30 } }"),
        ("accumulate = 2\nclip = { norm = 0.5 }\nschedule = \"one_cycle\"", "{ nadam = { lr = 1e30 } }"),
        ("accumulate = 7\nclip = { value = 0.1 }", "{ rmsprop = { lr = 1e30, momentum = 0.5 } }"),
    ]
    .into_iter()
    .enumerate()
    {
        let run = format!("r{i}");
        let spec = REGRESSION.replace("{ sgd = { lr = 0.1 } }", optimizer);
        place.write_edited("wild.toml", &spec, "seed = 1", &format!("seed = 1\n{more}"));
        let found = place.run(&["train", "wild.toml", "--run", &run, "--device", "cpu"]);
        assert_eq!(found.code, Some(1), "{more}: {found:?}");
        let file = format!("{run}/fault.safetensors");
        let (code, value) = replayed(&place, &[&file, "--device", "cpu"]);
        assert_eq!((code, &value["reproduced"]), (Some(1), &Value::Bool(true)), "{more}: {value:#}");
        let named = found.stderr.split("In step ").nth(1).unwrap().split(' ').next().unwrap();
        assert_eq!(value["step"].to_string(), named, "{more}");
        let of = |key: &str| value["culprit"][key].as_str().unwrap();
        let fault = format!("the first op at fault is {} ({}, {})", of("label"), of("kernel"), of("phase"));
        assert!(found.stderr.contains(&fault), "{more}: {fault} is not in: {}", found.stderr);
        // The same step on numbers that stay finite: its loss is that of the batch in one part.
        let mut bundle = Bundle::load(&place.path(&file)).unwrap();
        bundle.parameters.iter_mut().for_each(|p| p.values.fill(0.5));
        bundle.states.iter_mut().for_each(|s| s.values.fill(0.5));
        bundle.hyper.iter_mut().for_each(|h| *h = h.clamp(0.0, 1.0));
        let cpu = wgrad::exec::Device::cpu();
        let parts = pollster::block_on(replay(&bundle, &cpu)).unwrap();
        assert!(!parts.reproduced(), "{more}: {:?}", parts.culprit);
        bundle.spec.train.batch_size *= bundle.spec.train.accumulate;
        bundle.spec.train.accumulate = 1;
        let whole = pollster::block_on(replay(&bundle, &cpu)).unwrap();
        // Sums of at most 56 squares in two orders, each term within a few roundings.
        assert!((parts.loss - whole.loss).abs() <= 2.0 * 64.0 * (-24_f64).exp2() * whole.loss, "{more}");
        // Control: it is not the loss of what a part alone has.
        bundle.weights.iter_mut().skip(3).for_each(|w| *w = 0.0);
        let other = pollster::block_on(replay(&bundle, &cpu)).unwrap();
        assert!((other.loss - whole.loss).abs() > 1e-3 * whole.loss, "{more}");
    }
}

#[test]
fn files_that_are_no_whole_bundle_are_refused() {
    let place = Place::new();
    assert_eq!(wild(&place, &["--device", "cpu"]).code, Some(1));
    let whole = place.bytes("r/fault.safetensors");
    let refused = |name: &str, bytes: &[u8], part: &str| {
        std::fs::write(place.path(name), bytes).unwrap();
        place.refused(&["replay", name, "--device", "cpu"], &[name, part]);
    };
    place.refused(&["replay", "absent", "--device", "cpu"], &["absent", "there is no such file"]);
    place.refused(&["replay", "r/model.safetensors", "--device", "cpu"], &["no replay bundle"]);
    refused("empty", b"", "not a whole safetensors file");
    refused("cut", &whole[..whole.len() - 1], "not a whole safetensors file");
    for at in [whole.len() - 1, whole.len() - 40] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        refused("flipped", &flipped, "damaged");
    }
    // One digit of the header, which the checksum covers as well.
    let text = String::from_utf8_lossy(&whole).find("batch_size = 8").unwrap() + "batch_size = ".len();
    let mut edited = whole.clone();
    edited[text] = b'9';
    refused("edited", &edited, "damaged");
}

#[test]
fn a_step_that_stays_finite_is_not_reproduced() {
    // The bundle of an overflow, with the learning rate and the features of a tame one: written through the library.
    use wgrad::train::replay::{Bundle, replay};
    let place = Place::new();
    assert_eq!(wild(&place, &["--device", "cpu"]).code, Some(1));
    let mut bundle = Bundle::load(&place.path("r/fault.safetensors")).unwrap();
    bundle.parameters.iter_mut().for_each(|p| p.values.fill(0.5));
    bundle.save(&place.path("tame.safetensors")).unwrap();
    let (code, value) = replayed(&place, &["tame.safetensors", "--device", "cpu"]);
    assert_eq!((code, &value["reproduced"]), (Some(0), &Value::Bool(false)), "{value:#}");
    // NaN in the bundle itself survives the file, and no operation is blamed for it.
    bundle.parameters[0].values[0] = f64::NAN;
    bundle.save(&place.path("nan.safetensors")).unwrap();
    let read = Bundle::load(&place.path("nan.safetensors")).unwrap();
    let found = pollster::block_on(replay(&read, &wgrad::exec::Device::cpu())).unwrap();
    assert!(found.reproduced() && found.culprit.is_none(), "{found:?}");
}

#[test]
fn classes_and_a_last_batch_that_is_not_full_are_kept() {
    let place = Place::new();
    // 120 training rows in batches of 50: the third has 20.
    let spec = IRIS.replace("batch_size = 4", "batch_size = 50").replace("lr = 0.1, momentum = 0.9", "lr = 1e38");
    place.write("wild.toml", &spec.replace("\"tanh\"", "\"relu\""));
    let found = place.run(&["train", "wild.toml", "--run", "r", "--device", "cpu"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    let (code, value) = replayed(&place, &["r/fault.safetensors", "--device", "cpu"]);
    assert_eq!(code, Some(1), "{value:#}");
    assert!(!value["culprit"]["label"].as_str().unwrap().is_empty());
}
