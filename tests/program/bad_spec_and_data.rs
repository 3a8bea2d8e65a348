//! Specs and data files that cannot be used: exit code 2, a message with place, finding and remedy, nothing changed on
//! the disk.

use crate::support::program;

use program::{IRIS, Place, REGRESSION};

/// `train` on the iris spec with `from` replaced is refused.
#[track_caller]
fn spec_refused(from: &str, to: &str, parts: &[&str]) {
    let place = Place::new();
    place.write_edited("bad.toml", IRIS, from, to);
    for command in ["train", "plan", "verify"] {
        place.refused(&[command, "bad.toml"], parts);
    }
    place.refused(&["init", "bad.toml", "--out", "w.safetensors"], parts);
}

#[test]
fn a_bad_spec_is_refused_by_every_command() {
    spec_refused("epochs = 3", "epoch = 3", &["bad.toml:18:1", "`epoch`", "did you mean \"epochs\"?"]);
    spec_refused("dense = 8", "dense = \"8\"", &["bad.toml:8:9", "`dense`", "whole number", "the string \"8\""]);
    for bad in ["0", "-8"] {
        spec_refused("dense = 8", &format!("dense = {bad}"), &["bad.toml:8:9", "`dense`", "at least 1", bad]);
        spec_refused("batch_size = 4", &format!("batch_size = {bad}"), &["bad.toml:17:14", "at least 1", bad]);
        spec_refused("epochs = 3", &format!("epochs = {bad}"), &["bad.toml:18:10", "at least 1", bad]);
    }
    spec_refused("\"tanh\"", "\"tahn\"", &["bad.toml:9:14", "activation \"tahn\"", "did you mean \"tanh\"?"]);
    spec_refused("\"tanh\"", "\"step\"", &["bad.toml:9:14", "\"step\"", "identity, sigmoid"]);
    spec_refused("[[model.layers]]", "[model.layers", &["bad.toml:7", "TOML"]);
    spec_refused("dense = 3", "dense = 4", &["iris.csv", "3 distinct classes", "distinguishes 4", "dense = 3"]);
}

#[test]
fn inputs_that_the_data_do_not_have_are_refused() {
    let place = Place::new();
    place.write_edited("bad.toml", IRIS, "[[model.layers]]", "[model]\ninputs = 5\n[[model.layers]]");
    for command in ["train", "plan", "verify"] {
        place.refused(&[command, "bad.toml"], &["model.inputs = 5", "4 feature columns", "leave it out"]);
    }
}

#[test]
fn a_spec_that_is_no_file_is_refused() {
    let place = Place::new();
    place.refused(&["train", "absent.toml"], &["absent.toml", "no such spec file", "examples/"]);
    std::fs::create_dir(place.path("folder")).unwrap();
    place.refused(&["train", "folder"], &["folder", "cannot be read"]);
    place.refused(&["train", ""], &["SPEC"]);
    place.refused(&["train"], &["SPEC"]);
    place.write("empty.toml", "");
    place.refused(&["train", "empty.toml"], &["empty.toml:1:1", "[data]"]);
    place.refused(&["train", "iris.csv"], &["iris.csv:1", "TOML"]);
    #[cfg(unix)]
    place.refused(&["train", "/dev/zero"], &["/dev/zero", "1 MiB"]);
}

/// `train` on the line spec with this data file is refused.
#[track_caller]
fn data_refused(csv: &[u8], parts: &[&str]) {
    let place = Place::new();
    std::fs::write(place.path("line.csv"), csv).unwrap();
    place.refused(&["train", "line.toml"], parts);
    place.refused(&["train", "line.toml", "--run", "new"], parts);
}

#[test]
fn bad_training_data_are_refused() {
    data_refused(b"a,b,z\n1,2,3\n", &["line.csv:1", "no target column \"y\"", "Its columns are \"a\", \"b\", \"z\""]);
    data_refused(b"a,b,y\n1,2,3\n4,5\n", &["line.csv:3", "2 cells", "the header has 3"]);
    data_refused(b"a,b,y\n1,2,3\n4,5,6,7\n", &["line.csv:3", "4 cells", "the header has 3"]);
    data_refused(b"a,b,y\n1,2,3\n4,five,6\n", &["line.csv:3, column \"b\"", "expected a number", "\"five\""]);
    data_refused(b"a,b,y\n1,2,3\n4,,6\n", &["line.csv:3, column \"b\"", "empty cell"]);
    for bad in ["nan", "NaN", "inf", "-infinity"] {
        data_refused(format!("a,b,y\n1,{bad},3\n").as_bytes(), &["line.csv:2, column \"b\"", "finite", bad]);
        data_refused(format!("a,b,y\n1,2,{bad}\n").as_bytes(), &["line.csv:2, column \"y\"", "finite", bad]);
    }
    data_refused(b"a,b,y\n1,1e39,3\n", &["line.csv:2, column \"b\"", "32-bit"]);
    data_refused(b"", &["line.csv", "empty"]);
    data_refused(b"\n\n", &["line.csv", "empty"]);
    data_refused(b"a,b,y\n", &["line.csv", "no rows"]);
    data_refused(b"y\n1\n", &["line.csv:1", "no feature column"]);
    data_refused(b"a;b;y\n1;2;3\n", &["line.csv:1", "semicolons"]);
    data_refused(b"a,a,y\n1,2,3\n", &["line.csv:1", "both named \"a\""]);
    data_refused(b"a,b,y\n\xff\xfe,2,3\n", &["line.csv:2", "UTF-8"]);
    data_refused(b"\xff\xfea\0,\0y\0", &["line.csv:1", "UTF-8"]);
    data_refused(b"a,b,y\n1,2,3\n\"4,5,6\n", &["line.csv:3"]);
    data_refused(b"\0\0\0\0", &["line.csv:1", "no target column \"y\""]);
}

#[test]
fn odd_but_good_data_train() {
    for csv in
        ["a,b,y\r\n1,2,3\r\n4,5,6\r\n", "a,b,y\n1,2,3\n4,5,6", "\u{feff}a,b,y\n1,2,3\n\n\n4,5,6\n", "a,b,y\n1,2,3\n"]
    {
        let place = Place::new();
        place.write("line.csv", csv);
        let printed = place.good(&["train", "line.toml", "--device", "cpu"]);
        assert!(printed.contains("trained 20 epochs"), "{printed}");
    }
}

#[test]
fn one_row_cannot_be_split() {
    let place = Place::new();
    place.write("iris.csv", "a,species\n1,0\n");
    place.refused(&["train", "iris.toml"], &["iris.csv", "at least 2 rows", "found 1", "leave out `validation`"]);
}

#[test]
fn a_data_file_that_is_no_file_is_refused() {
    let place = Place::new();
    place.write_edited("bad.toml", REGRESSION, "line.csv", "absent.csv");
    place.refused(&["train", "bad.toml"], &["absent.csv", "no such data file", "relative to the spec"]);
    std::fs::create_dir(place.path("folder")).unwrap();
    place.write_edited("bad.toml", REGRESSION, "line.csv", "folder");
    place.refused(&["train", "bad.toml"], &["folder", "pictures"]);
    place.write_edited("bad.toml", IRIS, "validation = 0.2", "validation = \"absent.csv\"");
    place.refused(&["train", "bad.toml"], &["absent.csv", "no such data file"]);
}

#[test]
fn data_for_a_trained_run_must_be_like_its_own() {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
    let iris = place.read("iris.csv");
    let eval = ["eval", "r", "--data", "x.csv"];
    place.write("x.csv", &iris.replacen("setosa", "rose", 1));
    place.refused(&eval, &["x.csv:2, column \"species\"", "the class \"rose\"", "known classes", "\"setosa\""]);
    place.write("x.csv", &iris.replacen("species", "kind", 1));
    place.refused(&eval, &["x.csv:1", "no target column \"species\"", "\"kind\""]);
    place.good(&["predict", "r", "--data", "x.csv"]);
    place.write("x.csv", &iris.replacen("petal_width_cm", "petal_with_cm", 1));
    for command in ["eval", "predict"] {
        place.refused(&[command, "r", "--data", "x.csv"], &["x.csv:1", "petal_width_cm", "\"petal_with_cm\""]);
    }
    place.write("x.csv", &iris.replacen("5.1", "tall", 1));
    for command in ["eval", "predict"] {
        place.refused(&[command, "r", "--data", "x.csv"], &["x.csv:2, column \"sepal_length_cm\"", "\"tall\""]);
    }
    place.write("x.csv", "");
    place.refused(&["predict", "r", "--data", "x.csv", "--out", "p.csv"], &["x.csv", "empty"]);
    place.refused(&["eval", "r", "--data", "absent.csv"], &["absent.csv", "no such data file"]);
    place.refused(&["eval", "absent", "--data", "iris.csv"], &["absent", "holds no run"]);
    // One row is enough where nothing is split.
    let one: String = iris.lines().take(2).map(|l| format!("{l}\n")).collect();
    place.write("x.csv", &one);
    assert!(place.good(&eval).contains("rows      1"));
}

#[test]
fn the_command_line_itself_is_checked() {
    let place = Place::new();
    place.refused(&["trian", "iris.toml"], &["trian", "train"]);
    let bare = place.run(&[]);
    assert!(bare.code == Some(2) && bare.stderr.contains("Usage: wgrad"), "{bare:?}");
    place.refused(&["train", "iris.toml", "--epochs", "0"], &["--epochs"]);
    place.refused(&["train", "iris.toml", "--epochs", "-1"], &["-1"]);
    place.refused(&["train", "iris.toml", "--seed", "x"], &["--seed"]);
    place.refused(&["train", "iris.toml", "--device", "tpu"], &["tpu", "cpu"]);
    place.refused(&["eval", "r"], &["--data"]);
    place.refused(&["verify", "iris.toml", "--steps", "0"], &["--steps"]);
    let mut command = place.command(&["train", "iris.toml", "--device", "cpu"]);
    place.refused_by(command.env("WGRAD_DUMP", "grahp"), &["WGRAD_DUMP=grahp", "graph, plan and wgsl"]);
}
