//! Devices that are not there, models that are too large, weight files and run folders that are damaged: exit code 2,
//! a message with place, finding and remedy, nothing changed on the disk.

use crate::support::program;

use program::{Ended, IRIS, Place};
use std::collections::BTreeMap;
use wgrad::model::Tensor;
use wgrad::model::weights::{Precision, save};

const GRAD: [&str; 10] = [
    "grad",
    "iris.toml",
    "--weights",
    "w.safetensors",
    "--data",
    "iris.csv",
    "--out",
    "g.safetensors",
    "--device",
    "cpu",
];

fn tensor(name: &str, shape: &[usize]) -> Tensor {
    let values = (0..shape.iter().product::<usize>()).map(|i| 0.01 * i as f64).collect();
    Tensor { name: name.into(), shape: shape.to_vec(), values }
}

/// The tensors of the iris network.
fn whole() -> Vec<Tensor> {
    vec![
        tensor("layers.0.weight", &[8, 4]),
        tensor("layers.0.bias", &[8]),
        tensor("layers.1.weight", &[3, 8]),
        tensor("layers.1.bias", &[3]),
    ]
}

fn write(place: &Place, file: &str, tensors: &[Tensor], precision: Precision) {
    save(&place.path(file), tensors, precision, &BTreeMap::new()).unwrap();
}

/// A weight file with these tensors is refused by `grad`, and by `eval` and `predict` as the model of a run.
#[track_caller]
fn weights_refused(tensors: &[Tensor], precision: Precision, parts: &[&str]) {
    let place = Place::new();
    write(&place, "w.safetensors", tensors, precision);
    place.refused(&GRAD, &[&["w.safetensors: "], parts].concat());
    model_refused(&place, &place.bytes("w.safetensors"), parts);
}

#[track_caller]
fn model_refused(place: &Place, bytes: &[u8], parts: &[&str]) {
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
    std::fs::write(place.path("r/model.safetensors"), bytes).unwrap();
    let parts = [&["model.safetensors: "], parts].concat();
    place.refused(&["eval", "r", "--data", "iris.csv"], &parts);
    place.refused(&["predict", "r", "--data", "iris.csv", "--out", "p.csv"], &parts);
    place.refused(&["verify", "r", "--device", "cpu", "--json", "v.json"], &parts);
}

#[test]
fn the_whole_weight_file_is_taken() {
    let place = Place::new();
    write(&place, "w.safetensors", &whole(), Precision::F32);
    assert!(place.good(&GRAD).starts_with("loss"));
    assert!(place.path("g.safetensors").is_file());
}

#[test]
fn missing_extra_and_misshapen_tensors_are_refused() {
    weights_refused(&whole()[..3], Precision::F32, &["no tensor layers.1.bias", "layers.0.weight", "spec's layers"]);
    let extra = [whole(), vec![tensor("layers.2.weight", &[2, 3])]].concat();
    weights_refused(&extra, Precision::F32, &["layers.2.weight", "which the network does not"]);
    let mut turned = whole();
    turned[0].shape.reverse();
    weights_refused(&turned, Precision::F32, &["layers.0.weight", "[4, 8]", "[8, 4]"]);
}

#[test]
fn a_wrong_type_is_refused() {
    weights_refused(&whole(), Precision::F64, &["layers.0.weight", "F64", "F32"]);
}

#[test]
fn a_weight_that_is_no_number_is_refused() {
    let place = Place::new();
    write(&place, "w.safetensors", &whole(), Precision::F32);
    let mut bytes = place.bytes("w.safetensors");
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(place.path("w.safetensors"), &bytes).unwrap();
    place.refused(&GRAD, &["w.safetensors: ", "layers.1.bias", "NaN", "[2]"]);
    model_refused(&place, &bytes, &["layers.1.bias", "NaN"]);
}

#[test]
fn truncated_and_foreign_weight_files_are_refused() {
    let place = Place::new();
    write(&place, "w.safetensors", &whole(), Precision::F32);
    let bytes = place.bytes("w.safetensors");
    for length in [0, 1, 7, 8, 9, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(place.path("w.safetensors"), &bytes[..length]).unwrap();
        place.refused(&GRAD, &["w.safetensors: ", "not a whole safetensors file", "wgrad init"]);
    }
    model_refused(&place, &bytes[..bytes.len() - 1], &["not a whole safetensors file"]);
    place.write("w.safetensors", "[data]\ntrain = 'a.csv'\n");
    place.refused(&GRAD, &["not a whole safetensors file"]);
    std::fs::write(place.path("w.safetensors"), [0xff; 64]).unwrap();
    place.refused(&GRAD, &["not a whole safetensors file"]);
    std::fs::remove_file(place.path("w.safetensors")).unwrap();
    place.refused(&GRAD, &["w.safetensors: ", "no such weight file", "wgrad init"]);
}

#[test]
fn a_damaged_run_folder_is_refused() {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
    let eval = ["eval", "r", "--data", "iris.csv"];
    let resume = ["train", "--resume", "r", "--epochs", "9", "--device", "cpu"];
    let damage = |file: &str, content: &[u8], args: &[&str], parts: &[&str]| {
        let file = format!("r/{file}");
        let kept = place.bytes(&file);
        std::fs::write(place.path(&file), content).unwrap();
        place.refused(args, parts);
        std::fs::remove_file(place.path(&file)).unwrap();
        place.refused(args, &[]);
        std::fs::write(place.path(&file), kept).unwrap();
    };
    damage("preprocessing.json", b"{}", &eval, &["preprocessing.json", "not what wgrad wrote", "Train again"]);
    let narrow = place.read("r/preprocessing.json").replacen("\"petal_width_cm\"", "\"a\", \"b\"", 1);
    damage("preprocessing.json", narrow.as_bytes(), &eval, &["preprocessing.json", "5 features", "scaler for 4"]);
    damage("spec.toml", b"[data]\n", &eval, &["spec.toml"]);
    // Without the one before it a damaged checkpoint leaves nothing to go on from.
    std::fs::remove_file(place.path("r/checkpoint.previous.safetensors")).unwrap();
    damage("checkpoint.safetensors", b"short", &resume, &["checkpoint.safetensors", "not a whole safetensors file"]);
    damage("run.json", b"{}", &resume, &["run.json", "not what wgrad wrote", "train a new run"]);
    let model = place.bytes("r/model.safetensors");
    damage("checkpoint.safetensors", &model, &resume, &["checkpoint.safetensors", "state.0.layers.0.weight"]);
    place.good(&eval);
    place.good(&resume);
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let place = Place::new();
    let before = place.files();
    let refused = |args: &[&str], variables: &[(&str, &str)], parts: &[&str]| {
        place.run_without_gpu(args, variables).is_refusal(parts);
    };
    let train = ["train", "iris.toml"];
    let no_driver: &[&str] =
        if cfg!(feature = "gpu") { &["Vulkan", "--device cpu"] } else { &["feature gpu", "--device cpu"] };
    refused(&[&train[..], &["--device", "gpu"]].concat(), &[], no_driver);
    refused(&[&train[..], &["--adapter", "nope"]].concat(), &[], no_driver);
    refused(&train, &[("WGRAD_ADAPTER", "nope")], no_driver);
    refused(&train, &[("WGRAD_REQUIRE_GPU", "1")], no_driver);
    refused(&["verify", "iris.toml", "--device", "gpu", "--json", "v.json"], &[], no_driver);
    refused(&["plan", "iris.toml", "--target", "nope"], &[], no_driver);
    let both = ["--device", "cpu", "--adapter", "llvmpipe"];
    refused(&[&train[..], &both].concat(), &[], &["--device cpu", "--adapter llvmpipe", "contradict"]);
    assert!(before == place.files());
    // The fall-back is the CPU, with the reason.
    let ended = place.run_without_gpu(&train, &[]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("cpu (f32)"), "{}", ended.stderr);
}

#[test]
fn f64_is_for_the_cpu() {
    let place = Place::new();
    write(&place, "w.safetensors", &whole(), Precision::F64);
    let wide = [&GRAD[..8], &["--precision", "f64"]].concat();
    for device in [["--device", "gpu"], ["--adapter", "llvmpipe"]] {
        place.refused(&[&wide[..], &device].concat(), &["--precision f64", "CPU only", "--device cpu"]);
    }
    place.good(&wide);
}

/// A network of 60,000 x 60,000 weights: 14.4 GB of parameters, which no test machine may be made to allocate.
fn too_large(place: &Place) {
    let wide = "dense = 60000\nactivation = \"relu\"\n[[model.layers]]\ndense = 60000\nactivation";
    place.write_edited("large.toml", IRIS, "dense = 8\nactivation", wide);
    // 2^31 - 1 twice: no count of bytes fits 64 bits.
    place.write("huge.toml", &place.read("large.toml").replace("60000", "2147483647"));
}

/// Runs the program with the address space limited to 4 GiB, so that a size that is not checked ends in an abort
/// instead of in a machine that swaps.
#[cfg(unix)]
fn limited(place: &Place, args: &str) -> Ended {
    let script = format!("ulimit -v 4194304; exec '{}' {args}", env!("CARGO_BIN_EXE_wgrad"));
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(place.path("")).env_remove("WGRAD_ADAPTER").env_remove("WGRAD_DUMP");
    program::ended(&mut command)
}

#[test]
#[cfg(unix)]
fn a_model_too_large_for_webgpu_is_refused_at_once() {
    let place = Place::new();
    too_large(&place);
    let before = place.files();
    // A weight of 14 GB is divided; whether it fits is a question of memory.
    let large = "plan large.toml --target webgpu";
    assert_eq!(limited(&place, large).code, Some(0));
    let parts = ["out of memory", "8.0 GiB (8589934592 bytes)", "No batch size fits"];
    for (command, parts) in [
        (format!("{large} --memory 8GiB"), &parts[..]),
        (
            "plan huge.toml --target webgpu".into(),
            &["WebGPU", "maxStorageBufferBindingSize", "134217728", ".weight needs", "Reduce"],
        ),
    ] {
        let began = std::time::Instant::now();
        limited(&place, &command).is_refusal(parts);
        // Building the plan of such a size takes minutes; refusing it takes milliseconds.
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
    assert!(before == place.files());
}

#[test]
#[cfg(target_os = "linux")]
fn a_model_too_large_for_the_machine_is_refused_at_once() {
    let place = Place::new();
    too_large(&place);
    let before = place.files();
    for command in [
        "train huge.toml --device cpu",
        "init huge.toml --out w.safetensors",
        "verify huge.toml --device cpu",
        "gradcheck huge.toml",
        "plan huge.toml --target cpu",
    ] {
        limited(&place, command).is_refusal(&["too large for this machine", "are free", "Reduce"]);
    }
    assert!(before == place.files());
}
