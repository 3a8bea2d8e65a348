//! Run folders: what a run leaves, that an interrupted run goes on to the same bits, that nothing replaces a run.

use crate::support::program;

use program::{Ended, IRIS, Place, REGRESSION, ended};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

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

#[test]
fn a_run_leaves_every_file_of_a_run_folder_and_no_other() {
    let place = Place::new();
    trained(&place, &["iris.toml", "--run", "deep/down/r"]);
    let mut names: Vec<_> =
        std::fs::read_dir(place.path("deep/down/r")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    let expected = [
        ".lock",
        "checkpoint.previous.safetensors",
        "checkpoint.safetensors",
        "metrics.jsonl",
        "model.safetensors",
        "preprocessing.json",
        "report.html",
        "report.json",
        "run.json",
        "spec.toml",
    ];
    assert_eq!(names, expected);
    assert_eq!(place.read("deep/down/r/metrics.jsonl").lines().count(), 3);
    let report: serde_json::Value = serde_json::from_str(&place.read("deep/down/r/report.json")).unwrap();
    assert_eq!(report["outcome"], "finished");
    assert_eq!(report["step_losses"].as_array().unwrap().len(), 90);
    // The spec in the folder trains the same run from anywhere.
    trained(&place, &["deep/down/r/spec.toml", "--run", "again"]);
    assert!(place.bytes("deep/down/r/model.safetensors") == place.bytes("again/model.safetensors"));
}

/// Every part is measured by itself, so that a part that nobody measures shows as a gap. No speed is asserted.
#[test]
fn the_parts_of_the_time_add_up_to_the_wall_time() {
    let place = Place::new();
    trained(&place, &["iris.toml", "--run", "r", "--epochs", "400"]);
    let report: wgrad::report::RunReport = serde_json::from_str(&place.read("r/report.json")).unwrap();
    let times = report.times;
    assert!(times.parts().iter().all(|(_, seconds)| *seconds >= 0.0), "{times:?}");
    assert!(times.device > 0.0 && times.evaluate > 0.0 && times.save > 0.0, "{times:?}");
    // What overlapped would count twice and make the rest negative.
    let rest = times.unaccounted() / times.wall;
    assert!((-0.001..0.05).contains(&rest), "{:.1} % of the wall time are not accounted for: {times:?}", 100.0 * rest);
}

#[test]
fn runs_are_numbered() {
    let place = Place::new();
    let first = trained(&place, &["iris.toml"]);
    assert!(first.stdout.contains("runs/iris-1"), "{}", first.stdout);
    assert!(trained(&place, &["iris.toml"]).stdout.contains("runs/iris-2"));
}

#[test]
fn the_same_spec_gives_the_same_bits_and_another_seed_others() {
    let place = Place::new();
    trained(&place, &["iris.toml", "--run", "a"]);
    trained(&place, &["iris.toml", "--run", "b"]);
    trained(&place, &["iris.toml", "--run", "c", "--seed", "2"]);
    trained(&place, &["iris.toml", "--run", "d", "--seed", "1"]);
    let model = |run: &str| place.bytes(&format!("{run}/model.safetensors"));
    assert!(model("a") == model("b") && model("a") == model("d"));
    assert!(model("a") != model("c"));
    assert!(place.read("c/spec.toml").contains("seed = 2"));
}

#[test]
fn epochs_of_the_command_line_win() {
    let place = Place::new();
    let found = trained(&place, &["iris.toml", "--run", "r", "--epochs", "1"]);
    assert!(found.stdout.contains("trained 1 epoch in"), "{}", found.stdout);
    assert_eq!(place.read("r/metrics.jsonl").lines().count(), 1);
    assert!(place.read("r/spec.toml").contains("epochs = 1\n"));
}

#[test]
fn a_folder_that_holds_something_is_not_written_to() {
    let place = Place::new();
    trained(&place, &["iris.toml", "--run", "r"]);
    place.refused(&["train", "iris.toml", "--run", "r"], &["r: ", "another run", "--run", "--resume"]);
    std::fs::create_dir(place.path("mine")).unwrap();
    place.write("mine/model.safetensors", "mine");
    place.refused(&["train", "iris.toml", "--run", "mine"], &["mine: ", "not empty"]);
    place.refused(&["train", "iris.toml", "--run", "."], &["not empty"]);
    place.refused(&["train", "iris.toml", "--run", "iris.csv"], &["iris.csv: ", "a file, not a folder"]);
    place.refused(&["train", "iris.toml", "--run", "iris.csv/r"], &["iris.csv/r: "]);
    place.refused(&["train", "iris.toml", "--run", ""], &["--run"]);
    place.refused(&["train", "--resume", "mine"], &["mine: ", "holds no run"]);
    place.refused(&["train", "iris.toml", "--resume", "r", "--run", "q"], &["--resume", "--run"]);
    place.refused(&["train", "--resume", "r", "--seed", "4"], &["--resume", "--seed"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    trained(&place, &["iris.toml", "--run", "empty"]);
}

/// Starts a run that would take hours and waits until it has trained an epoch.
#[cfg(unix)]
fn start(place: &Place, args: &[&str]) -> Child {
    let mut command = place.command(&[&["train"], args, &CPU, &["--epochs", "1000000"]].concat());
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let epoch = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("epoch "));
    assert!(epoch.is_some(), "the run ended before its first epoch");
    // The rest is read, or the program would wait for room in the pipe.
    std::thread::spawn(move || lines.count());
    child
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_ends_well_and_goes_on_to_the_same_bits() {
    for name in ["INT", "TERM"] {
        let place = Place::new();
        let child = start(&place, &["iris.toml", "--run", "r"]);
        std::thread::sleep(std::time::Duration::from_millis(200));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{stdout}");
        assert!(stdout.contains("interrupted after") && stdout.contains("--resume r"), "{stdout}");
        let report: serde_json::Value = serde_json::from_str(&place.read("r/report.json")).unwrap();
        assert_eq!(report["outcome"], "interrupted");
        place.good(&["eval", "r", "--data", "iris.csv", "--device", "cpu"]);

        let done = report["epochs"].as_array().unwrap().len();
        let planned = (done + 2).to_string();
        trained(&place, &["--resume", "r", "--epochs", &planned]);
        trained(&place, &["iris.toml", "--run", "whole", "--epochs", &planned]);
        for file in ["model.safetensors", "checkpoint.safetensors", "preprocessing.json", "spec.toml"] {
            assert!(place.bytes(&format!("r/{file}")) == place.bytes(&format!("whole/{file}")), "{file} after {name}");
        }
        let losses = |run: &str| -> Vec<f64> {
            let report: serde_json::Value = serde_json::from_str(&place.read(&format!("{run}/report.json"))).unwrap();
            assert_eq!(report["outcome"], "finished");
            report["step_losses"].as_array().unwrap().iter().map(|l| l.as_f64().unwrap()).collect()
        };
        assert!(losses("r") == losses("whole"), "the curve of a resumed run is that of a whole one");
        let epochs = |run: &str| -> Vec<u64> {
            let text = place.read(&format!("{run}/metrics.jsonl"));
            let lines = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
            lines.map(|l| l["epoch"].as_u64().unwrap()).collect()
        };
        assert_eq!(epochs("r"), (1..=done as u64 + 2).collect::<Vec<_>>());
        assert_eq!(epochs("whole"), epochs("r"));
    }
}

/// Where the checkpoint of a run stands within an epoch.
fn step_in_epoch(place: &Place, run: &str) -> u64 {
    let bytes = place.bytes(&format!("{run}/checkpoint.safetensors"));
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let position = &header.metadata().as_ref().unwrap()["wgrad.position"];
    serde_json::from_str::<serde_json::Value>(position).unwrap()["step_in_epoch"].as_u64().unwrap()
}

#[test]
#[cfg(unix)]
fn a_run_interrupted_within_an_epoch_goes_on_to_the_same_bits() {
    let place = Place::new();
    let rows: String = (0..20_000).map(|i| format!("{},{},{}\n", i % 97, i % 89, (i * 31) % 83)).collect();
    place.write("line.csv", &format!("a,b,y\n{rows}"));
    // Wide enough that an epoch takes longer than the time between two looks at the signal.
    let hidden = "[[model.layers]]\ndense = 128\nactivation = \"tanh\"\n";
    let layers = &format!("{hidden}{hidden}[[model.layers]]\ndense = 1");
    let spec = REGRESSION.replace("[[model.layers]]\ndense = 1", layers);
    let spec =
        spec.replace("{ sgd = { lr = 0.1 } }", "{ adam = { lr = 0.001 } }").replace("batch_size = 8", "batch_size = 3");
    place.write("long.toml", &spec);
    // A stop that happens to fall on the end of an epoch shows nothing here; another one is tried.
    let run = (0..10).map(|i| format!("r{i}")).find(|run| {
        let child = start(&place, &["long.toml", "--run", run]);
        signal(&child, "INT");
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
        step_in_epoch(&place, run) > 0
    });
    let run = run.expect("no stop fell within an epoch");
    let done = place.read(&format!("{run}/metrics.jsonl")).lines().count();
    let planned = (done + 1).to_string();
    trained(&place, &["--resume", &run, "--epochs", &planned]);
    trained(&place, &["long.toml", "--run", "whole", "--epochs", &planned]);
    for file in ["model.safetensors", "checkpoint.safetensors"] {
        assert!(place.bytes(&format!("{run}/{file}")) == place.bytes(&format!("whole/{file}")), "{file}");
    }
}

#[test]
#[cfg(unix)]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let place = Place::new();
    let mut child = start(&place, &["iris.toml", "--run", "r", "--checkpoint-minutes", "0.005"]);
    // Long enough for a checkpoint, which is due every 0.3 seconds.
    std::thread::sleep(std::time::Duration::from_millis(900));
    child.kill().unwrap();
    child.wait().unwrap();
    place.good(&["eval", "r", "--data", "iris.csv", "--device", "cpu"]);
    assert!(!place.path("r/report.json").exists(), "the report is written at the end");
    let lines = place.read("r/metrics.jsonl").lines().count();
    let planned = (lines + 1).to_string();
    trained(&place, &["--resume", "r", "--epochs", &planned]);
    trained(&place, &["iris.toml", "--run", "whole", "--epochs", &planned]);
    assert!(place.bytes("r/model.safetensors") == place.bytes("whole/model.safetensors"));
    let text = place.read("r/metrics.jsonl");
    let epochs: Vec<u64> = text
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["epoch"].as_u64().unwrap())
        .collect();
    assert_eq!(epochs, (1..=lines as u64 + 1).collect::<Vec<_>>(), "each epoch stands in the file once");
}

#[test]
fn more_epochs_go_on_to_the_same_bits() {
    let place = Place::new();
    trained(&place, &["iris.toml", "--run", "r"]);
    trained(&place, &["--resume", "r", "--epochs", "7"]);
    trained(&place, &["iris.toml", "--run", "whole", "--epochs", "7"]);
    assert!(place.bytes("r/model.safetensors") == place.bytes("whole/model.safetensors"));
    assert!(place.bytes("r/spec.toml") == place.bytes("whole/spec.toml"));
    // The spec file may name more epochs as well.
    place.write_edited("iris.toml", IRIS, "epochs = 3", "epochs = 8");
    let found = trained(&place, &["iris.toml", "--resume", "r"]);
    assert!(found.stdout.contains("trained 8 epochs"), "{}", found.stdout);
}

#[test]
fn a_finished_run_says_so() {
    let place = Place::new();
    trained(&place, &["iris.toml", "--run", "r"]);
    let model = place.bytes("r/model.safetensors");
    let found = trained(&place, &["--resume", "r"]);
    assert!(
        found.stderr.contains("had finished its 3 epochs before") && found.stderr.contains("--epochs"),
        "{found:?}"
    );
    assert!(model == place.bytes("r/model.safetensors"));
    assert_eq!(place.read("r/metrics.jsonl").lines().count(), 3);
}

#[test]
fn a_changed_spec_or_changed_data_do_not_go_on() {
    let place = Place::new();
    trained(&place, &["iris.toml", "--run", "r"]);
    let resume = ["train", "changed.toml", "--resume", "r", "--epochs", "9", "--device", "cpu"];
    for (from, to, parts) in [
        ("lr = 0.1", "lr = 0.2", ["lr = 0.1", "lr = 0.2"]),
        ("dense = 8", "dense = 9", ["dense = 8", "dense = 9"]),
        ("batch_size = 4", "batch_size = 5", ["batch_size = 4", "batch_size = 5"]),
    ] {
        place.write_edited("changed.toml", IRIS, from, to);
        place.refused(&resume, &[&["r: ", "another spec", "Resume without a spec"], &parts[..]].concat());
    }
    let iris = place.read("iris.csv");
    let shorter: String = iris.lines().take(120).map(|l| format!("{l}\n")).collect();
    let resume = ["train", "--resume", "r", "--epochs", "9", "--device", "cpu"];
    for changed in [shorter, iris.replacen("5.1", "5.2", 1), iris.replacen("sepal_width", "width", 1)] {
        place.write("iris.csv", &changed);
        place.refused(&resume, &["r: ", "data are no longer those", "train a new run"]);
    }
    std::fs::remove_file(place.path("iris.csv")).unwrap();
    place.refused(&resume, &["iris.csv", "no such data file"]);
    place.write("iris.csv", &iris);
    trained(&place, &["--resume", "r", "--epochs", "9"]);
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint() {
    let place = Place::new();
    place.write_edited("wild.toml", REGRESSION, "lr = 0.1", "lr = 1e9");
    let found = train(&place, &["wild.toml", "--run", "r"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert_eq!(found.stdout, "");
    for part in [
        "error: the loss became",
        "at step ",
        "(epoch ",
        "Lower the learning rate",
        "last good checkpoint is kept in r",
    ] {
        assert!(found.stderr.contains(part), "`{part}` is not in: {}", found.stderr);
    }
    let report: serde_json::Value = serde_json::from_str(&place.read("r/report.json")).unwrap();
    let said = report["outcome"]["failed"].as_str().unwrap();
    assert!(said.contains("the loss became") && said.contains("keeps the checkpoint of step"), "{said}");
    assert!(place.read("r/report.html").contains("the loss became"));
    // The step is the first whose loss is no number: all before are in the report.
    let step: usize = said.split("at step ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let losses = report["step_losses"].as_array().unwrap();
    assert_eq!(losses.len() + 1, step);
    assert!(losses.iter().all(|l| l.as_f64().is_some_and(f64::is_finite)));
    let printed = place.good(&["eval", "r", "--data", "line.csv", "--json", "--device", "cpu"]);
    let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(value["loss"].as_f64().is_some_and(f64::is_finite), "{printed}");
    // It diverges again from there, and says so again.
    assert_eq!(train(&place, &["--resume", "r"]).code, Some(1));
}

#[test]
#[cfg(unix)]
fn a_folder_that_cannot_be_written_is_refused() {
    let place = Place::new();
    place.refused(&["train", "iris.toml", "--run", "/proc/r"], &["/proc/r: "]);
    place.refused(&["train", "iris.toml", "--run", "/dev/null/r"], &["/dev/null/r: "]);
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_odd_or_no_text_are_no_obstacle() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let odd = "a \"b\" 'c' é\\n";
    std::fs::create_dir(place.path(odd)).unwrap();
    for file in ["iris.csv", "iris.toml"] {
        std::fs::copy(place.path(file), place.path(odd).join(file)).unwrap();
    }
    let spec = format!("{odd}/iris.toml");
    trained(&place, &[&spec, "--run", &format!("{odd}/r")]);
    trained(&place, &["--resume", &format!("{odd}/r"), "--epochs", "4"]);
    // A folder whose name is no UTF-8 cannot stand in a spec; it is refused before anything is written.
    let raw = place.path("").join(std::ffi::OsStr::from_bytes(b"raw\xff"));
    std::fs::create_dir(&raw).unwrap();
    for file in ["iris.csv", "iris.toml"] {
        std::fs::copy(place.path(file), raw.join(file)).unwrap();
    }
    let before = place.files();
    let mut command = place.command(&["train", "--device", "cpu", "--run", "new"]);
    let found = ended(command.arg(raw.join("iris.toml")));
    found.is_refusal(&["UTF-8", "iris.csv"]);
    assert!(before == place.files());
}

/// A folder that came from somebody else must not decide which files of the user a run replaces.
#[cfg(unix)]
#[test]
fn a_run_does_not_write_through_a_link_out_of_its_folder() {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--epochs", "2", "--device", "cpu"]);
    place.write("mine.txt", "mine");
    let model = place.path("r/model.safetensors");
    std::fs::remove_file(&model).unwrap();
    std::os::unix::fs::symlink(place.path("mine.txt"), &model).unwrap();
    let resume = ["train", "--resume", "r", "--epochs", "4", "--device", "cpu"];
    place.refused(&resume, &["model.safetensors", "leads out"]);
    assert_eq!(place.read("mine.txt"), "mine");
    // A link within the folder harms nobody.
    std::fs::remove_file(&model).unwrap();
    place.write("r/elsewhere", "");
    std::os::unix::fs::symlink("elsewhere", &model).unwrap();
    place.good(&resume);
}
