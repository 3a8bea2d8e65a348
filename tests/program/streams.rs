//! Data files through the program: larger than `data.memory`, malformed, without an end.

use crate::support::program;

use program::{IRIS, Place};

/// Samples in a file: blocks of 10 rows, windows of 48.
const READING: &str = "memory = \"1 KiB\"\nshuffle_window = \"960 B\"\nshuffle_block = \"200 B\"\n[[model.layers]]";

fn streamed(place: &Place) {
    place.write_edited("streamed.toml", IRIS, "[[model.layers]]", READING);
}

fn report(place: &Place, run: &str) -> wgrad::report::RunReport {
    serde_json::from_str(&place.read(&format!("{run}/report.json"))).unwrap()
}

#[test]
fn more_than_memory_holds_is_trained_on_from_a_file_that_leaves_nothing() {
    let place = Place::new();
    streamed(&place);
    let ended = place.run(&["train", "streamed.toml", "--device", "cpu", "--run", "runs/a", "--epochs", "20"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("in a file without a name in ., removed"), "{}", ended.stderr);
    assert!(ended.stdout.contains("waited for data"), "{}", ended.stdout);
    let found = report(&place, "runs/a");
    // Each row is held out by chance: 30 of 150 on average, with a deviation of 4.9.
    assert_eq!(found.train_rows + found.validation_rows, 150);
    assert!((10..50).contains(&found.validation_rows), "{}", found.validation_rows);
    assert_eq!(found.data_file_bytes, 150 * 5 * 4);
    assert!(found.epochs.last().unwrap().validation_accuracy.unwrap() > 0.8, "it learns: {:?}", found.epochs);
    assert_eq!(std::fs::read_dir(place.path("runs")).unwrap().count(), 1, "only the run is left");
    place.good(&["train", "streamed.toml", "--device", "cpu", "--run", "b", "--epochs", "20"]);
    assert!(place.bytes("runs/a/model.safetensors") == place.bytes("b/model.safetensors"));
    assert!(place.read("b/spec.toml").contains("memory = \"1 KiB\"\nshuffle_window = \"960 B\""));
    // Sizes decide the order, and so the result.
    place.write_edited("other.toml", &place.read("streamed.toml"), "960 B", "320 B");
    place.good(&["train", "other.toml", "--device", "cpu", "--run", "c", "--epochs", "20"]);
    assert!(place.bytes("c/model.safetensors") != place.bytes("b/model.safetensors"));
    // A resumed run reads the same rows.
    place.good(&["train", "streamed.toml", "--device", "cpu", "--run", "d", "--epochs", "7"]);
    place.good(&["train", "--resume", "d", "--device", "cpu", "--epochs", "20"]);
    assert!(place.bytes("d/model.safetensors") == place.bytes("b/model.safetensors"));
}

#[test]
fn a_validation_file_may_be_larger_than_memory_too() {
    let place = Place::new();
    let text = IRIS.replace("validation = 0.2", "validation = \"iris.csv\"");
    place.write("small.toml", &text);
    place.write_edited("streamed.toml", &text, "[[model.layers]]", READING);
    for (spec, run) in [("small.toml", "small"), ("streamed.toml", "large")] {
        place.good(&["train", spec, "--device", "cpu", "--run", run]);
        let found = report(&place, run);
        assert_eq!((found.train_rows, found.validation_rows), (150, 150));
        let confusion = found.confusion.unwrap();
        assert_eq!(confusion.counts.iter().map(|row| row.iter().sum::<u64>()).collect::<Vec<_>>(), [50, 50, 50]);
        // What the run says of its last epoch is what eval finds.
        let found = place.good(&["eval", run, "--data", "iris.csv", "--device", "cpu", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!(serde_json::to_value(&confusion.counts).unwrap(), found["confusion"]["counts"]);
    }
}

/// A copy of the iris file with lines that are no samples.
fn damaged(place: &Place) {
    let mut lines: Vec<String> = place.read("iris.csv").lines().map(str::to_owned).collect();
    lines.insert(100, "5.1,3.5,1.4".into());
    lines.insert(50, "5.1,many,1.4,0.2,setosa".into());
    lines.insert(20, "5.1,3.5,1.4,0.2,".into());
    place.write("iris.csv", &format!("{}\n", lines.join("\n")));
}

#[test]
fn malformed_rows_are_skipped_up_to_a_number_counted_and_named() {
    for spec in ["iris.toml", "streamed.toml"] {
        let place = Place::new();
        streamed(&place);
        let train =
            |run: &str, more: &[&str]| place.run(&[&["train", spec, "--device", "cpu", "--run", run], more].concat());
        assert_eq!(train("clean", &[]).code, Some(0));
        damaged(&place);
        place.refused(&["train", spec, "--device", "cpu"], &["iris.csv:21, column \"species\""]);
        place.refused(
            &["train", spec, "--device", "cpu", "--skip-bad-rows", "2"],
            &["iris.csv:103: the row has 3 cells", "2 malformed rows were passed over", "skip_bad_rows = 2"],
        );
        let ended = train("r", &["--skip-bad-rows", "3"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        for part in ["3 passed over", "iris.csv:21", "iris.csv:52, column \"sepal_width_cm\"", "iris.csv:103"] {
            assert!(ended.stderr.contains(part), "`{part}` is not in: {}", ended.stderr);
        }
        assert!(ended.stdout.contains("bad rows skipped     3"), "{}", ended.stdout);
        let found = report(&place, "r");
        assert_eq!((found.skipped_rows, found.skipped.len()), (3, 3));
        assert!(place.read("r/report.html").contains("iris.csv:52"));
        assert!(place.read("r/spec.toml").contains("skip_bad_rows = 3"));
        // What is left is the file as it was.
        assert!(place.bytes("r/model.safetensors") == place.bytes("clean/model.safetensors"), "{spec}");
    }
}

/// A file as it is found: `new` drafts a spec for it, `train` trains on it, and every other command reads the same samples.
#[test]
fn what_train_reads_every_command_reads() {
    let place = Place::new();
    let mut lines: Vec<String> = place.read("iris.csv").lines().map(str::to_owned).collect();
    lines.insert(100, "5.1,3.5,1.4".into());
    lines.insert(20, "5.1,3.5,1.4,0.2,".into());
    place.write("iris.csv", &format!("{}\n", lines.join("\n")));
    place.good(&["new", "iris.csv", "--target", "species", "--out", "drafted.toml"]);
    let drafted = place.read("drafted.toml");
    place.write_edited("streamed.toml", &drafted, "skip_bad_rows", "memory = \"1 KiB\"\nskip_bad_rows");
    for spec in ["drafted.toml", "streamed.toml"] {
        let run = format!("{spec}.run");
        place.good(&["train", spec, "--device", "cpu", "--run", &run, "--epochs", "2"]);
        let json = |args: &[&str]| -> serde_json::Value {
            let ended = place.run(args);
            assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
            assert!(
                ended.stderr.contains("2 passed over:\n            iris.csv:21, column \"species\""),
                "{}",
                ended.stderr
            );
            serde_json::from_str(&ended.stdout).unwrap()
        };
        // The steps that are verified are the first that were trained, on the same samples in the same order.
        let verified = json(&["verify", spec, "--device", "cpu", "--steps", "5", "--json"]);
        let loss = |step: &serde_json::Value| step["loss_found"].as_f64().unwrap() as f32;
        let losses: Vec<f32> = verified["steps"].as_array().unwrap().iter().map(loss).collect();
        assert_eq!(losses, report(&place, &run).step_losses[..5], "{spec}");
        json(&["gradcheck", spec, "--json"]);
        let plan = json(&["plan", spec, "--target", "cpu", "--json"]);
        assert!(plan["training_memory"].is_object());
        let evaluated = json(&["eval", &run, "--data", "iris.csv", "--device", "cpu", "--json"]);
        assert_eq!((evaluated["rows"].as_u64(), evaluated["skipped_rows"].as_u64()), (Some(150), Some(2)));
        place.good(&["init", spec, "--out", "w.safetensors"]);
        place.good(&["grad", spec, "--weights", "w.safetensors", "--data", "iris.csv", "--out", "g.safetensors"]);
        // A prediction too few would go unnoticed.
        place.refused(
            &["predict", &run, "--data", "iris.csv", "--device", "cpu"],
            &["iris.csv:102: the row has 3 cells"],
        );
    }
}

#[test]
fn a_file_without_an_end_is_an_error() {
    if !cfg!(unix) {
        return;
    }
    let place = Place::new();
    place.good(&["train", "iris.toml", "--device", "cpu", "--run", "r"]);
    place.write_edited("zero.toml", IRIS, "iris.csv", "/dev/zero");
    place.refused(&["train", "zero.toml", "--device", "cpu"], &["/dev/zero: ", "a device or a pipe"]);
    for command in ["eval", "predict"] {
        place.refused(&[command, "r", "--data", "/dev/zero", "--device", "cpu"], &["/dev/zero: "]);
    }
    // Endless as far as a row goes.
    place.write("long.csv", &format!("sepal_length_cm,{}", "0".repeat(65 << 20)));
    place.refused(&["predict", "r", "--data", "long.csv", "--device", "cpu"], &["long.csv:1", "longer than 64 MiB"]);
}

#[test]
fn long_files_are_evaluated_and_predicted_in_pieces() {
    let place = Place::new();
    place.good(&["train", "line.toml", "--device", "cpu", "--run", "r"]);
    let predict = |data: &str| place.good(&["predict", "r", "--data", data, "--device", "cpu"]);
    let row = |i: usize| format!("{},{}\n", i % 1000, (i * 7) % 11);
    // A piece holds 4,194,304 rows of two numbers; they repeat, so that a few say what all are to be.
    let count = 4_300_000;
    place.write("few.csv", &format!("a,b\n{}", (0..11_000).map(row).collect::<String>()));
    place.write("many.csv", &format!("a,b\n{}", (0..count).map(row).collect::<String>()));
    let few = predict("few.csv");
    let many = predict("many.csv");
    let expected: Vec<&str> = few.lines().skip(1).collect();
    assert_eq!(many.lines().next(), few.lines().next());
    assert_eq!(many.lines().count(), count + 1);
    assert!(many.lines().skip(1).enumerate().all(|(i, line)| line == expected[i % 11_000]), "the order of the file");
}
