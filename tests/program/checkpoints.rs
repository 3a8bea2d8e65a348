//! Checkpoints: what they decide and what not, damaged ones, what resuming refuses and says, locks, digests.

use crate::support::interruptions;
use crate::support::program;

use interruptions::assert_same_run;
use program::{Ended, IRIS, Place};
use std::process::Stdio;

const CPU: [&str; 2] = ["--device", "cpu"];

fn train(place: &Place, args: &[&str]) -> Ended {
    place.run(&[&["train"], args, &CPU].concat())
}

#[track_caller]
fn trained(place: &Place, args: &[&str]) -> Ended {
    let found = train(place, args);
    assert_eq!(found.code, Some(0), "{args:?}: {}", found.stderr);
    found
}

/// A place with the run `whole` of 3 epochs of 30 steps, and the runs `names` that are to be what it is: each stopped after
/// 2 epochs, with checkpoints after every 7 steps.
fn place_with(names: &[&str]) -> Place {
    let place = Place::new();
    let every = "\n[train.checkpoint]\nsteps = 7\nminutes = 0\n";
    place.write("iris.toml", &format!("{IRIS}{every}"));
    trained(&place, &["iris.toml", "--run", "whole"]);
    for name in names {
        trained(&place, &["iris.toml", "--run", name, "--epochs", "2"]);
    }
    place
}

const GO_ON: [&str; 2] = ["--epochs", "3"];

#[test]
fn when_checkpoints_are_written_leaves_no_trace() {
    let place = place_with(&[]);
    for (run, every) in [("one", "1"), ("thirteen", "13"), ("epoch", "30"), ("none", "0")] {
        trained(&place, &["iris.toml", "--run", run, "--checkpoint-steps", every]);
        assert!(place.read(&format!("{run}/spec.toml")).contains(&format!("steps = {every}\n")));
        std::fs::copy(place.path("whole/spec.toml"), place.path(run).join("spec.toml")).unwrap();
        assert_same_run(&place, run, "whole");
    }
    // Next to no time: after every look at the clock.
    trained(&place, &["iris.toml", "--run", "always", "--checkpoint-minutes", "1e-9", "--checkpoint-steps", "0"]);
    std::fs::copy(place.path("whole/spec.toml"), place.path("always/spec.toml")).unwrap();
    assert_same_run(&place, "always", "whole");
    place.refused(&["train", "iris.toml", "--checkpoint-steps=-1"], &["--checkpoint-steps"]);
    place.refused(&["train", "iris.toml", "--checkpoint-minutes", "NaN"], &["NaN is not a number of minutes"]);
}

/// Masks follow from the number of the step, running statistics lie in the checkpoint.
#[test]
fn a_run_with_every_kind_of_layer_goes_on_to_the_same_bits() {
    let place = Place::new();
    let kinds = "[[model.layers]]\nbatch_norm = true\nactivation = \"relu\"\n\n[[model.layers]]\ndropout = 0.25\n\n\
                 [[model.layers]]\nlayer_norm = true\n\n[[model.layers]]\ndense = 3";
    place.write("iris.toml", &IRIS.replacen("[[model.layers]]\ndense = 3", kinds, 1));
    trained(&place, &["iris.toml", "--run", "whole"]);
    trained(&place, &["iris.toml", "--run", "resumed", "--epochs", "2"]);
    trained(&place, &[&["--resume", "resumed"], &GO_ON[..]].concat());
    assert_same_run(&place, "resumed", "whole");
    for args in [&["eval", "whole", "--data", "iris.csv"][..], &["verify", "whole"], &["gradcheck", "iris.toml"]] {
        let found = place.run(&[args, if args[0] == "gradcheck" { &[] } else { &CPU[..] }].concat());
        assert_eq!(found.code, Some(0), "{args:?}: {}", found.stderr);
    }
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_it_is_used() {
    let place = place_with(&["cut", "flipped", "empty", "foreign", "gone", "header"]);
    trained(&place, &["iris.toml", "--run", "other", "--seed", "2"]);
    let file = |run: &str| format!("{run}/checkpoint.safetensors");
    let whole = place.bytes(&file("cut"));
    let write = |run: &str, bytes: &[u8]| std::fs::write(place.path(&file(run)), bytes).unwrap();
    write("cut", &whole[..whole.len() - 100]);
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    write("flipped", &flipped);
    // The position is no tensor, and is as bad when it is wrong.
    let at = whole.windows(10).position(|w| w == b"\\\"steps\\\":").unwrap() + 10;
    let mut header = whole.clone();
    header[at] = b'9' - (header[at] == b'9') as u8;
    write("header", &header);
    write("empty", b"");
    write("foreign", &place.bytes(&file("other")));
    std::fs::remove_file(place.path(&file("gone"))).unwrap();
    for (run, what) in [
        ("cut", "not a whole safetensors file"),
        ("flipped", "damaged: the content has the SHA-256"),
        ("header", "damaged: the content has the SHA-256"),
        ("empty", "not a whole safetensors file"),
        ("foreign", "the checkpoint of another run"),
        ("gone", "there is no such weight file"),
    ] {
        let found = trained(&place, &[&["--resume", run][..], &GO_ON].concat());
        for part in ["note: ", &file(run), what, "The one before it, of step 56 in epoch 2, is used"] {
            assert!(found.stderr.contains(part), "{run}: `{part}` is not in: {}", found.stderr);
        }
        assert_same_run(&place, run, "whole");
        let kept = place.path(run).join("checkpoint.damaged.safetensors").exists();
        assert_eq!(kept, run != "gone", "what cannot be used is put aside, not away");
    }
}

#[test]
fn two_damaged_checkpoints_are_both_told() {
    let place = place_with(&["r"]);
    for name in ["checkpoint", "checkpoint.previous"] {
        place.write(&format!("r/{name}.safetensors"), "short");
    }
    let parts = ["no checkpoint can be used", "r/checkpoint.safetensors", "r/checkpoint.previous.safetensors"];
    place.refused(&["train", "--resume", "r", "--epochs", "3", "--device", "cpu"], &parts);
}

#[test]
fn an_edited_spec_is_refused_line_by_line() {
    let place = place_with(&["r"]);
    let spec = place.read("r/spec.toml");
    let resume = ["train", "--resume", "r", "--epochs", "3", "--device", "cpu"];
    for (from, to) in [("dense = 8", "dense = 9"), ("seed = 1", "seed = 2"), ("momentum = 0.9", "momentum = 0.8")] {
        place.write_edited("r/spec.toml", &spec, from, to);
        place.refused(&resume, &["r: ", "another spec", "the run's  ", from, "now        ", to, "train a new run"]);
    }
    // Added and removed lines are shown, and no others.
    place.write_edited("r/spec.toml", &spec, "[[model.layers]]", "[[model.layers]]\ndense = 5\n\n[[model.layers]]");
    place.refused(&resume, &["now        dense = 5"]);
    let found = place.run(&resume);
    assert!(!found.stderr.contains("dense = 8") && !found.stderr.contains("the run's  "), "{}", found.stderr);
    // What has no influence on the bits may change: epochs, checkpoints, where the file lies.
    std::fs::rename(place.path("iris.csv"), place.path("moved.csv")).unwrap();
    let moved =
        spec.replace("iris.csv", "moved.csv").replace("epochs = 2", "epochs = 3").replace("steps = 7", "steps = 11");
    place.write("r/spec.toml", &moved);
    trained(&place, &["--resume", "r"]);
    assert!(place.read("r/run.json").contains("moved.csv"));
    for file in ["model.safetensors", "metrics.jsonl", "checkpoint.safetensors"] {
        let compared = |run| interruptions::compared(&place, run, file);
        assert!(compared("r") == compared("whole"), "{file}");
    }
}

#[test]
fn changed_data_are_refused_by_their_digests() {
    let place = place_with(&["r"]);
    let resume = ["train", "--resume", "r", "--epochs", "3", "--device", "cpu"];
    let record: serde_json::Value = serde_json::from_str(&place.read("r/run.json")).unwrap();
    let kept = record["data"][0]["sha256"].as_str().unwrap().to_string();
    let data = place.read("iris.csv");
    // A row at the end, of which neither columns nor classes nor scale say anything.
    let changed = format!("{data}{}\n", data.lines().last().unwrap());
    place.write("iris.csv", &changed);
    let found = wgrad::testing::nn::digest::of_bytes(changed.as_bytes());
    let bytes = format!("{} bytes", changed.len());
    place.refused(&resume, &["r: ", "data are no longer those", "iris.csv", &kept, &found, &bytes, "train a new run"]);
    place.write("iris.csv", &data);
    assert_eq!(kept, wgrad::testing::nn::digest::of_bytes(data.as_bytes()));
    trained(&place, &[&["--resume", "r"][..], &GO_ON].concat());
    assert_same_run(&place, "r", "whole");
}

#[test]
fn a_finished_run_is_left_as_it_is() {
    let place = place_with(&[]);
    let before = place.files();
    for args in
        [&["--resume", "whole"][..], &["iris.toml", "--resume", "whole"], &["--resume", "whole", "--epochs", "2"]]
    {
        let found = trained(&place, args);
        assert!(found.stderr.contains("had finished its 3 epochs before"), "{}", found.stderr);
        assert!(
            found.stdout.contains("trained 3 epochs") && found.stdout.contains("whole/report.html"),
            "{}",
            found.stdout
        );
        assert!(before == place.files(), "the folder of a finished run was changed");
    }
    // A stop between the last checkpoint and the report: the report is written.
    std::fs::remove_file(place.path("whole/report.json")).unwrap();
    trained(&place, &["--resume", "whole"]);
    let report: serde_json::Value = serde_json::from_str(&place.read("whole/report.json")).unwrap();
    assert_eq!(report["outcome"], "finished");
    assert_eq!(report["epochs"].as_array().unwrap().len(), 3);
}

#[test]
fn the_record_says_what_the_bits_depend_on() {
    let place = place_with(&["r"]);
    trained(&place, &[&["--resume", "r", "--without", "fusion"][..], &GO_ON].concat());
    let record: serde_json::Value = serde_json::from_str(&place.read("r/run.json")).unwrap();
    assert_eq!(record["seed"], 1);
    assert_eq!(record["spec"].as_str().unwrap(), place.read("r/spec.toml"));
    assert_eq!(record["spec_sha256"], wgrad::testing::nn::digest::of_bytes(place.read("r/spec.toml").as_bytes()));
    assert_eq!(record["data"][0]["key"], "train");
    assert_eq!(record["data"][0]["size_bytes"], place.bytes("iris.csv").len());
    let parts = record["parts"].as_array().unwrap();
    assert_eq!((&parts[0]["first_step"], &parts[1]["first_step"]), (&0.into(), &60.into()));
    assert_eq!(parts[0]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(parts[0]["device"]["kind"], "cpu");
    assert_eq!((parts[0]["without"].as_array().unwrap().len(), &parts[1]["without"][0]), (0, &"fusion".into()));
}

#[test]
fn another_device_version_or_switch_is_said() {
    let place = place_with(&["r", "same"]);
    let same = trained(&place, &[&["--resume", "same"][..], &GO_ON].concat());
    assert!(!same.stderr.contains("note: "), "{}", same.stderr);
    let record = place.read("r/run.json");
    place.write_edited("r/run.json", &record, "\"name\": \"cpu (f32)\"", "\"name\": \"Old Card\"");
    let found = trained(&place, &[&["--resume", "r", "--without", "fusion"][..], &GO_ON].concat());
    for part in
        ["note: so far the run was trained by wgrad", "on Old Card", "from step 61 on", "without fusion on cpu (f32)"]
    {
        assert!(found.stderr.contains(part), "`{part}` is not in: {}", found.stderr);
    }
}

#[test]
fn the_model_and_the_checkpoint_cannot_contradict_each_other() {
    let place = place_with(&["r"]);
    let eval = |run: &str| place.good(&["eval", run, "--data", "iris.csv", "--json", "--device", "cpu"]);
    let (newest, digest) = (eval("r"), place.good(&["digest", "r"]));
    // A kill between the two writes leaves the model of the checkpoint before.
    trained(&place, &["iris.toml", "--run", "before", "--epochs", "1"]);
    std::fs::copy(place.path("before/model.safetensors"), place.path("r/model.safetensors")).unwrap();
    assert_ne!(eval("before"), newest);
    assert_eq!(eval("r"), newest, "the checkpoint is newer, and its parameters count");
    assert_eq!(place.good(&["digest", "r"]), digest);
    std::fs::remove_file(place.path("r/model.safetensors")).unwrap();
    assert_eq!(eval("r"), newest);
    trained(&place, &["--resume", "r", "--epochs", "2"]);
    // One that was damaged is told; going on writes it again.
    let mut model = place.bytes("whole/model.safetensors");
    *model.last_mut().unwrap() ^= 1;
    std::fs::write(place.path("r/model.safetensors"), model).unwrap();
    place.refused(&["eval", "r", "--data", "iris.csv"], &["r/model.safetensors: damaged", "--resume"]);
    trained(&place, &[&["--resume", "r"][..], &GO_ON].concat());
    assert_same_run(&place, "r", "whole");
    // Weights that another program put there are used as they are.
    place.good(&["init", "iris.toml", "--out", "r/model.safetensors"]);
    assert_eq!(place.good(&["digest", "r"])[..64], place.good(&["digest", "r/model.safetensors"])[..64]);
}

#[test]
fn a_digest_is_that_of_the_tensors_and_not_of_the_file() {
    let place = place_with(&[]);
    let printed = place.good(&["digest", "whole"]);
    let (digest, name) = printed.trim_end().split_once("  ").unwrap();
    assert_eq!((digest.len(), name), (64, "whole"));
    // The checkpoint of the same state has more tensors and another header; the model file has the same tensors.
    assert_eq!(place.good(&["digest", "whole/model.safetensors"]), format!("{digest}  whole/model.safetensors\n"));
    assert_ne!(&place.good(&["digest", "whole/checkpoint.safetensors"])[..64], digest);
    let json =
        |subject| -> serde_json::Value { serde_json::from_str(&place.good(&["digest", subject, "--json"])).unwrap() };
    assert_eq!(json("whole"), json("whole/model.safetensors"));
    assert_eq!(json("whole")["sha256"], digest);
    assert_eq!(json("whole")["tensors"][1]["name"], "layers.0.weight");
    assert_eq!(json("whole")["tensors"][1]["shape"], serde_json::json!([8, 4]));
    let report: serde_json::Value = serde_json::from_str(&place.read("whole/report.json")).unwrap();
    assert_eq!(report["digest"], digest);
    assert!(place.read("whole/report.html").contains(digest));
    let found = trained(&place, &["iris.toml"]);
    assert!(found.stdout.contains(digest), "{}", found.stdout);
    place.refused(&["digest", "iris.csv"], &["iris.csv: ", "not a whole safetensors file"]);
    place.refused(&["digest", "nowhere"], &["nowhere: ", "no such weight file"]);
    place.refused(&["digest", "."], &["holds no run"]);
}

#[test]
fn a_second_process_in_the_folder_is_refused_and_a_kill_leaves_no_lock() {
    let place = place_with(&["r"]);
    let args = ["train", "--resume", "r", "--epochs", "1000000", "--device", "cpu"];
    let mut child = place.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
    assert!(lines.by_ref().any(|line| line.unwrap().starts_with("run folder")), "the run did not start");
    std::thread::spawn(move || lines.count());
    let found = train(&place, &["--resume", "r", "--epochs", "3"]);
    found.is_refusal(&["r: ", "another process trains in this folder"]);
    // Whoever only reads is not kept out.
    place.good(&["eval", "r", "--data", "iris.csv", "--device", "cpu"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let done = place.read("r/metrics.jsonl").lines().count() + 1;
    trained(&place, &["--resume", "r", "--epochs", &done.to_string()]);
}

#[test]
fn a_start_that_was_cut_off_makes_place_for_another() {
    let place = place_with(&["r"]);
    // All that is written before the spec, and a file that was not whole yet.
    std::fs::remove_file(place.path("r/spec.toml")).unwrap();
    place.write("r/.wgrad-1-1.tmp", "half");
    place.refused(&["train", "--resume", "r"], &["holds no run"]);
    for name in ["report.json", "report.html"] {
        std::fs::remove_file(place.path("r").join(name)).unwrap();
    }
    trained(&place, &["iris.toml", "--run", "r"]);
    assert_same_run(&place, "r", "whole");
    assert!(!place.path("r/.wgrad-1-1.tmp").exists());
    // One's own file among them is not touched.
    std::fs::remove_file(place.path("r/spec.toml")).unwrap();
    place.write("r/notes.txt", "mine");
    place.refused(&["train", "iris.toml", "--run", "r"], &["r: ", "not empty"]);
}
