//! Which columns are features: selection, categories, missing values; and `wgrad new`, which finds all this out.

use crate::support::program;

use program::Place;
use serde_json::Value;

/// 60 rows: `y` is 1 where the colour is red or the size is above 5; every seventh size is missing, every eleventh colour.
fn shop() -> String {
    let mut text = "id,colour,size,weight,y\n".to_owned();
    for i in 0..60 {
        let (colour, size) = (["red", "blue", "green"][i % 3], (i * 7) % 10);
        let y = if colour == "red" || size > 5 { "yes" } else { "no" };
        let colour = if i % 11 == 4 { "NA" } else { colour };
        let size = if i % 7 == 3 { String::new() } else { size.to_string() };
        text.push_str(&format!("item-{i},{colour},{size},{},{y}\n", i % 5));
    }
    text
}

fn spec(data: &str) -> String {
    format!(
        "[data]\ntrain = \"shop.csv\"\ntarget = \"y\"\nvalidation = 0.2\nscale = \"standard\"\n{data}\n[[model.layers]]\ndense = 8\nactivation = \
         \"tanh\"\n[[model.layers]]\ndense = 2\n[train]\nloss = \"cross_entropy\"\noptimizer = {{ adam = {{ lr = 0.03 }} \
         }}\nbatch_size = 8\nepochs = 5\nseed = 1\n"
    )
}

fn place(data: &str) -> Place {
    let place = Place::new();
    place.write("shop.csv", &shop());
    place.write("shop.toml", &spec(data));
    place
}

fn json(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.read(name)).unwrap()
}

const MEAN: &str = "ignore = \"id\"\ncategorical = [\"colour\"]\nmissing = \"mean\"";

#[test]
fn categories_become_a_number_each_and_means_stand_for_missing_numbers() {
    let place = place(MEAN);
    let trained = place.run(&["train", "shop.toml", "--run", "r", "--device", "cpu"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(trained.stderr.contains("classes     no ") && trained.stderr.contains("yes "), "{}", trained.stderr);
    let schema = &json(&place, "r/preprocessing.json")["schema"];
    assert_eq!(schema["features"], serde_json::json!(["colour=blue", "colour=green", "colour=red", "size", "weight"]));
    // The mean of the sizes that are there, in plain words, over the rows that train.
    let (train, _) = wgrad::data::split_rows(60, 0.2, 1, &place.path("shop.csv")).unwrap();
    let sizes: Vec<f64> = train.iter().filter(|i| *i % 7 != 3).map(|i| f64::from((i * 7) % 10)).collect();
    let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let kept = schema["encoding"]["means"]["size"].as_f64().unwrap();
    assert!((kept - mean).abs() < 1e-12, "{kept} {mean}");
    // A missing size is predicted as the mean written out; a missing colour as none of them.
    place.write("a.csv", "colour,size,weight\nred,,2\nNA,3,2\n");
    place.write("b.csv", &format!("weight,size,colour\n2,{kept},red\n2,3,?\n"));
    let predict = |data: &str| place.good(&["predict", "r", "--data", data, "--device", "cpu"]);
    assert_eq!(predict("a.csv"), predict("b.csv"));
    place.write("c.csv", "colour,size,weight\nrd,1,2\n");
    let unknown = ["c.csv:2, column \"colour\"", "\"rd\" is no category", "did you mean \"red\""];
    place.refused(&["predict", "r", "--data", "c.csv", "--device", "cpu"], &unknown);
    place.good(&["eval", "r", "--data", "shop.csv", "--device", "cpu"]);
    place.good(&["verify", "r", "--device", "cpu"]);
    place.good(&["gradcheck", "shop.toml"]);
    place.good(&["init", "shop.toml", "--out", "w.safetensors"]);

    // Out to ONNX and back: the file's metadata say how columns become features.
    let out = place.run(&["convert", "r", "--out", "m.onnx", "--with-scaler"]);
    assert!(out.code == Some(0) && out.stderr.contains("categories or missing values"), "{out:?}");
    place.good(&["convert", "m.onnx", "--out", "back"]);
    assert_eq!(predict("a.csv"), place.good(&["predict", "back", "--data", "a.csv", "--device", "cpu"]));

    // A schema that somebody has changed is refused, not read with columns that are not there.
    let kept = place.read("r/preprocessing.json");
    place.write_edited("r/preprocessing.json", &kept, "\"colour=blue\",", "");
    place.refused(
        &["predict", "r", "--data", "a.csv", "--device", "cpu"],
        &["preprocessing.json", "not those of the encoding"],
    );
}

#[test]
fn a_file_that_is_kept_on_disk_has_the_same_features() {
    let place = place(MEAN);
    place.write("small.toml", &spec(&format!("{MEAN}\nmemory = \"1 B\"")));
    place.good(&["train", "shop.toml", "--run", "a", "--device", "cpu"]);
    place.good(&["train", "small.toml", "--run", "b", "--device", "cpu"]);
    let schema = |run: &str| {
        let mut schema = json(&place, &format!("{run}/preprocessing.json"))["schema"].take();
        // Other rows are held out, so that the means are others.
        assert_eq!(schema["encoding"]["means"].take().as_object().unwrap().len(), 2);
        schema
    };
    assert_eq!(schema("a"), schema("b"));
}

#[test]
fn rows_are_passed_over_where_the_spec_says_so_but_never_while_predicting() {
    let place = place("ignore = [\"id\"]\ncategorical = [\"colour\"]\nmissing = \"skip\"");
    let trained = place.run(&["train", "shop.toml", "--run", "r", "--device", "cpu"]);
    let missing = (0..60).filter(|i| i % 11 == 4 || i % 7 == 3).count();
    assert!(trained.code == Some(0) && trained.stderr.contains(&format!("{missing} passed over")), "{trained:?}");
    let report = json(&place, "r/report.json");
    let rows = report["train_rows"].as_u64().unwrap() + report["validation_rows"].as_u64().unwrap();
    assert_eq!((rows, report["skipped_rows"].as_u64().unwrap()), (60 - missing as u64, missing as u64));
    let eval = place.good(&["eval", "r", "--data", "shop.csv", "--device", "cpu"]);
    assert!(eval.starts_with(&format!("rows      {}", 60 - missing)), "{eval}");
    place.refused(
        &["predict", "r", "--data", "shop.csv", "--device", "cpu"],
        &["shop.csv:5, column \"size\"", "an empty cell"],
    );
    place.good(&["verify", "shop.toml", "--device", "cpu"]);
}

#[test]
fn without_a_rule_a_missing_value_is_an_error_and_columns_must_exist() {
    let refused = |data: &str, parts: &[&str]| {
        let place = place(data);
        place.refused(&["train", "shop.toml", "--run", "r", "--device", "cpu"], parts);
        place.refused(&["verify", "shop.toml", "--device", "cpu"], parts);
    };
    refused("features = [\"size\", \"weight\"]", &["shop.csv:5, column \"size\"", "an empty cell"]);
    refused(
        "ignore = [\"id\", \"size\"]\ncategorical = \"colour\"",
        &["shop.csv:6, column \"colour\"", "data.missing"],
    );
    refused("ignore = [\"idd\"]", &["no ignored column \"idd\"", "did you mean \"id\""]);
    refused("features = [\"y\"]", &["\"y\" is a target and a feature"]);
    refused("features = [\"size\"]\nignore = [\"size\"]", &["\"size\" is ignored and a feature"]);
    refused("features = [\"weight\"]\ncategorical = [\"colour\"]", &["\"colour\" is no feature"]);
    refused("categorical = [\"color\"]", &["did you mean \"colour\""]);
    refused("missing = \"skp\"", &["shop.toml:", "did you mean \"skip\""]);
    refused("missing = \"mean\"", &["column \"id\"", "no value is a number", "categorical"]);
    let place = place("features = [\"weight\"]");
    place.good(&["train", "shop.toml", "--run", "r", "--device", "cpu"]);
    assert_eq!(json(&place, "r/preprocessing.json")["schema"]["features"], serde_json::json!(["weight"]));
    assert!(json(&place, "r/preprocessing.json")["schema"].get("encoding").is_none());
}

#[test]
fn a_new_spec_for_a_file_trains_at_once() {
    let place = place("");
    let made = place.run(&["new", "shop.csv", "--out", "new.toml"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    for part in [
        "60 rows; 2 columns of numbers, 1 of categories, 1 not used",
        "target y: 2 classes: no ",
        "column colour: 6 of 60 values missing",
        "column id: not used",
    ] {
        assert!(made.stderr.contains(part), "{part}: {}", made.stderr);
    }
    let text = place.read("new.toml");
    for part in
        ["ignore = [\"id\"]", "categorical = [\"colour\"]", "missing = \"mean\"", "cross_entropy", "dense = 2\n"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let trained = place.good(&["train", "new.toml", "--run", "r", "--device", "cpu"]);
    assert!(trained.contains("validation accuracy"), "{trained}");
    place.refused(&["new", "shop.csv", "--out", "new.toml"], &["this file is there already"]);
    place.refused(&["new", "shop.csv", "--target", "Y"], &["no column \"Y\"", "did you mean \"y\""]);
    place.refused(&["new", "nowhere.csv"], &["no such data file"]);

    // Iris: classes; a chosen target: a number. The spec lies in another folder than the data.
    std::fs::create_dir(place.path("specs")).unwrap();
    place.good(&["new", "iris.csv", "--out", "specs/iris.toml"]);
    let iris = place.good(&["train", "specs/iris.toml", "--run", "i", "--device", "cpu"]);
    assert!(iris.contains("validation accuracy"), "{iris}");
    let printed = place.good(&["new", "line.csv"]);
    assert!(printed.contains("loss = \"mse\"") && printed.contains("target = \"y\""), "{printed}");
    place.write("l.toml", &printed);
    place.good(&["train", "l.toml", "--run", "l", "--device", "cpu", "--epochs", "2"]);
}

#[test]
fn a_new_spec_for_arrays_names_the_targets_file() {
    let place = Place::new();
    let arrays = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/arrays");
    for name in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
        std::fs::copy(arrays.join(name), place.path(name)).unwrap();
    }
    place.refused(&["new", "images-idx3-ubyte"], &["which numbers are the target", "--labels"]);
    place.good(&["new", "images-idx3-ubyte", "--labels", "labels-idx1-ubyte", "--out", "m.toml"]);
    let text = place.read("m.toml");
    assert!(text.contains("train = { x = \"images-idx3-ubyte\", y = \"labels-idx1-ubyte\" }"), "{text}");
    place.good(&["train", "m.toml", "--run", "r", "--device", "cpu", "--epochs", "1"]);
}

/// A CSV file of 40 rows in which every row that trains has 3 or 5, or nothing, and every other one a million.
fn with_outliers(place: &Place, trains: impl Fn(u32) -> bool) -> f64 {
    let (mut text, mut sum, mut count) = ("a,b,y\n".to_owned(), 0.0, 0.0);
    for row in 0..40 {
        let value = match (row % 4, trains(row)) {
            (0, _) => None,
            (_, false) => Some(1e6),
            (1, true) => Some(3.0),
            (_, true) => Some(5.0),
        };
        if let Some(value) = value.filter(|_| trains(row)) {
            sum += value;
            count += 1.0;
        }
        let cell = value.map(|v| v.to_string()).unwrap_or_default();
        text.push_str(&format!("{cell},{row},{}\n", if row % 2 == 0 { "even" } else { "odd" }));
    }
    place.write("shop.csv", &text);
    sum / count
}

#[test]
fn a_mean_is_that_of_the_training_rows_alone() {
    let place = place("missing = \"mean\"");
    let mean = |run: &str| {
        let schema = json(&place, &format!("{run}/preprocessing.json"));
        (schema["schema"]["encoding"]["means"]["a"].as_f64().unwrap(), schema["scaler"]["mean"][0].as_f64().unwrap())
    };
    // Five values of 3 and ten of 5 at most: the means of two orders differ by roundings of each of 40 additions.
    let close = |found: f64, expected: f64| (found - expected).abs() <= 40.0 * f64::EPSILON * 5.0;
    let (train, _) = wgrad::data::split_rows(40, 0.2, 1, &place.path("shop.csv")).unwrap();
    let expected = with_outliers(&place, |row| train.contains(&row));
    place.good(&["train", "shop.toml", "--run", "whole", "--device", "cpu"]);
    let (kept, scaled) = mean("whole");
    assert!(close(kept, expected) && close(scaled, expected), "{kept} {scaled}, expected {expected}");
    // The prepared samples of other commands are the same.
    place.good(&["verify", "whole", "--device", "cpu"]);

    // Rows that are more than memory holds are held out by chance, each by itself.
    place.write("shop.toml", &spec("missing = \"mean\"\nmemory = \"64 B\""));
    let expected = with_outliers(&place, |row| !wgrad::testing::data::rng::held_out(1, u64::from(row), 0.2));
    place.good(&["train", "shop.toml", "--run", "streamed", "--device", "cpu"]);
    let (kept, scaled) = mean("streamed");
    assert!(close(kept, expected) && close(scaled, expected), "{kept} {scaled}, expected {expected}");

    // A file of its own for validation leaves all rows to train on.
    let expected = with_outliers(&place, |_| true);
    let text = spec("missing = \"mean\"").replace("validation = 0.2", "validation = \"shop.csv\"");
    place.write("shop.toml", &text);
    place.good(&["train", "shop.toml", "--run", "file", "--device", "cpu"]);
    assert!(close(mean("file").0, expected), "{:?} {expected}", mean("file"));
}
