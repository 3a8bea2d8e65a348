//! What a run's report shows beside curves, and `wgrad report`.

use crate::support::program;

use program::{IRIS, Place, REGRESSION};
use serde_json::Value;

fn train(place: &Place, args: &[&str]) -> String {
    place.good(&[&["train"][..], args, &["--device", "cpu"]].concat())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn report(place: &Place, run: &str) -> Value {
    json(&place.read(&format!("{run}/report.json")))
}

/// A spec of a small network, of one hidden layer.
fn spec(data: &str, outputs: usize, train: &str) -> String {
    format!(
        "[data]\n{data}\n[[model.layers]]\ndense = 4\nactivation = \"tanh\"\n[[model.layers]]\ndense = {outputs}\n\
         [train]\n{train}\nbatch_size = 8\nepochs = 2\nseed = 1\n"
    )
}

/// Rows of 64 pixels and a class, which is the half that is lit.
fn pictures(place: &Place) {
    let names: Vec<String> = (0..64).map(|i| format!("p{i}")).collect();
    let row = |i: usize| {
        let lit = |p: usize| if (p < 32) == i.is_multiple_of(2_usize) { 9 + (p * 7 + i) % 5 } else { (p + i) % 3 };
        let cells: Vec<String> = (0..64).map(|p| lit(p).to_string()).collect();
        format!("{},{}\n", cells.join(","), ["upper", "lower"][i % 2])
    };
    place.write("p.csv", &format!("{},half\n{}", names.join(","), (0..60).map(row).collect::<String>()));
}

#[test]
fn the_worst_pictures_are_shown_in_their_own_numbers() {
    let place = Place::new();
    pictures(&place);
    let data = "train = \"p.csv\"\ntarget = \"half\"\nvalidation = 0.4\nscale = \"standard\"";
    let train_keys = "loss = \"cross_entropy\"\noptimizer = { sgd = { lr = 0.001 } }";
    place.write("s.toml", &spec(data, 2, train_keys));
    train(&place, &["s.toml", "--run", "r"]);
    let found = report(&place, "r")["portrait"].clone();
    let worst = found["worst"].as_array().unwrap();
    assert_eq!((worst.len(), &found["rows"], &found["validation"]), (12, &24.into(), &true.into()));
    let scores: Vec<f64> = worst.iter().map(|w| w["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted() && scores.iter().all(|p| (0.0..=1.0).contains(p)), "{scores:?}");
    for w in worst {
        let pixels: Vec<u64> = w["picture"]["pixels"].as_array().unwrap().iter().map(|p| p.as_u64().unwrap()).collect();
        let sum = |half: &[u64]| half.iter().sum::<u64>();
        let upper = sum(&pixels[..32]) > sum(&pixels[32..]);
        assert_eq!(w["truth"], if upper { "upper" } else { "lower" }, "the scaling is undone");
        assert_eq!((w["picture"]["width"].as_u64(), pixels.len()), (Some(8), 64));
    }
    // The same numbers are no pictures where the spec says so by another shape: 16 x 4.
    place.write("w.toml", &spec(&format!("{data}\nimage = [16, 4]"), 2, train_keys));
    train(&place, &["w.toml", "--run", "w"]);
    assert_eq!(report(&place, "w")["portrait"]["worst"][0]["picture"]["width"], 4);
    place.write("bad.toml", &spec(&format!("{data}\nimage = [8, 9]"), 2, train_keys));
    place.refused(&["train", "bad.toml", "--run", "b"], &["data.image", "[8, 9]", "64 features"]);
    place.write("bad.toml", &spec(&format!("{data}\nimage = [8]"), 2, train_keys));
    place.refused(&["train", "bad.toml"], &["bad.toml:6:9", "`image` must be the rows and columns", "[28, 28]"]);
}

#[test]
fn targets_that_are_pictures_are_shown_with_what_came_out() {
    let place = Place::new();
    let names = |prefix: char| (0..64).map(move |i| format!("{prefix}{i}"));
    let header: Vec<String> = names('x').chain(names('t')).collect();
    let row = |i: usize| (0..128).map(|p| ((p % 64 * i) % 7).to_string()).collect::<Vec<_>>().join(",") + "\n";
    place.write("a.csv", &format!("{}\n{}", header.join(","), (0..20).map(row).collect::<String>()));
    let targets: Vec<String> = names('t').map(|t| format!("\"{t}\"")).collect();
    let data = format!("train = \"a.csv\"\ntarget = [{}]", targets.join(", "));
    place.write("a.toml", &spec(&data, 64, "loss = \"mse\"\noptimizer = { sgd = { lr = 0.01 } }"));
    train(&place, &["a.toml", "--run", "a"]);
    let found = report(&place, "a")["portrait"].clone();
    let pairs = found["reconstructions"].as_array().unwrap();
    assert_eq!((pairs.len(), &found["validation"]), (12, &false.into()), "there are no validation rows");
    assert!(pairs.iter().all(|p| p["target"]["pixels"].as_array().unwrap().len() == 64));
    let page = place.read("a/report.html");
    assert!(page.contains("<h2>Reconstructions</h2>") && !page.contains("Worst classified"));
}

#[test]
fn two_inputs_have_a_surface_with_every_sample_on_it() {
    let place = Place::new();
    let xor: String = (0..40).map(|i| format!("{},{},{}\n", i % 2, i / 2 % 2, (i % 2) ^ (i / 2 % 2))).collect();
    place.write("xor.csv", &format!("a,b,y\n{xor}"));
    let keys = "loss = \"binary_cross_entropy\"\noptimizer = { adam = { lr = 0.05 } }";
    let data = "train = \"xor.csv\"\ntarget = \"y\"\nscale = \"standard\"";
    let xor = spec(data, 1, keys).replace("dense = 1\n", "dense = 1\nactivation = \"sigmoid\"\n");
    place.write("xor.toml", &xor.replace("epochs = 2", "epochs = 200"));
    train(&place, &["xor.toml", "--run", "r"]);
    let found = report(&place, "r")["portrait"]["surface"].clone();
    let side = found["side"].as_u64().unwrap() as usize;
    let cell = |x: usize, y: usize| found["class"][y * side + x].as_u64().unwrap();
    let (near, far) = (side / 8, side - 1 - side / 8);
    // The four corners are where the four samples lie, which the network has learnt.
    assert_eq!([cell(near, near), cell(far, near), cell(near, far), cell(far, far)], [0, 1, 1, 0]);
    assert_eq!(found["points"].as_array().unwrap().len(), 40);
    // Sample 1 is (1, 0), scaled and brought back: a few roundings of numbers below 2.
    let point = &found["points"][1];
    let off = |axis: usize, wanted: f64| (point["at"][axis].as_f64().unwrap() - wanted).abs();
    assert!(off(0, 1.0) <= 4.0 * f64::EPSILON && off(1, 0.0) <= 4.0 * f64::EPSILON, "in the file's numbers: {point}");
    assert_eq!(point["class"], 1);
    assert!(place.read("r/report.html").contains("<h2>Decision surface</h2>"));
}

#[test]
fn distributions_are_taken_at_epochs_and_change_no_bit() {
    let place = Place::new();
    place.write("s.toml", &IRIS.replace("epochs = 3", "epochs = 40"));
    train(&place, &["s.toml", "--run", "whole"]);
    let taken = |run: &str| -> Vec<u64> {
        let report = report(&place, run);
        report["histograms"].as_array().unwrap().iter().map(|h| h["epoch"].as_u64().unwrap()).collect()
    };
    assert_eq!(taken("whole"), [1, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
    // In a run that ends at other epochs on its way they are taken at others, and the end is the same to the bit.
    train(&place, &["s.toml", "--run", "parts", "--epochs", "7"]);
    assert_eq!(taken("parts"), [1, 2, 3, 4, 5, 6, 7]);
    train(&place, &["--resume", "parts", "--epochs", "40"]);
    assert_eq!(place.bytes("parts/checkpoint.safetensors"), place.bytes("whole/checkpoint.safetensors"));
    assert_eq!(taken("parts"), [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
    let last = report(&place, "whole")["histograms"][10]["tensors"].clone();
    let names: Vec<&str> = last.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
    for (tensor, size) in last.as_array().unwrap().iter().zip([32, 8, 24, 3]) {
        for side in ["values", "gradient"] {
            let counts = tensor[side]["counts"].as_array().unwrap();
            assert_eq!(counts.iter().map(|c| c.as_u64().unwrap()).sum::<u64>(), size, "{tensor}");
        }
    }
    let kernels = report(&place, "whole")["kernels"].clone();
    assert!(kernels.as_array().unwrap().iter().any(|k| k["label"] == "optimizer"), "{kernels}");
}

#[test]
fn runs_are_compared_by_results_and_specs() {
    let place = Place::new();
    train(&place, &["iris.toml", "--run", "a"]);
    place.write("b.toml", &IRIS.replace("lr = 0.1", "lr = 0.01"));
    train(&place, &["b.toml", "--run", "b", "--epochs", "5"]);
    train(&place, &["line.toml", "--run", "numbers"]);
    assert!(REGRESSION.contains("mse"));
    let said = place.good(&["report", "a", "b", "--out", "c.html"]);
    assert!(said.contains("train.optimizer.sgd.lr: 0.1 | 0.01") && said.contains("train.epochs: 3 | 5"), "{said}");
    let found = json(&place.good(&["report", "a", "b", "numbers", "--json"]));
    let last = json(place.read("b/metrics.jsonl").lines().last().unwrap());
    assert_eq!(found["runs"][1]["validation_loss"], last["validation_loss"]);
    assert_eq!((&found["runs"][1]["epochs"], &found["runs"][2]["validation_loss"]), (&5.into(), &Value::Null));
    assert!(place.read("comparison.html").contains("<h1>3 runs</h1>"));
    place.refused(&["report", "a", "nothing"], &["nothing: this folder holds no run"]);
}

#[test]
fn a_run_without_a_report_shows_its_curves() {
    let place = Place::new();
    train(&place, &["iris.toml", "--run", "r"]);
    let page = place.read("r/report.html");
    // As a run leaves it that was killed while it wrote a line.
    std::fs::remove_file(place.path("r/report.json")).unwrap();
    let metrics = place.read("r/metrics.jsonl");
    place.write("r/metrics.jsonl", &metrics[..metrics.len() - 20]);
    place.good(&["report", "r"]);
    let found = place.read("r/report.html");
    assert_ne!(found, page);
    assert!(found.contains("2 of 3 epochs") && found.contains("<h2>Loss</h2>"), "{found}");
    assert!(place.path("r/model.safetensors").exists());
}
