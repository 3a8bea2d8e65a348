//! Modules as files know them: every kind is read back from what it writes, and stands in the documentation.

use wgrad::nn::{Layer, MODULES};
use wgrad::spec::Spec;

/// A layer of each kind, as `docs/spec.md` shows its key.
fn documented() -> Vec<(String, Layer)> {
    let page = include_str!("../../docs/spec.md");
    let row = |key: &str| {
        let found = page.lines().find(|line| line.starts_with(&format!("| `{key} = ")));
        found.unwrap_or_else(|| panic!("docs/spec.md has no row for {key}")).to_owned()
    };
    let layer = |row: &str| {
        let entry = row.split('`').nth(1).unwrap();
        let text = format!(
            "[data]\ntrain = 'd.csv'\ntarget = 't'\n[[model.layers]]\n{entry}\n[[model.layers]]\ndense = 1\n[train]\n\
             loss = 'mse'\noptimizer = 'adam'\n"
        );
        Spec::parse(&text, "s.toml").unwrap().model.layers(4).unwrap()[0].clone()
    };
    MODULES.iter().map(|entry| row(entry.key)).map(|row| (row.clone(), layer(&row))).collect()
}

#[test]
fn the_table_of_layers_says_what_the_modules_say() {
    for (row, layer) in documented() {
        let stored: Vec<String> = layer.stored().iter().map(|stored| format!("`{}`", stored.suffix)).collect();
        let pytorch = layer.module.pytorch().expect("a counterpart");
        let end = if stored.is_empty() { "| |".to_owned() } else { format!("| {} |", stored.join(", ")) };
        assert!(row.ends_with(&format!("{end} `{pytorch}` |")), "{row}: expected {end} `{pytorch}`");
    }
}

#[test]
fn modules_are_equal_where_their_keys_are() {
    let layers: Vec<Layer> = documented().into_iter().map(|(_, layer)| layer).collect();
    for (i, a) in layers.iter().enumerate() {
        for (j, b) in layers.iter().enumerate() {
            assert_eq!(*a.module == *b.module, i == j, "{a:?} and {b:?}");
        }
        assert_eq!(a.module.keys()[0].0, a.module.name());
    }
}
