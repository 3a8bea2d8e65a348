//! Style that a reader relies on: sizes, names, headers, and no panics that input can reach.

use super::source;

use source::{Source, files, relative, sources};

/// Lines in a file of the crate; the design asks for thought at 400.
const FILE_LINES: usize = 600;
/// Lines in a test file: a table of cases reads well at a length where code does not.
const TEST_LINES: usize = 800;
/// Lines in a function, from `fn` to its closing brace.
const FUNCTION_LINES: usize = 70;
/// Module names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = ["util", "utils", "common", "helper", "helpers", "manager", "misc", "shared", "types"];
/// Macros that panic on purpose. `unreachable!` may stay: it marks what no input can reach.
const PANICS: [&str; 3] = ["panic", "todo", "unimplemented"];

fn check(faults: impl Iterator<Item = String>) {
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn files_are_short() {
    assert!(sources("src").len() > 20, "the crate's source was not found");
    let code = sources("src").into_iter().chain(sources("examples")).chain(sources("benches"));
    let long = code.filter_map(|s| too_long(&s, FILE_LINES));
    check(long.chain(sources("tests").iter().filter_map(|s| too_long(s, TEST_LINES))));
}

#[test]
fn functions_are_short() {
    check(["src", "examples", "benches", "tests"].iter().flat_map(|f| sources(f)).flat_map(|s| long_functions(&s)));
}

#[test]
fn module_names_say_something() {
    let paths = ["src", "tests", "examples"].iter().flat_map(|folder| files(folder, "rs"));
    check(paths.filter_map(|path| empty_name(&relative(&path))));
}

/// The crate would be compiled once more for them; what they test is reached through the feature `testing`.
#[test]
fn no_test_stands_in_the_crate() {
    check(sources("src").iter().flat_map(unit_tests));
}

#[test]
fn no_input_can_reach_a_panic() {
    check(sources("src").iter().flat_map(panics));
}

/// The library is used by other programs as well, whose options are others: advice stands in `wgrad::error::Remedy`.
#[test]
fn only_the_command_line_speaks_of_its_options() {
    check(sources("src").iter().filter(|s| !s.path.starts_with("src/cli/")).flat_map(options));
}

#[test]
fn every_shader_starts_with_its_formula() {
    let shaders = files("shaders", "wgsl");
    assert!(!shaders.is_empty());
    check(shaders.iter().filter_map(|path| headless(&relative(path), &std::fs::read_to_string(path).unwrap())));
}

fn too_long(source: &Source, limit: usize) -> Option<String> {
    (source.lines > limit).then(|| format!("{}: {} lines, more than {limit}", source.path, source.lines))
}

/// Functions above the limit. `fn` without a name is a type; a `;` before the braces is a trait's declaration.
fn long_functions(source: &Source) -> Vec<String> {
    let tokens = &source.tokens;
    let mut faults = Vec::new();
    for at in (0..tokens.len()).filter(|&at| tokens[at].text == "fn" && !source.matches(at + 1, &["("])) {
        let (mut depth, mut in_body) = (0usize, false);
        for token in &tokens[at + 1..] {
            match token.text.as_str() {
                "{" | "(" | "[" => {
                    in_body |= token.text == "{" && depth == 0;
                    depth += 1;
                }
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                ";" if depth == 0 => break,
                _ => {}
            }
            if in_body && depth == 0 {
                let lines = token.line - tokens[at].line + 1;
                if lines > FUNCTION_LINES {
                    let name = &tokens[at + 1].text;
                    faults.push(format!("{}: fn {name}: {lines} lines, more than {FUNCTION_LINES}", source.place(at)));
                }
                break;
            }
        }
    }
    faults
}

fn empty_name(path: &str) -> Option<String> {
    let named = |part: &str| EMPTY_NAMES.contains(&part.trim_end_matches(".rs"));
    path.split('/').any(named).then(|| format!("{path}: a name that does not say what is inside"))
}

/// `unwrap`, `expect` and the panicking macros outside tests.
fn panics(source: &Source) -> Vec<String> {
    let fault = |at: usize| {
        let name = source.tokens[at].text.as_str();
        let method = at > 0 && source.matches(at - 1, &["."]) && source.matches(at + 1, &["("]);
        let found = (name == "unwrap" && method)
            || (name == "expect" && method && !second_argument(&source.tokens[at + 1..]))
            || (PANICS.contains(&name) && source.matches(at + 1, &["!"]));
        found.then(|| format!("{}: `{name}` that input may reach", source.place(at)))
    };
    (0..source.tokens.len()).filter_map(fault).collect()
}

fn unit_tests(source: &Source) -> Vec<String> {
    source
        .tests
        .iter()
        .map(|line| format!("{}:{line}: a test in the crate; move it to tests/cpu", source.path))
        .collect()
}

/// Texts, comments of documentation among them, that name an option of a command line other than cargo's.
fn options(source: &Source) -> Vec<String> {
    let names_one = |text: &str| {
        let words = text.split(|c: char| c.is_whitespace() || "`\"".contains(c));
        let mut options = words.filter_map(|word| word.strip_prefix("--"));
        // A colon ends a property of CSS.
        let is_property = |name: &str| name.trim_start_matches(|c: char| c.is_ascii_lowercase()).starts_with(':');
        let is_option = |name: &str| name.starts_with(|c: char| c.is_ascii_lowercase()) && !is_property(name);
        let of_cargo = |name: &str| ["features", "bench"].contains(&name);
        options.any(|name| is_option(name) && !of_cargo(name))
    };
    let found = source.tokens.iter().enumerate().filter(|(_, token)| names_one(&token.literal));
    found
        .map(|(at, token)| format!("{}: the library speaks of an option: {}", source.place(at), token.literal))
        .collect()
}

/// Whether the call whose parenthesis comes first has two arguments or more: a method of ours named like that of std.
fn second_argument(tokens: &[source::Token]) -> bool {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            "," if depth == 1 => return tokens[i + 1].text != ")",
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    false
}

/// A shader without its header: a kernel begins with its name and formula and says its shapes; included text begins
/// with what it is for.
fn headless(path: &str, text: &str) -> Option<String> {
    let header: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".wgsl");
    if header.first().is_none_or(|line| line.len() < 15) {
        return Some(format!("{path}:1: starts without a comment that says what it computes"));
    }
    if path.contains("/lib/") {
        return None;
    }
    if !header[0].starts_with(&format!("// {name}: ")) {
        return Some(format!("{path}:1: the first line should be `// {name}: formula`"));
    }
    let states = |word: &str| header.iter().any(|line| line.starts_with(&format!("// {word}")));
    let missing = ["Shapes: "].into_iter().find(|word| !states(word))?;
    Some(format!("{path}: the header has no line `// {missing}`"))
}

#[test]
fn each_check_finds_what_it_looks_for() {
    let long = format!("fn short() {{}}\n\nfn long(a: [u8; 2]) {{\n{}}}\n", "    f();\n".repeat(FUNCTION_LINES));
    let source = Source::parse("src/a.rs", &long).unwrap();
    assert_eq!(long_functions(&source), ["src/a.rs:3: fn long: 72 lines, more than 70"]);
    let fits = Source::parse("src/a.rs", &long.replacen("    f();\n", "", 2)).unwrap();
    assert_eq!(long_functions(&fits), Vec::<String>::new());
    let declared = Source::parse("src/a.rs", "trait T { fn f(&self); const G: fn(u8) -> u8; }").unwrap();
    assert_eq!(long_functions(&declared), Vec::<String>::new());

    assert!(too_long(&source, 74).is_none() && too_long(&source, 73).is_some());

    assert!(empty_name("src/plan/util.rs").is_some() && empty_name("tests/common/mod.rs").is_some());
    assert!(empty_name("src/plan/lower.rs").is_none());

    let text = "fn f() { a.unwrap(); b.expect(f(1, 2),); panic!(); todo!() }\nfn g() { a.unwrap_or(1); unreachable!() }\n\
                fn h() { rule.expect(a == f(b, c), \"d\")?; }\n\
                /// `a.unwrap()`\n#[cfg(test)]\nmod tests { fn h() { a.unwrap(); } }\n#[cfg(test)] use x;";
    assert_eq!(panics(&Source::parse("src/a.rs", text).unwrap()).len(), 4);

    let text =
        "// #[cfg(test)]\nconst S: &str = \"#[cfg(test)]\";\n#[cfg(test)]\nmod tests {}\nmod a {\n#[test] fn f() {}\n}";
    let places =
        ["src/a.rs:3", "src/a.rs:6"].map(|place| format!("{place}: a test in the crate; move it to tests/cpu"));
    assert_eq!(unit_tests(&Source::parse("src/a.rs", text).unwrap()), places);

    let text = "/// Index for `--adapter`.\nfn f() { g(\"or use --device cpu\", \"cargo --features x\", \"-- a--b var(--c) --h:1\") }";
    assert_eq!(options(&Source::parse("src/a.rs", text).unwrap()).len(), 2);

    let good = "// relu: y = max(x, 0).\n// Shapes: x, y [n].\n\nstruct Params {}";
    assert_eq!(headless("shaders/relu.wgsl", good), None);
    for bad in ["", "struct Params {}", "// stub\n", "// tanh: y = tanh(x), guarded.\n", "// relu: y = max(x, 0).\n\n"]
    {
        assert!(headless("shaders/relu.wgsl", bad).is_some(), "{bad:?}");
    }
}
