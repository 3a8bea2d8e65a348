//! The verdict's forms: page, text, Markdown, JUnit and JSON say the same of a made-up verdict with values that passed,
//! failed and inherited their fault, and of made-up matrices.
//!
//! `WGRAD_PAGES=folder cargo test --test cpu verify_report::` also writes every page tested, to be looked at in a browser.

use roxmltree::{Document, Node, ParsingOptions};
use wgrad::compare::{Comparison, compare};
use wgrad::testing::verify::html;
use wgrad::testing::verify::matrix::{self, Entry, Matrix};
use wgrad::verify::{Drift, Row, Step, Verdict, digest, report};

/// A device name with what every form has to escape.
const DEVICE: &str = "llvm<pipe> & \"Sub|zero\" `1`\u{1b}_*";

/// Four elements of which one is off by so many of its bounds.
fn off_by(name: &str, ratio: f64) -> Comparison {
    let found = [1.0, 2.0 + ratio * 0.5, 3.0, 4.0];
    compare(name, &[2, 2], &[1.0, 2.0, 3.0, 4.0], &found, &[0.5; 4])
}

fn row(name: &str, dispatch: usize, operands: &[&str], local: Comparison, total: Comparison) -> Row {
    Row {
        name: name.into(),
        kernel: "matmul".into(),
        dispatch,
        operands: operands.iter().map(|o| (*o).to_string()).collect(),
        local,
        total,
        inherited_from: None,
        digest: digest(&[dispatch as f64, 1.0]),
        reference_digest: digest(&[dispatch as f64, 2.0]),
    }
}

/// x -> h -> y -> grad.w -> w, state.0.w; in the step `broken`, h has a NaN and all below inherits.
fn step(number: usize, broken: bool) -> Step {
    let nan = compare("h", &[2, 2], &[1.0, 2.0, 3.0, 4.0], &[1.0, f64::NAN, 3.0, 4.0], &[0.5; 4]);
    let bad = |name: &str, ratio: f64| if broken { off_by(name, 100.0 * ratio) } else { off_by(name, ratio) };
    let h = if broken { nan } else { off_by("h", 0.3) };
    let mut rows = vec![
        row("x", 0, &["data"], off_by("x", 0.0), off_by("x", 0.0)),
        row("h", 1, &["x", "w"], h.clone(), h),
        row("y<1> & \"z\"|", 2, &["h"], off_by("y", 0.25), bad("y", 0.125)),
        row("grad.w", 3, &["y<1> & \"z\"|", "x"], off_by("grad.w", 0.5), bad("grad.w", 0.4)),
        row("w", 4, &["grad.w", "w"], off_by("w", 0.9), bad("w", 0.8)),
        row("state.0.w", 4, &["grad.w", "state.0.w"], off_by("s", 0.0), off_by("s", 0.7)),
    ];
    if broken {
        rows[2].inherited_from = Some("h".into());
        rows[3].inherited_from = Some(rows[2].name.clone());
        rows[4].inherited_from = Some("grad.w".into());
    }
    let drift = Drift { device: 1e-9 * number as f64, cpu_f32: 2e-9 * number as f64 };
    Step { step: number, loss_expected: 2.25, loss_found: if broken { f64::NAN } else { 2.25 }, rows, drift }
}

fn verdict(steps: usize, broken: Option<usize>, slack: f64) -> Verdict {
    let steps: Vec<Step> = (1..=steps).map(|n| step(n, Some(n) == broken)).collect();
    let passed = steps.iter().all(|s| s.rows.iter().all(Row::passed));
    Verdict { device: DEVICE.into(), reference: "cpu (f64)".into(), passed, slack, steps }
}

/// Renders, checks what every page must hold, and gives the page to `look`.
fn page(name: &str, verdict: &Verdict, look: impl Fn(&str, &Document<'_>)) {
    let html = html::render(verdict, "a<b>&.toml");
    if let Some(folder) = std::env::var_os("WGRAD_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join(format!("verify_{name}.html")), &html).unwrap();
    }
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(&html, options) {
        Ok(document) => document,
        Err(e) => panic!("{name}: not well-formed: {e}"),
    };
    for node in document.descendants().filter(Node::is_element) {
        let tag = node.tag_name().name();
        assert!(!["script", "link", "img", "iframe", "object", "image", "use"].contains(&tag), "{name}: element {tag}");
        for a in node.attributes() {
            assert!(!["src", "href"].contains(&a.name()) && !a.name().starts_with("on"), "{name}: {}", a.name());
            let drawn = ["d", "style", "viewBox", "x", "y", "width", "height"].contains(&a.name());
            let number = !["NaN", "inf", "url("].iter().any(|word| a.value().contains(word));
            assert!(!drawn || number, "{name}: {}=\"{}\"", a.name(), a.value());
        }
    }
    assert!(html.len() < 2_000_000, "{name}: {} bytes", html.len());
    look(&html, &document);
}

fn of_class<'a, 'i>(document: &'a Document<'i>, class: &'a str) -> Vec<Node<'a, 'i>> {
    let has = |n: &Node<'_, '_>| n.attribute("class").is_some_and(|c| c.split(' ').any(|c| c == class));
    document.descendants().filter(has).collect()
}

fn text(node: &Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|n| n.text()).collect()
}

/// Names and classes of the graph's nodes.
fn nodes(document: &Document<'_>) -> Vec<(String, String)> {
    let name = |g: &Node<'_, '_>| g.children().find(|c| c.attribute("class") == Some("name")).map(|c| text(&c));
    let of = of_class(document, "node").into_iter();
    of.map(|g| (name(&g).unwrap(), g.attribute("class").unwrap().replace("node ", ""))).collect()
}

#[test]
fn the_page_shows_a_failure() {
    page("failed", &verdict(3, Some(2), 1.0), |html, document| {
        assert_eq!(of_class(document, "badge").iter().map(text).collect::<Vec<_>>(), ["FAILED"]);
        let banner = text(&of_class(document, "fault")[0]);
        assert!(banner.contains("the first node at fault is h (kernel matmul) in step 2"), "{banner}");
        assert!(banner.contains("slack 1") && of_class(document, "slack").is_empty());
        let expected = ["passed", "failed first", "inherited", "inherited", "inherited", "passed"];
        let names = ["x", "h", "y<1> & \"z\"|", "grad.w", "w", "state.0.w"];
        let expected = names.iter().zip(expected).map(|(n, c)| ((*n).to_string(), c.to_string()));
        assert_eq!(nodes(document), expected.collect::<Vec<_>>());
        // h from x; y from h; grad.w from y and x; w and state.0.w, as one stack, from grad.w. Three carry the fault.
        assert_eq!(of_class(document, "edge").len(), 5);
        assert_eq!(of_class(document, "carries").len(), 3);
        assert!(html.contains("ratio infinite") && html.contains("<td>NaN</td>"), "the NaN and its ratio");
        // Step 1 is the first, 2 the worst and at fault, 3 the last: six values each, two lines a value.
        assert_eq!(of_class(document, "side").len(), 3 * 6 * 2);
        assert_eq!(of_class(document, "why").len(), 4);
        let curves = of_class(document, "line");
        assert!(curves.len() == 2 && curves.iter().all(|c| c.attribute("d").unwrap().matches('L').count() == 2));
    });
}

#[test]
fn the_page_shows_that_all_passed() {
    page("passed", &verdict(1, None, 1.0), |_, document| {
        assert_eq!(of_class(document, "badge").iter().map(text).collect::<Vec<_>>(), ["passed"]);
        assert!(nodes(document).iter().all(|n| n.1 == "passed"));
        for class in ["fault", "why", "slack", "carries", "plot"] {
            assert!(of_class(document, class).is_empty(), "{class}");
        }
        let lead = text(&of_class(document, "lead")[0]);
        assert!(lead.contains("llvm<pipe> & \"Sub|zero\" `1`\u{FFFD}_*") && lead.contains("slack 1"), "{lead}");
        let title = document.descendants().find(|n| n.has_tag_name("title")).unwrap();
        assert_eq!(text(&title), "a<b>&.toml · wgrad verify");
    });
}

#[test]
fn slack_is_loud_in_the_page() {
    for (slack, words) in [(2.5, "bounds WIDENED by slack 2.5"), (0.5, "bounds TIGHTENED by slack 0.5")] {
        page("slack", &verdict(1, None, slack), |_, document| {
            let banner = text(&of_class(document, "slack")[0]);
            assert!(banner.contains(words), "{banner}");
        });
    }
}

#[test]
fn many_steps_and_many_values_stay_small() {
    page("many_steps", &verdict(10_000, Some(4711), 1.0), |html, document| {
        assert!(html.contains("4711"));
        assert_eq!(of_class(document, "side").len(), 3 * 6 * 2, "first, worst and last");
    });
    let mut large = verdict(2, Some(2), 1.0);
    for step in &mut large.steps {
        let more = (0..3000).map(|i| row(&format!("v{i}"), 5 + i, &["w"], off_by("v", 0.2), off_by("v", 0.1)));
        step.rows.extend(more);
    }
    page("many_values", &large, |html, document| {
        assert_eq!(of_class(document, "why").len(), 4, "what fails is listed whatever its place");
        assert!(html.contains("too many for a picture"));
    });
    page("nothing", &Verdict { steps: vec![], ..verdict(1, None, 1.0) }, |_, _| {});
}

#[test]
fn junit_is_well_formed_and_complete() {
    let verdict = verdict(3, Some(2), 2.0);
    let xml = report::junit(&verdict);
    let document = Document::parse(&xml).unwrap();
    let suite = document.root_element();
    assert_eq!(suite.tag_name().name(), "testsuite");
    assert_eq!((suite.attribute("tests"), suite.attribute("failures")), (Some("18"), Some("4")));
    assert!(suite.attribute("name").unwrap().ends_with("bounds WIDENED by slack 2"));
    let property = |name: &str| {
        let mut all = document.descendants().filter(|n| n.has_tag_name("property"));
        all.find(|n| n.attribute("name") == Some(name)).and_then(|n| n.attribute("value"))
    };
    assert_eq!(property("slack"), Some("2"));
    assert_eq!(property("device"), Some("llvm<pipe> & \"Sub|zero\" `1`\u{FFFD}_*"));
    let cases: Vec<Node<'_, '_>> = document.descendants().filter(|n| n.has_tag_name("testcase")).collect();
    let rows = verdict.steps.iter().flat_map(|s| s.rows.iter().map(move |r| (s.step, r)));
    assert_eq!(cases.len(), 18);
    for (case, (step, row)) in cases.iter().zip(rows) {
        assert_eq!(case.attribute("name"), Some(row.name.as_str()));
        assert_eq!(case.attribute("classname"), Some(format!("step {step}").as_str()));
        let failure = case.children().find(|n| n.has_tag_name("failure"));
        assert_eq!(failure.is_some(), !row.passed(), "{}", row.name);
        let message = failure.and_then(|f| f.attribute("message")).unwrap_or_default();
        assert!(row.passed() || message.contains(&row.fault().unwrap()), "{message}");
    }
}

/// The cells of a Markdown table's line: split at bars that no backslash precedes.
fn cells(line: &str) -> Vec<String> {
    let line = line.replace("\\|", "\u{1}");
    let inner = line.strip_prefix('|').and_then(|l| l.strip_suffix('|')).unwrap_or_else(|| panic!("{line}"));
    inner.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// The tables of a Markdown text; every line has as many cells as its head.
fn tables(markdown: &str) -> Vec<Vec<Vec<String>>> {
    let lines: Vec<&str> = markdown.lines().collect();
    let blocks = lines.split(|l| !l.starts_with('|')).filter(|b| !b.is_empty());
    blocks
        .map(|block| {
            let table: Vec<Vec<String>> = block.iter().map(|l| cells(l)).collect();
            assert!(table.iter().all(|r| r.len() == table[0].len()), "{block:#?}");
            assert!(table[1].iter().all(|c| c.trim_matches(':').chars().all(|c| c == '-')), "{:?}", table[1]);
            table
        })
        .collect()
}

#[test]
fn the_markdown_table_holds_together() {
    let markdown = report::markdown(&verdict(3, Some(2), 2.0));
    assert!(markdown.contains("bounds WIDENED by slack 2"), "{markdown}");
    assert!(markdown.contains("llvm\\<pipe> & \"Sub\\|zero\" \\`1\\` \\_\\*"), "{markdown}");
    let table = &tables(&markdown)[0];
    assert_eq!(table.len(), 2 + 18);
    let marks: Vec<&str> = table[2..].iter().map(|r| r.last().unwrap().as_str()).collect();
    assert_eq!(marks.iter().filter(|m| m.starts_with("**FAILED**")).count(), 4);
    assert_eq!(marks[6..9], ["ok", "**FAILED**", "**FAILED**, inherited from `h`"]);
    assert_eq!(table[2 + 8][1], "`y<1> & \"z\"|`");
    assert_eq!(tables(&report::markdown(&verdict(1, None, 1.0)))[0].len(), 2 + 6);
    let long = report::markdown(&verdict(10_000, Some(4711), 1.0));
    assert!(long.len() < 1_000_000 && long.contains("9997 further steps") && long.contains("FAILED"));
}

#[test]
fn the_text_says_what_failed_and_the_slack() {
    let failed = report::text(&verdict(2, Some(2), 1.0));
    assert_eq!(failed.matches(" FAILED\n").count(), 4, "{failed}");
    assert!(failed.contains("inherited from h: element 1 lies outside its bound"), "{failed}");
    assert!(failed.contains("element 1 is not finite: expected 2e0, found NaN"), "{failed}");
    assert!(failed.lines().last().unwrap().starts_with("FAILED: ") && failed.ends_with("slack 1"), "{failed}");
    let passed = report::text(&verdict(9, None, 3.0));
    let last = passed.lines().last().unwrap();
    assert!(last.starts_with("passed: ") && last.contains("54 values in 9 steps, largest error/bound 0.9"), "{last}");
    assert!(last.ends_with("bounds WIDENED by slack 3"), "{last}");
}

#[test]
fn json_comes_back_as_the_same_verdict() {
    let verdict = verdict(3, Some(2), 2.0);
    let json = serde_json::to_string(&verdict).unwrap();
    let back: Verdict = serde_json::from_str(&json).unwrap();
    // Not `==`: there is a NaN in it.
    assert_eq!(format!("{back:?}"), format!("{verdict:?}"));
    let raw: serde_json::Value = serde_json::from_str(&json).unwrap();
    let h = &raw["steps"][1]["rows"][1];
    assert_eq!(
        (h["local"]["max_ratio"].as_str(), h["local"]["worst"]["found"].as_str()),
        (Some("Infinity"), Some("NaN"))
    );
    assert_eq!((raw["passed"].as_bool(), raw["slack"].as_f64()), (Some(false), Some(2.0)));
    assert_eq!(h["digest"].as_str(), Some(verdict.steps[1].rows[1].digest.as_str()));
}

fn entry(label: &str, verdict: Verdict) -> Entry {
    Entry { label: label.into(), name: verdict.device.clone(), outcome: Ok(verdict) }
}

/// The CPU, a device with its bits, one that differs from the third value on and fails in step 2, and one that crashed.
fn devices() -> Vec<Entry> {
    let mut other = verdict(2, Some(2), 1.0);
    other.steps.iter_mut().for_each(|s| s.rows[2].digest = digest(&[77.0]));
    let crashed = Entry { label: "2".into(), name: "Crashing | GPU".into(), outcome: Err("signal: 11".into()) };
    vec![entry("cpu", verdict(2, None, 1.0)), entry("0", verdict(2, None, 1.0)), entry("1", other), crashed]
}

#[test]
fn the_matrix_finds_who_differs_and_where_first() {
    let matrix = Matrix::new(&devices(), 1.0);
    assert!(!matrix.passed);
    let passed: Vec<(&str, bool)> = matrix.columns.iter().map(|c| (c.label.as_str(), c.passed)).collect();
    assert_eq!(passed, [("f64", true), ("cpu", true), ("0", true), ("1", false), ("2", false)]);
    assert_eq!(matrix.values.len(), 12);
    assert_eq!(matrix.values[0].groups, [vec!["f64"], vec!["cpu", "0", "1"]]);
    assert_eq!(matrix.values[2].groups, [vec!["f64"], vec!["cpu", "0"], vec!["1"]]);
    assert!(matrix.values.iter().all(|v| v.digests.len() == 5 && v.digests[4].is_none()));
    let pair = |a: &str, b: &str| matrix.pairs.iter().find(|p| p.a == a && p.b == b).unwrap();
    assert_eq!((pair("cpu", "0").equal, &pair("cpu", "0").first_difference), (12, &None));
    assert_eq!((pair("cpu", "1").equal, pair("cpu", "1").compared), (10, 12));
    let first = pair("0", "1").first_difference.as_ref().unwrap();
    assert_eq!((first.step, first.name.as_str()), (1, "y<1> & \"z\"|"));
    assert_eq!(pair("f64", "cpu").first_difference.as_ref().unwrap().name, "x");
    assert!(!matrix.pairs.iter().any(|p| p.b == "2"), "a device without values has no pairs");
    let json = serde_json::to_string(&matrix).unwrap();
    assert_eq!(serde_json::from_str::<Matrix>(&json).unwrap(), matrix);
}

#[test]
fn bits_that_differ_are_no_failure() {
    let mut other = verdict(2, None, 1.0);
    other.steps[0].rows[0].digest = digest(&[5.0]);
    let matrix = Matrix::new(&[entry("cpu", verdict(2, None, 1.0)), entry("0", other)], 1.0);
    assert!(matrix.passed && matrix.values[0].groups.len() == 3);
    assert!(matrix::text(&matrix).ends_with("passed: all 2 devices, slack 1"));
}

#[test]
fn the_matrix_is_shown_in_text_and_markdown() {
    let matrix = Matrix::new(&devices(), 2.0);
    let text = matrix::text(&matrix);
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("FAILED: 2 of 4 devices (") && last.ends_with("bounds WIDENED by slack 2"), "{last}");
    assert!(text.contains("FAILED: no verdict: signal: 11") && text.contains("f64 / cpu = 0 / 1"), "{text}");
    assert!(text.contains("FAILED: the first node at fault is h (kernel matmul) in step 2"), "{text}");
    let markdown = matrix::markdown(&matrix);
    let tables = tables(&markdown);
    assert_eq!((tables[0].len(), tables[1].len()), (2 + 5, 2 + 12), "{markdown}");
    assert_eq!(tables[0][2 + 4][1], "Crashing | GPU");
    assert!(markdown.contains("bounds WIDENED by slack 2"));
    let empty = Matrix::new(&[devices().remove(3)], 1.0);
    assert!(!empty.passed && matrix::text(&empty).contains("signal: 11"));
}
