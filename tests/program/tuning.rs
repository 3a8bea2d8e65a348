//! Tuning files: what is written is read again, what does not fit is refused with place and remedy, and a table decides the
//! products of its classes alone.

use crate::support::program;

use program::Place;
use std::path::Path;
use std::sync::Arc;
use wgrad::exec::Device;
use wgrad::kernels::Kernel;
use wgrad::plan::tuning::{Class, Table, Way};
use wgrad::plan::{Options, Plan, Products, lower};
use wgrad::testing::tune::Lock;
use wgrad::testing::tune::lock::MAX_BYTES;
use wgrad::testing::verify::kernels::cases;

/// A device with subgroups of eight.
const LANES: Products = Products { direct: true, lanes: Some(8) };

const FILE: &str = r#"format = 1
adapter = "an adapter"
driver = "Vulkan, some driver 1.2"
shaders = "abab"

[[product]]
m = 64
n = 128
k = 1024
trans_a = false
trans_b = true
words = true
way = "broadcast 4"

[[product]]
m = 64
n = 16
k = 128
trans_a = false
trans_b = true
words = false
way = "direct 16"
"#;

fn parsed(text: &str) -> Result<Lock, String> {
    Lock::parse(text, Path::new("my.toml")).map_err(|e| e.to_string())
}

#[test]
fn what_is_written_is_read_again() {
    let lock = parsed(FILE).unwrap();
    assert_eq!(parsed(&lock.to_toml()).unwrap(), lock);
    assert_eq!(lock.table().len(), 2);
    assert_eq!(lock.table()[&Class::of([60, 100, 784], [false, true])], Way::Broadcast(4));
    // Comments and the order of entries are no part of a tuning's name; every value is.
    assert_eq!(parsed(&format!("# mine\n{FILE}")).unwrap().digest(), lock.digest());
    for (from, to) in [("1.2", "1.3"), ("an adapter", "another"), ("abab", "abac")] {
        let other = parsed(&FILE.replacen(from, to, 1)).unwrap();
        assert!(other.key() != lock.key() && other.digest() != lock.digest() && !other.belongs_with(&lock), "{from}");
    }
    assert_ne!(parsed(&FILE.replacen("direct 16", "direct 8", 1)).unwrap().digest(), lock.digest());
}

#[test]
fn a_damaged_file_is_refused_with_place_and_remedy() {
    for (from, to, parts) in [
        ("format = 1", "format = 2", &["my.toml", "format 1", "found format 2"][..]),
        ("format = 1\n", "", &["my.toml:", "missing field `format`"]),
        ("adapter = ", "adaptor = ", &["my.toml:2", "unknown field `adaptor`"]),
        ("\"broadcast 4\"", "\"magic 4\"", &["my.toml:13", "no way \"magic 4\"", "direct 16"]),
        ("\"broadcast 4\"", "\"broadcast 3\"", &["my.toml:13", "no way \"broadcast 3\""]),
        ("m = 64", "m = 63", &["my.toml", "powers of two, found 63"]),
        ("m = 64", "m = 0", &["my.toml", "powers of two, found 0"]),
        ("m = 64", "m = -4", &["my.toml:7", "-4"]),
        ("words = true", "words = 1", &["my.toml:12"]),
        ("words = true", "words = true\nwide = true", &["my.toml:13", "unknown field `wide`"]),
        ("[[product]]", "[product", &["my.toml:6"]),
        (
            "n = 128\nk = 1024\ntrans_a = false\ntrans_b = true\nwords = true",
            "n = 16\nk = 128\ntrans_a = false\ntrans_b = true\nwords = false",
            &["my.toml", "two [[product]]"],
        ),
    ] {
        assert!(FILE.contains(from), "{from} is not in the file");
        let message = parsed(&FILE.replacen(from, to, 1)).unwrap_err();
        assert!(parts.iter().all(|part| message.contains(part)), "{from} -> {to}: {message}");
        assert!(message.contains("wgrad tune"), "{message}");
    }
    assert!(parsed("\u{0}").is_err());
}

#[test]
fn a_file_is_read_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.toml");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Lock::read(&path).map(|_| ()).map_err(|e| e.to_string())
    };
    let mut long = FILE.as_bytes().to_vec();
    long.resize(MAX_BYTES as usize, b'\n');
    assert_eq!(read(&long), Ok(()), "as large as allowed");
    long.push(b'\n');
    assert!(read(&long).is_err_and(|m| m.contains("t.toml")));
    assert!(read(b"\xff\xfe").is_err_and(|m| m.contains("t.toml") && m.contains("not text")));
    assert!(Lock::read(&folder.path().join("none")).is_err_and(|e| e.to_string().contains("none")));
}

/// Sizes and constants of a product.
type Constants = (Vec<usize>, Vec<(&'static str, f64)>);

/// The constants of every product of a small classifier's train step, by size.
fn constants(products: Products, table: Option<Table>) -> Vec<Constants> {
    use wgrad::graph::{Activation, Loss, Optimizer};
    use wgrad::model::{Layer, Network, Samples};
    let layers = vec![Layer::dense(12, 36, Activation::Tanh, true), Layer::dense(36, 10, Activation::Identity, true)];
    let network = Network { layers, loss: Loss::cross_entropy() };
    let graph = network.train_graph(Samples { name: "train", rows: 70, batch: 33 }, Optimizer::sgd(0.1)).unwrap();
    let options = Options { products, tuned: table.map(Arc::new), ..Options::new("train", 1) };
    let plan: Plan = lower(&graph, &options).unwrap();
    let products = plan.dispatches.iter().filter(|d| d.kernel.is_product());
    products.map(|d| (d.args.sizes::<3>().to_vec(), d.args.constants.clone())).collect()
}

#[test]
fn a_table_decides_the_products_of_its_classes() {
    let forward = Class::of([33, 36, 12], [false, true]);
    let table = |way| Some(Table::from([(forward, way)]));
    let rules = constants(LANES, None);
    assert_eq!(rules, constants(LANES, Some(Table::new())));
    let tuned = constants(LANES, table(Way::Direct(16)));
    let differ = |a: &[Constants], b: &[Constants]| -> Vec<Vec<usize>> {
        a.iter().zip(b).filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0.clone()).collect()
    };
    assert_eq!(differ(&rules, &tuned), [vec![33, 36, 12]]);
    // What the adapter cannot do, or is switched off, is left to the rules.
    let without = Products { lanes: None, ..LANES };
    assert_eq!(constants(without, table(Way::Broadcast(4))), constants(without, None));
    assert_eq!(constants(LANES, table(Way::Tile(4))), rules);
}

#[test]
fn every_way_has_conformance_cases_and_that_of_the_rules_is_among_them() {
    let four = Products { lanes: Some(4), ..LANES };
    for products in [Products::default(), Products { lanes: None, ..LANES }, LANES, four] {
        for sizes in [[1, 4, 1], [64, 10, 128], [64, 128, 784], [31, 100, 33], [1024, 1024, 1024]] {
            let ways = products.ways(&Class::of(sizes, [false, true]));
            assert!(ways.contains(&products.rule(sizes)), "{products:?} {sizes:?}: {ways:?}");
        }
        for kernel in Kernel::ALL.iter().filter(|kernel| kernel.is_product()) {
            let cases = cases(*kernel, 0, products.lanes);
            for way in products.ways(&Class::of([4; 3], [false; 2])) {
                let wanted = products.constants_of(way, [4; 3], [false; 2]);
                let decides = |name: &str| matches!(name, "DIRECT" | "SIDE" | "LANES" | "BLOCKS");
                let wanted: Vec<_> = wanted.into_iter().filter(|(name, _)| decides(name)).collect();
                let found = cases
                    .iter()
                    .any(|case| wanted.iter().all(|(name, value)| case.args.constants.contains(&(*name, *value))));
                assert!(found, "{} has no case for {way}", kernel.name);
            }
        }
    }
}

#[test]
fn there_is_nothing_to_tune_on_the_cpu() {
    let place = Place::new();
    place.refused(&["tune", "iris.toml", "--device", "cpu"], &["nothing to tune on cpu", "--adapter NAME"]);
    place.refused(&["tune", "digit", "--device", "cpu"], &["no workload \"digit\"", "did you mean"]);
    place.refused(&["tune", "none.toml", "--device", "cpu"], &["none.toml"]);
    assert_eq!(Lock::new(&Device::cpu(), &Table::new()), None);
    place.write("t.toml", FILE);
    for command in ["train", "verify"] {
        let args = [command, "iris.toml", "--device", "cpu", "--tuning", "t.toml"];
        place.refused(&args, &["t.toml", "a tuning of an adapter", "cpu", "leave out --tuning"]);
    }
    place.refused(&["plan", "iris.toml", "--tuning", "t.toml"], &["t.toml", "--target NAME"]);
    place.refused(&["train", "iris.toml", "--device", "cpu", "--tuning", "none.toml"], &["none.toml"]);
    place.good(&["train", "iris.toml", "--device", "cpu", "--run", "a"]);
    assert!(!place.read("a/run.json").contains("tuning"));
    let resumed = ["train", "--resume", "a", "--epochs", "4", "--device", "cpu", "--tuning"];
    for tuning in ["none", "t.toml"] {
        place.refused(&[&resumed[..], &[tuning]].concat(), &["begun with", "Leave out --tuning"]);
    }
}
