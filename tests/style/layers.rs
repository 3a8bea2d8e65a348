//! The layers of the crate: what each module may know. A module may use only what stands above it here.

use super::source;

use source::{Source, sources};

/// Each top-level module, its layer, and what it may name. `*` stands for every lower layer and its own.
///
/// The narrower rows keep the arrow one-way: kernels and executors work on a plan and never see the graph it came from,
/// so a second front end or a second executor can be added without touching the other side.
const LAYERS: &[(&str, usize, &[&str])] = &[
    ("error", 0, &[]),
    ("report", 0, &["error"]),
    ("compare", 1, &["*"]),
    ("kernels", 2, &["error", "report"]),
    ("target", 3, &["error", "kernels"]),
    ("optim", 3, &["error", "kernels"]),
    ("graph", 4, &["error", "kernels", "target", "optim"]),
    ("ops", 5, &["error", "kernels", "target", "optim", "graph"]),
    ("passes", 6, &["error", "kernels", "target", "optim", "graph", "ops"]),
    // Neither plans nor executors know an operation.
    ("plan", 7, &["error", "report", "kernels", "target", "graph", "passes"]),
    ("exec", 8, &["error", "report", "kernels", "target", "plan"]),
    ("spec", 9, &["*"]),
    ("nn", 9, &["*"]),
    ("data", 9, &["*"]),
    ("train", 10, &["*"]),
    ("tune", 10, &["*"]),
    ("verify", 11, &["*"]),
    ("exchange", 12, &["*"]),
    ("bench", 13, &["*"]),
    // Text alone.
    ("guide", 14, &["*"]),
    ("cli", 14, &["*"]),
    ("web", 14, &["*"]),
    // Opens the internals to tests; nothing uses it.
    ("testing", 15, &["*"]),
];

/// Macros that print. Only the command line speaks: a library that prints spoils its user's output.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// A name that `lib.rs` re-exports at the crate's root, and the module it comes from.
type RootName = (String, String);

#[test]
fn modules_use_only_what_stands_above_them() {
    let sources = sources("src");
    let root = root_names(sources.iter().find(|s| s.path == "src/lib.rs").expect("src/lib.rs"));
    let faults: Vec<String> = sources.iter().flat_map(|s| upward(s, &root)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn only_the_command_line_prints() {
    let faults: Vec<String> = sources("src").iter().flat_map(printing).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The top-level module of a file: `src/a/b.rs` and `src/a.rs` belong to `a`.
fn module_path(path: &str) -> Vec<&str> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    path.trim_end_matches("/mod").split('/').collect()
}

/// Every import of a file that its layer forbids, as `file:line: message`.
fn upward(source: &Source, root: &[RootName]) -> Vec<String> {
    let module = module_path(&source.path);
    if module == ["lib"] || module == ["main"] {
        return Vec::new();
    }
    let Some(&(from, layer, allowed)) = LAYERS.iter().find(|row| row.0 == module[0]) else {
        return vec![format!(
            "{}:1: module `{}` has no layer; add it to tests/style/layers.rs",
            source.path, module[0]
        )];
    };
    let mut faults = Vec::new();
    for (at, name) in crate_paths(source, &module) {
        let target = root.iter().find(|(exported, _)| *exported == name).map_or(name.as_str(), |(_, module)| module);
        let fault = match LAYERS.iter().find(|row| row.0 == target) {
            _ if target == from => None,
            Some(row) if allowed.contains(&target) || (allowed == ["*"] && row.1 <= layer) => None,
            Some(row) => Some(format!("`{from}` (layer {layer}) must not know `{target}` (layer {})", row.1)),
            None => Some(format!("`{name}` is neither a module with a layer nor exported by src/lib.rs")),
        };
        faults.extend(fault.map(|fault| format!("{}: {fault}", source.place(at))));
    }
    faults
}

/// The first name below the crate's root of every path, with the index of the token where the path starts. Paths are
/// `crate::..`, `wgrad::..`, and as many `super::` as lead out of the file's modules.
fn crate_paths(source: &Source, module: &[&str]) -> Vec<(usize, String)> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let start = i;
        if ["crate", "wgrad"].contains(&tokens[i].text.as_str()) && source.matches(i + 1, &[":", ":"]) {
            found.extend(first_names(source, i + 3).into_iter().map(|name| (start, name)));
            i += 3;
            continue;
        }
        let mut supers = 0;
        while source.matches(i, &["super", ":", ":"]) {
            supers += 1;
            i += 3;
        }
        if supers > 0 && supers == module.len() + tokens[start].inline_modules {
            found.extend(first_names(source, i).into_iter().map(|name| (start, name)));
        }
        i += usize::from(supers == 0);
    }
    found
}

/// The name at a place, or the first name of each entry of the list in braces there.
fn first_names(source: &Source, at: usize) -> Vec<String> {
    let tokens = &source.tokens;
    let Some(first) = tokens.get(at) else { return Vec::new() };
    if first.text != "{" {
        return vec![first.text.clone()];
    }
    let mut names = Vec::new();
    let (mut depth, mut expects_name) = (0, false);
    for token in &tokens[at..] {
        match token.text.as_str() {
            "{" => (depth, expects_name) = (depth + 1, depth == 0),
            "}" => depth -= 1,
            "," if depth == 1 => expects_name = true,
            name if expects_name => {
                names.push(name.to_owned());
                expects_name = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// What `pub use module::..` in `lib.rs` puts at the root: every capitalised name, and the names in lower case that
/// end a path.
fn root_names(lib: &Source) -> Vec<RootName> {
    let mut names = Vec::new();
    for at in (0..lib.tokens.len()).filter(|&at| lib.matches(at, &["pub", "use"])) {
        let path: Vec<&str> = lib.tokens[at + 2..].iter().map(|t| t.text.as_str()).take_while(|t| *t != ";").collect();
        let path = if path[0] == "crate" { &path[3..] } else { &path[..] };
        for (i, name) in path.iter().enumerate().skip(1) {
            let ends = path.get(i + 1).is_none_or(|next| [",", "}"].contains(next));
            if ends && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                names.push(((*name).to_owned(), path[0].to_owned()));
            }
        }
    }
    names
}

/// Every print outside the command line.
fn printing(source: &Source) -> Vec<String> {
    if source.path == "src/main.rs" || module_path(&source.path)[0] == "cli" {
        return Vec::new();
    }
    let prints = |at: &usize| PRINTING.contains(&source.tokens[*at].text.as_str()) && source.matches(at + 1, &["!"]);
    let faults = (0..source.tokens.len()).filter(prints);
    faults.map(|at| format!("{}: `{}!` outside src/cli", source.place(at), source.tokens[at].text)).collect()
}

fn faults_of(path: &str, text: &str) -> Vec<String> {
    let lib =
        Source::parse("src/lib.rs", "pub use error::{Error, Result}; pub use crate::train::Trainer as Fit;").unwrap();
    upward(&Source::parse(path, text).unwrap(), &root_names(&lib))
}

#[test]
fn forbidden_imports_are_found() {
    let forbidden = [
        ("src/kernels/mod.rs", "use crate::graph::Op;"),
        ("src/kernels/cpu/relu.rs", "\n\nfn f() { crate::exec::run() }"),
        ("src/kernels/cpu/relu.rs", "use super::super::super::plan::Plan;"),
        ("src/exec/cpu.rs", "use crate::{error::Error, graph::{Graph, Op}};"),
        ("src/exec/mod.rs", "use super::graph;"),
        ("src/exec/mod.rs", "mod inner { use super::super::graph; }"),
        ("src/graph/mod.rs", "use crate::compare;"),
        ("src/plan/mod.rs", "macro_rules! m { () => { $crate::train::fit() } }"),
        ("src/error.rs", "use crate::report;"),
        ("src/train/mod.rs", "use wgrad::testing::cli::Args;"),
        ("src/exec/gpu/mod.rs", "use crate::Fit;"),
        ("src/plan.rs", "use crate::nowhere::X;"),
        ("src/sneaky/mod.rs", "fn f() {}"),
    ];
    for (path, text) in forbidden {
        let faults = faults_of(path, text);
        assert_eq!(faults.len(), 1, "{path}: {text}: {faults:?}");
        let line = if text.starts_with('\n') { 3 } else { 1 };
        assert!(faults[0].starts_with(&format!("{path}:{line}: ")), "{faults:?}");
    }
}

#[test]
fn allowed_imports_are_not_found() {
    let allowed = [
        (
            "src/kernels/cpu/relu.rs",
            "use crate::kernels::Row; use super::super::row; use crate::{Error, error::Result};",
        ),
        ("src/exec/gpu/mod.rs", "use crate::plan::Plan; use super::cpu;"),
        ("src/spec/mod.rs", "use crate::{nn::Network, data::Table, compare, exec};"),
        ("src/exec/mod.rs", "// use crate::graph\n/// [`crate::graph`]\nconst S: &str = \"crate::graph::x\";"),
        ("src/exec/mod.rs", "#[cfg(test)] mod tests { use crate::graph::Graph; }"),
        ("src/main.rs", "use wgrad::testing::cli;"),
    ];
    for (path, text) in allowed {
        assert_eq!(faults_of(path, text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn prints_are_found() {
    let text = "fn f() { println!(\"x\"); dbg!(1); }\n#[cfg(test)] mod tests { fn g() { println!(); } }";
    let faults = |path: &str| printing(&Source::parse(path, text).unwrap());
    assert_eq!(faults("src/train/mod.rs").len(), 2);
    assert!(faults("src/cli/train.rs").is_empty());
}
