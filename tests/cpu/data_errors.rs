//! Data files: what they become, and that every fault is reported with file, line, column, finding and remedy.

use proptest::prelude::*;
use std::path::{Path, PathBuf};
use wgrad::data::{self, Columns, Dataset, Schema, TargetRule, Targets, Tolerance};
use wgrad::graph::Loss;
use wgrad::spec::DataFile;

/// A CSV file of its own for one test.
struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(bytes: impl AsRef<[u8]>) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::write(&path, bytes).unwrap();
    File { _folder: folder, path }
}

fn rule(loss: &str, outputs: usize) -> TargetRule {
    TargetRule { loss: Loss::by_name(loss).unwrap(), outputs }
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

fn read(text: &str, target: &[&str], loss: &str, outputs: usize) -> wgrad::Result<(Dataset, Schema)> {
    read_file(&file(text).path, target, rule(loss, outputs))
}

fn read_file(path: &Path, target: &[&str], rule: TargetRule) -> wgrad::Result<(Dataset, Schema)> {
    data::read(&DataFile::at(path), &Columns::default(), &columns(target), rule, &mut Tolerance::default())
}

fn read_as(text: &str, schema: &Schema, rule: TargetRule) -> wgrad::Result<Dataset> {
    schema.read(&DataFile::at(&file(text).path), rule, &mut Tolerance::default())
}

fn features_as(text: &str, schema: &Schema) -> wgrad::Result<Dataset> {
    schema.read_features(&DataFile::at(&file(text).path))
}

/// Asserts that a message starts with the path of some d.csv and `place`, and contains `parts`.
#[track_caller]
fn message_at(error: wgrad::Error, place: &str, parts: &[&str]) {
    let message = error.to_string();
    let (_, after) = message.split_once("d.csv").expect("the message must name the file");
    assert!(after.starts_with(&format!("{place}: ")), "expected at `{place}`: {message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// Asserts that the text, with the target `y`, is refused.
#[track_caller]
fn refused(text: &str, loss: &str, outputs: usize, place: &str, parts: &[&str]) {
    message_at(read(text, &["y"], loss, outputs).expect_err("the file was accepted"), place, parts);
}

fn numbers(width: usize, values: &[f64]) -> Targets {
    Targets::Numbers { width, values: values.to_vec() }
}

#[test]
fn features_keep_their_order_and_the_target_may_stand_anywhere() {
    let (data, schema) = read("a,y,b\n1,0,2\n3,1,4e-1\n", &["y"], "cross_entropy", 2).unwrap();
    assert_eq!((data.rows, &data.x[..]), (2, &[1.0, 2.0, 3.0, 0.4][..]));
    assert_eq!(data.targets, Targets::Classes(vec![0, 1]));
    assert_eq!(schema.features, ["a", "b"]);
    assert_eq!(schema.target, ["y"]);
}

#[test]
fn names_are_sorted_and_integers_are_in_numeric_order() {
    let classes = |text, outputs| {
        let (data, schema) = read(text, &["y"], "cross_entropy", outputs).unwrap();
        (data.targets, schema.classes.unwrap())
    };
    let (targets, names) = classes("a,y\n1,pear\n1,apple\n1,fig\n1,apple\n", 3);
    assert_eq!((targets, names), (Targets::Classes(vec![2, 0, 1, 0]), columns(&["apple", "fig", "pear"])));
    // As text, 10 would come before 9.
    let (targets, names) = classes("a,y\n1,10\n1,-1\n1,9\n", 3);
    assert_eq!((targets, names), (Targets::Classes(vec![2, 0, 1]), columns(&["-1", "9", "10"])));
    // Integers in range are indices, even if some class is absent, and 2.0 is a way to write 2.
    let (targets, names) = classes("a,y\n1,2.0\n1,0\n", 4);
    assert_eq!((targets, names), (Targets::Classes(vec![2, 0]), columns(&["0", "1", "2", "3"])));
    // Digits and letters together are names: hexadecimal digits, say.
    let (targets, _) = classes("a,y\n1,9\n1,A\n", 2);
    assert_eq!(targets, Targets::Classes(vec![0, 1]));
}

#[test]
fn other_losses_take_numbers_one_hot_rows_or_zero_and_one() {
    let targets = |text, target: &[&str], loss, outputs| read(text, target, loss, outputs).unwrap().0.targets;
    assert_eq!(targets("a,y\n1,2.5\n1,-3\n", &["y"], "mse", 1), numbers(1, &[2.5, -3.0]));
    assert_eq!(targets("a,y\n1,2\n1,3\n", &["y"], "mse", 1), numbers(1, &[2.0, 3.0]));
    // The order of the list counts, not that of the file.
    assert_eq!(targets("y,a,z\n1,0,2\n3,0,4\n", &["z", "y"], "mae", 2), numbers(2, &[2.0, 1.0, 4.0, 3.0]));
    assert_eq!(targets("a,y\n1,0\n1,2\n", &["y"], "mse", 3), numbers(3, &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]));
    assert_eq!(targets("a,y\n1,n\n1,m\n", &["y"], "bce_with_logits", 2), numbers(2, &[0.0, 1.0, 1.0, 0.0]));
    assert_eq!(targets("a,y\n1,n\n1,m\n", &["y"], "hinge", 2), numbers(2, &[-1.0, 1.0, 1.0, -1.0]));
    assert_eq!(targets("a,y\n1,yes\n1,no\n", &["y"], "binary_cross_entropy", 1), numbers(1, &[1.0, 0.0]));
    assert_eq!(targets("a,y\n1,yes\n1,no\n", &["y"], "hinge", 1), numbers(1, &[1.0, -1.0]));
    assert_eq!(targets("a,y\n1,-1\n1,1\n", &["y"], "hinge", 1), numbers(1, &[-1.0, 1.0]));
    assert_eq!(targets("a,y\n1,0.25\n1,1\n", &["y"], "binary_cross_entropy", 1), numbers(1, &[0.25, 1.0]));
}

#[test]
fn files_that_are_not_tables_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| read_file(path, &["y"], rule("mse", 1)).unwrap_err();
    let message = read(&folder.path().join("absent.csv")).to_string();
    assert!(message.contains("absent.csv"), "{message}");
    for text in ["", "\n\n", "\u{feff}", "  \r\n"] {
        message_at(read(&file(text).path), "", &["empty"]);
    }
    message_at(read(&file("a,y\n").path), "", &["header but no rows"]);
    message_at(read(&file(b"a,y\n1,2\n\xe9,3\n").path), ":3", &["UTF-8"]);
}

#[test]
fn a_faulty_header_is_refused() {
    refused("a,b,a,y\n1,2,3,4\n", "mse", 1, ":1", &["columns 1 and 3", "\"a\""]);
    refused("a,,y\n1,2,3\n", "mse", 1, ":1", &["column 2 of 3", "empty name"]);
    refused("\n\n,y\n2,3\n", "mse", 1, ":3", &["column 1 of 2"]);
}

#[test]
fn a_ragged_row_is_refused_with_both_counts() {
    refused("a,b,y\n1,2,3\n\n1,2\n", "mse", 1, ":4", &["2 cells", "header has 3"]);
    refused("a,b,y\n1,2,3\n1,2,3,4\n", "mse", 1, ":3", &["4 cells", "header has 3", "quotes"]);
    refused("a,b,y\r\n1,2,3\r\n1,2,3,\r\n", "mse", 1, ":3", &["4 cells"]);
}

#[test]
fn a_missing_target_lists_the_columns_and_suggests_the_nearest() {
    let missing = |text, target: &[&str]| read(text, target, "mse", 1).unwrap_err();
    message_at(
        missing("a,label\n1,2\n", &["lable"]),
        ":1",
        &["target", "\"lable\"", "did you mean \"label\"", "\"a\""],
    );
    message_at(missing("a,b\n1,2\n", &["zzzz", "a", "yyyy"]), ":1", &["columns \"zzzz\", \"yyyy\"", "\"a\", \"b\""]);
    message_at(missing("a;label\n1;2\n", &["label"]), ":1", &["semicolons"]);
    message_at(missing("a\tlabel\n1\t2\n", &["label"]), ":1", &["tabs"]);
    message_at(missing("a,b\n1,2\n", &["b", "b"]), ":1", &["\"b\" is listed twice"]);
    message_at(missing("y\n2\n", &["y"]), ":1", &["no feature column"]);
}

#[test]
fn cells_that_are_not_finite_numbers_are_refused_with_line_and_column() {
    for (cell, part) in [
        ("abc", "found \"abc\""),
        ("1.2.3", "found \"1.2.3\""),
        ("", "empty cell"),
        ("NaN", "found \"NaN\""),
        ("-inf", "found \"-inf\""),
        ("Infinity", "found \"Infinity\""),
        ("1e39", "beyond the range"),
        ("1e999", "beyond the range"),
    ] {
        let feature = format!("a,b,y\n1,2,0\n1,{cell},0\n");
        refused(&feature, "mse", 1, ":3, column \"b\"", &[part]);
        refused(&feature, "cross_entropy", 2, ":3, column \"b\"", &[part]);
        refused(&format!("a,y\n1,2.5\n\n1,{cell}\n"), "mse", 1, ":4, column \"y\"", &[part]);
        if cell != "abc" && cell != "1.2.3" {
            refused(&format!("a,y\n1,m\n1,{cell}\n"), "cross_entropy", 2, ":3, column \"y\"", &[part]);
        }
    }
    // A line break inside quotes counts as a line.
    refused("a,y\n\"1\n\",2\n1,x\n2,3\n", "mse", 1, ":4, column \"y\"", &["found \"x\""]);
    let two = read("a,y,z\n1,2,3\n1,x,3\n", &["z", "y"], "mse", 2).unwrap_err();
    message_at(two, ":3, column \"y\"", &["found \"x\""]);
}

#[test]
fn classes_and_outputs_must_agree() {
    let named = "a,y\n1,p\n1,q\n1,r\n";
    for outputs in [1, 2, 4] {
        refused(
            named,
            "cross_entropy",
            outputs,
            ", column \"y\"",
            &["3 distinct", &outputs.to_string(), "`dense = 3`"],
        );
    }
    refused("a,y\n1,1\n1,2\n1,3\n", "cross_entropy", 2, ", column \"y\"", &["3 distinct", "distinguishes 2"]);
    refused("a,y\n1,0\n1,1\n", "cross_entropy", 1, ", column \"y\"", &["2 distinct", "distinguishes 1"]);
    refused(named, "mse", 2, ", column \"y\"", &["3 distinct", "distinguishes 2"]);
    refused(named, "mse", 1, ", column \"y\"", &["3 distinct", "distinguishes 2", "1 output"]);
    // The one cell that made names of numbers is pointed at.
    refused("a,y\n1,0\n1,1\n1,oops\n", "cross_entropy", 2, ", column \"y\"", &["3 distinct", ":4", "\"oops\""]);
    refused("a,y\n1,0\n1,0.5\n", "cross_entropy", 2, ":3, column \"y\"", &["found 0.5", "mse"]);
    refused("a,y\n1,0.5\n", "mse", 2, ":1", &["1 target column", "2 network outputs", "`dense = 1`"]);
    let two = |loss, outputs| read("a,y,z\n1,2,3\n", &["y", "z"], loss, outputs).unwrap_err();
    message_at(two("mse", 3), ":1", &["2 target column", "\"y\", \"z\"", "3 network outputs"]);
    message_at(two("cross_entropy", 2), ":1", &["one target column", "found 2"]);
}

#[test]
fn targets_must_suit_the_loss() {
    for loss in ["binary_cross_entropy", "bce_with_logits"] {
        refused("a,y\n1,1\n1,1.5\n", loss, 1, ":3, column \"y\"", &[loss, "from 0 to 1", "found 1.5"]);
        refused("a,y\n1,-1\n1,1\n", loss, 1, ":2, column \"y\"", &["found -1"]);
        let two = read("a,y,z\n1,1,1\n1,1,2\n", &["y", "z"], loss, 2).unwrap_err();
        message_at(two, ":3, column \"z\"", &["found 2"]);
    }
    refused("a,y\n1,1\n1,0\n", "hinge", 1, ":3, column \"y\"", &["-1 and 1", "Write -1 for 0"]);
    assert!(read("a,y\n1,1\n1,1\n", &["y"], "hinge", 1).is_ok());
}

#[test]
fn another_file_is_read_by_column_name() {
    let train = rule("cross_entropy", 2);
    let (_, schema) = read("a,b,y\n1,2,p\n3,4,q\n", &["y"], "cross_entropy", 2).unwrap();
    let data = read_as("extra,y,b,a\ntext,q,20,10\n", &schema, train).unwrap();
    assert_eq!((&data.x[..], data.targets), (&[10.0, 20.0][..], Targets::Classes(vec![1])));

    let unlabelled = features_as("b,a\n20,10\n", &schema).unwrap();
    assert_eq!((unlabelled.rows, &unlabelled.x[..]), (1, &[10.0, 20.0][..]));
    assert_eq!(unlabelled.targets, numbers(0, &[]));
    assert_eq!(unlabelled.subset(&[0, 0]).x, [10.0, 20.0, 10.0, 20.0]);

    message_at(read_as("b,a\n2,1\n", &schema, train).unwrap_err(), ":1", &["target", "\"y\""]);
    message_at(read_as("y\np\n", &schema, train).unwrap_err(), ":1", &["feature columns \"a\", \"b\""]);
    message_at(features_as("B,a\n2,1\n", &schema).unwrap_err(), ":1", &["\"b\"", "did you mean \"B\"?"]);
    message_at(features_as("a,b\n2,x\n", &schema).unwrap_err(), ":2, column \"b\"", &["found \"x\""]);
}

#[test]
fn a_class_unseen_in_training_is_refused() {
    let (_, schema) = read("a,y\n1,p\n3,q\n", &["y"], "cross_entropy", 2).unwrap();
    let unseen = |text: &str, schema: &Schema| read_as(text, schema, rule("cross_entropy", 2)).unwrap_err();
    message_at(unseen("a,y\n1,p\n1,x\n", &schema), ":3, column \"y\"", &["\"x\"", "training", "\"p\", \"q\""]);
    message_at(unseen("a,y\n1,p\n1,\n", &schema), ":3, column \"y\"", &["empty cell", "\"p\", \"q\""]);
    let (_, digits) = read("a,y\n1,5\n3,7\n", &["y"], "cross_entropy", 2).unwrap();
    message_at(unseen("a,y\n1,6\n", &digits), ":2, column \"y\"", &["\"6\"", "\"5\", \"7\""]);
    // Known classes take precedence over what the file alone would suggest: 5 is the first class, however it is written.
    let known = read_as("a,y\n1,7\n1,5.0\n", &digits, rule("cross_entropy", 2)).unwrap();
    assert_eq!(known.targets, Targets::Classes(vec![1, 0]));
    for (loss, outputs) in [("cross_entropy", 3), ("mse", 3), ("mse", 1)] {
        let mut schema = digits.clone();
        schema.classes.as_mut().unwrap().extend((outputs == 1).then(|| "9".to_owned()));
        let message = read_as("a,y\n1,7\n", &schema, rule(loss, outputs)).unwrap_err().to_string();
        assert!(message.contains("classes are known"), "{message}");
    }
    let one_hot = read_as("a,y\n1,7\n", &digits, rule("mse", 2)).unwrap();
    assert_eq!(one_hot.targets, numbers(2, &[0.0, 1.0]));
}

#[test]
fn a_schema_survives_json() {
    let (_, schema) = read("a,y\n1,p\n3,\"q,\"\"r\"\n", &["y"], "cross_entropy", 2).unwrap();
    let text = serde_json::to_string(&schema).unwrap();
    assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
    let (_, numeric) = read("a,y\n1,2\n", &["y"], "mse", 1).unwrap();
    assert_eq!(numeric.classes, None);
}

#[test]
fn the_data_sets_of_the_project_are_whole() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data");
    let (data, schema) = read_file(&folder.join("digits.csv"), &["label"], rule("cross_entropy", 10)).unwrap();
    assert_eq!((data.rows, data.inputs), (1797, 64));
    assert!(data.x.iter().all(|v| (0.0..=16.0).contains(v) && v.fract() == 0.0));
    assert_eq!(schema.classes.unwrap().join(""), "0123456789");
    let (data, schema) = read_file(&folder.join("iris.csv"), &["species"], rule("cross_entropy", 3)).unwrap();
    assert_eq!((data.rows, data.inputs), (150, 4));
    assert_eq!(schema.classes.unwrap(), ["setosa", "versicolor", "virginica"]);
    let Targets::Classes(classes) = data.targets else { panic!("iris has classes") };
    assert_eq!([0, 1, 2].map(|class| classes.iter().filter(|&&c| c == class).count()), [50, 50, 50]);
}

proptest! {
    // Integration tests have no source folder in which proptest could keep its failing cases.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Numbers survive a file bit for bit, whatever the line breaks.
    #[test]
    fn numbers_are_read_as_written(
        rows in prop::collection::vec(prop::collection::vec(-1e30..1e30_f64, 4), 1..20),
        crlf: bool,
        blank_lines: bool,
    ) {
        let end = match (crlf, blank_lines) { (false, false) => "\n", (true, false) => "\r\n", (false, true) => "\n\n", (true, true) => "\r\n\r\n" };
        let mut text = format!("a,b,c,y{end}");
        for row in &rows {
            text.push_str(&row.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(","));
            text.push_str(end);
        }
        let (data, _) = read(&text, &["y"], "mse", 1).unwrap();
        prop_assert_eq!(data.x, rows.iter().flat_map(|r| r[..3].to_vec()).collect::<Vec<_>>());
        prop_assert_eq!(data.targets, numbers(1, &rows.iter().map(|r| r[3]).collect::<Vec<_>>()));
    }

    /// Any bytes at all give a table or an error that names the file, never a panic.
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(prop::sample::select(&b"a,y;1.e-\"\n\r \t\xc3\xa9\xffN"[..]), 0..60), head: bool) {
        let mut text = if head { b"a,y\n".to_vec() } else { Vec::new() };
        text.extend(bytes);
        let file = file(&text);
        let result = read_file(&file.path, &["y"], rule("cross_entropy", 2));
        if let Err(error) = result {
            prop_assert!(error.to_string().contains("d.csv"), "{}", error);
        }
    }
}
