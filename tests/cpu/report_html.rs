//! The run's HTML page: well-formed, escaped, self-contained, and right in its numbers.
//!
//! `WGRAD_PAGES=folder cargo test --test cpu report_html::` also writes every page tested, to be looked at in a browser.

use roxmltree::{Document, Node, ParsingOptions};
use wgrad::report::{
    ClassScores, Confusion, Counters, DeviceReport, EpochHistograms, EpochRecord, Histogram, KernelTime, Misread,
    Outcome, Picture, Portrait, Reconstruction, Recovery, RunReport, Surface, SurfacePoint, TensorHistogram, Times,
    html,
};

const SPEC: &str = "[data]\ntrain = \"data/digits.csv\"\ntarget = \"label\"\nvalidation = 0.2\nscale = \"standard\"\n
[[model.layers]]\ndense = 32\nactivation = \"sigmoid\"\n\n[[model.layers]]\ndense = 10\n
[train]\nloss = \"cross_entropy\"\noptimizer = { sgd = { lr = 0.1, momentum = 0.9 } }\nbatch_size = 32\nepochs = 30\nseed = 1\n";

/// Steps in an epoch of the made-up run.
const PER_EPOCH: usize = 45;

fn device() -> DeviceReport {
    DeviceReport {
        kind: "gpu".into(),
        name: "llvmpipe (LLVM 19.1.7, 256 bits)".into(),
        backend: "Vulkan".into(),
        driver: "llvmpipe, Mesa 25.0.7".into(),
        reason: "asked for by its name, llvmpipe".into(),
    }
}

/// Nearly all right, and some digits taken for others.
fn counts() -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; 10]; 10];
    (0..10).for_each(|i| counts[i][i] = 33 + i as u64 % 4);
    for (t, p, n) in [(8, 1, 3), (9, 3, 1), (4, 7, 1), (3, 8, 2), (1, 8, 1), (9, 5, 1)] {
        counts[t][p] = n;
    }
    counts
}

/// The fractional part of multiples of the golden ratio: spread evenly, the same in every run.
fn noise(i: usize) -> f64 {
    (i as f64 * 0.618_033_988_75).fract() - 0.5
}

/// A made-up run on ten classes.
fn digits(epochs: usize) -> RunReport {
    let decay = |step: usize| 0.04 + 2.3 * (-(step as f64) / 120.0).exp() + 0.2 / (1.0 + step as f64 / 60.0);
    let records = (1..=epochs).map(|epoch| EpochRecord {
        epoch,
        step: epoch * PER_EPOCH,
        train_loss: decay(epoch * PER_EPOCH - PER_EPOCH / 2),
        validation_loss: Some(decay(epoch * PER_EPOCH) * 1.1 + 0.05 + 0.01 * noise(epoch)),
        validation_accuracy: Some(0.975 - 0.9 * (-(epoch as f64) / 2.4).exp() + 0.004 * noise(epoch)),
        lr: Some(0.1),
        seconds: 0.0121,
        samples_per_second: 118_800.0,
        ..EpochRecord::default()
    });
    let counts = counts();
    let steps = epochs * PER_EPOCH;
    RunReport {
        version: "0.1.0".into(),
        spec_name: "digits.toml".into(),
        spec_toml: SPEC.into(),
        device: device(),
        layers: vec!["64 -> 32 sigmoid".into(), "32 -> 10 identity".into()],
        loss: "cross_entropy".into(),
        parameters: 2410,
        memory_bytes: 615_000,
        train_rows: 1437,
        validation_rows: 360,
        data_file_bytes: 3 << 20,
        data_file_folder: "runs".into(),
        skipped_rows: 12,
        skipped: vec!["d.csv:7, column \"a\": expected a number, found \"<b>\"".into()],
        batch_size: 32,
        epochs_planned: epochs,
        outcome: Outcome::Finished,
        epochs: records.collect(),
        step_losses: (0..steps).map(|s| (decay(s) * (1.0 + 0.7 * noise(s))) as f32).collect(),
        confusion: Some(Confusion { classes: (0..10).map(|i| i.to_string()).collect(), counts }),
        counters: Counters {
            steps: steps as u64,
            submits: 14,
            dispatches: 9 * steps as u64,
            read_backs: 14,
            bytes_up: 402_000,
            bytes_down: 5_400,
            host_ns: 9_300_000,
            submit_ns: 4_100_000,
            tables_ns: 1_200_000,
            data_ns: 2_000_000,
            wait_ns: 300_000_000,
            device_ns: 320_000_000,
        },
        times: Times {
            wall: 0.41,
            shuffle: 0.004,
            tables: 0.0012,
            data: 0.002,
            encode: 0.0052,
            submit: 0.0041,
            device: 0.3,
            losses: 0.01,
            evaluate: 0.05,
            save: 0.03,
        },
        train_seconds: 0.363,
        ..RunReport::default()
    }
}

fn parsed(html: &str) -> Result<Document<'_>, roxmltree::Error> {
    Document::parse_with_options(html, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
}

/// Renders, checks what every page must hold, and gives the page to `look`.
fn page(name: &str, report: &RunReport, look: impl Fn(&str, &Document<'_>)) {
    let html = html::render(report);
    if let Some(folder) = std::env::var_os("WGRAD_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), &html).unwrap();
    }
    let document = match parsed(&html) {
        Ok(document) => document,
        Err(e) => panic!("{name}: not well-formed: {e}"),
    };
    assert_eq!(faults(&document), Vec::<String>::new(), "{name}");
    assert!(html.len() < 1_000_000, "{name}: {} bytes", html.len());
    look(&html, &document);
}

/// What must not be in any page: something that loads or runs, or a coordinate that is no number.
fn faults(document: &Document<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for node in document.descendants().filter(Node::is_element) {
        let tag = node.tag_name().name();
        if ["script", "link", "img", "iframe", "object", "embed", "image", "use"].contains(&tag) {
            faults.push(format!("element {tag}"));
        }
        for attribute in node.attributes() {
            let (key, text) = (attribute.name(), attribute.value());
            if ["src", "href", "srcset", "action", "data"].contains(&key) || key.starts_with("on") {
                faults.push(format!("attribute {key} of {tag}"));
            }
            let drawn = ["d", "style", "viewBox"].contains(&key);
            if drawn && ["NaN", "nan", "inf", "url("].iter().any(|word| text.contains(word)) {
                faults.push(format!("{key}=\"{text}\""));
            }
        }
        let css = if tag == "style" { node.text().unwrap_or("") } else { "" };
        if ["@import", "url(", "http"].iter().any(|word| css.contains(word)) {
            faults.push("style sheet that loads something".into());
        }
    }
    faults
}

/// Elements of a class.
fn of_class<'a, 'i>(document: &'a Document<'i>, class: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    let has = move |n: &Node<'_, '_>| n.attribute("class").is_some_and(|c| c.split(' ').any(|c| c == class));
    document.descendants().filter(has)
}

/// All text below a node.
fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|n| n.text()).collect()
}

/// The figure on the card of that label.
fn card(document: &Document<'_>, label: &str) -> Option<String> {
    let card = of_class(document, "figure").find(|card| card.children().any(|c| text(c) == label))?;
    card.children().find(|c| c.attribute("class") == Some("number")).map(text)
}

#[test]
fn a_whole_run_shows_its_numbers() {
    let report = digits(30);
    page("digits", &report, |html, document| {
        let last = report.epochs.last().unwrap();
        let accuracy = format!("{:.2} %", last.validation_accuracy.unwrap() * 100.0);
        assert_eq!(card(document, "Validation accuracy"), Some(accuracy));
        assert_eq!(card(document, "Parameters").as_deref(), Some("2,410"));
        assert_eq!(card(document, "Throughput").as_deref(), Some("118,800"));
        assert_eq!(card(document, "Training time").as_deref(), Some("363 ms"));
        assert_eq!(card(document, "Steps").as_deref(), Some("1,350"));
        assert_eq!(card(document, "Submits").as_deref(), Some("14"));
        assert!(html.contains("6.89 µs a step"), "9.3 ms over 1,350 steps");
        assert!(html.contains("one in 96.4 steps") && html.contains("9 a step"), "14 submits, 12,150 dispatches");
        assert_eq!(of_class(document, "chart").count(), 2);
        for class in ["step", "train", "validation", "accuracy"] {
            assert!(of_class(document, class).any(|n| n.has_tag_name("path")), "{class}");
        }
        assert!(text(document.root()).contains(SPEC));
        for part in ["llvmpipe, Mesa 25.0.7", "Vulkan", "asked for by its name, llvmpipe", "64 → 32 sigmoid"] {
            assert!(html.contains(part), "{part}");
        }
    });
}

#[test]
fn the_matrix_holds_every_count_in_its_place() {
    let report = digits(3);
    page("matrix", &report, |_, document| {
        let table = of_class(document, "heat").next().unwrap();
        let body = table.children().find(|n| n.has_tag_name("tbody")).unwrap();
        let rows: Vec<_> = body.children().filter(|n| n.has_tag_name("tr")).collect();
        let confusion = report.confusion.as_ref().unwrap();
        assert_eq!(rows.len(), 10);
        for (t, row) in rows.into_iter().enumerate() {
            let cells: Vec<String> = row.children().filter(|n| n.is_element()).map(text).collect();
            assert_eq!(cells[0], confusion.classes[t]);
            let counts: Vec<u64> = cells[1..11].iter().map(|c| c.parse().unwrap()).collect();
            assert_eq!(counts, confusion.counts[t]);
            let total: u64 = counts.iter().sum();
            assert_eq!(cells[11], total.to_string());
            assert_eq!(cells[12], format!("{:.2} %", counts[t] as f64 / total as f64 * 100.0));
        }
    });
}

#[test]
fn every_text_is_escaped() {
    let evil = "</pre><script>alert(1)</script>\"'&\u{0}\u{1b}[31m http://example.com/x.js <img src=x>";
    let mut report = digits(2);
    report.version = evil.into();
    report.spec_name = evil.into();
    report.spec_toml = evil.into();
    report.loss = evil.into();
    report.layers = vec![evil.into()];
    report.outcome = Outcome::Failed(evil.into());
    report.device = DeviceReport {
        kind: evil.into(),
        name: evil.into(),
        backend: evil.into(),
        driver: evil.into(),
        reason: evil.into(),
    };
    report.confusion.as_mut().unwrap().classes[0] = evil.into();
    page("escaping", &report, |html, document| {
        assert!(!html.contains("<script") && !html.contains("<img"));
        let shown = evil.replace(['\u{0}', '\u{1b}'], "\u{FFFD}");
        let spec = document.descendants().find(|n| n.has_tag_name("pre")).unwrap();
        assert_eq!(text(spec), shown, "escaped once, not twice");
    });
}

#[test]
fn devices_that_were_lost_are_told() {
    let mut report = digits(3);
    let recovery = Recovery { step: 70, from_step: 45, device: "a <card>".into(), message: "gone".into() };
    report.recoveries = vec![recovery];
    page("lost", &report, |html, _| {
        assert!(html.contains("lost after step 70; the run went on from step 45 on a &lt;card&gt;."), "{html}");
    });
}

#[test]
fn values_that_are_not_finite_become_gaps() {
    let mut report = digits(12);
    report.step_losses[100] = f32::NAN;
    report.step_losses[200] = f32::INFINITY;
    report.epochs[5].train_loss = f64::NAN;
    report.epochs[7].validation_loss = Some(f64::NEG_INFINITY);
    report.epochs[8].validation_accuracy = Some(f64::NAN);
    report.outcome = Outcome::Failed("the loss became NaN at step 540 (epoch 12): training stopped.".into());
    page("gaps", &report, |html, document| {
        let line = |class: &str| {
            let path = of_class(document, "line").find(|n| n.attribute("class").unwrap().ends_with(class)).unwrap();
            path.attribute("d").unwrap().matches('M').count()
        };
        assert_eq!([line("step"), line("train"), line("validation"), line("accuracy")], [3, 2, 2, 2]);
        assert!(html.contains("4 values that are no finite number are left out"));
        assert!(html.contains("the loss became NaN at step 540"));
    });
    report.step_losses.fill(f32::NAN);
    report.epochs.iter_mut().for_each(|e| (e.train_loss, e.validation_loss) = (f64::NAN, Some(f64::NAN)));
    page("nothing_finite", &report, |_, document| assert!(of_class(document, "line").count() <= 1));
}

#[test]
fn short_and_partial_runs_have_a_page() {
    page("empty", &RunReport::default(), |html, _| assert!(html.contains("No step was done")));
    page("one_epoch", &digits(1), |_, document| assert!(of_class(document, "dots").count() >= 3));

    let mut regression = digits(8);
    regression.confusion = None;
    regression.validation_rows = 0;
    regression.epochs.iter_mut().for_each(|e| (e.validation_loss, e.validation_accuracy) = (None, None));
    page("no_validation", &regression, |html, document| {
        assert_eq!(of_class(document, "chart").count(), 1);
        assert_eq!(card(document, "Validation accuracy"), None);
        assert!(html.contains("no validation rows") && !html.contains("Confusion"));
    });

    let mut interrupted = digits(1);
    (interrupted.epochs, interrupted.confusion) = (Vec::new(), None);
    interrupted.step_losses.truncate(17);
    interrupted.counters = Counters::default();
    (interrupted.outcome, interrupted.epochs_planned) = (Outcome::Interrupted, 30);
    page("interrupted_in_first_epoch", &interrupted, |html, document| {
        assert!(html.contains("0 of 30 epochs"));
        let x = document.descendants().find(|n| n.attribute("class") == Some("axis x")).unwrap();
        assert_eq!(text(x), "step");
        assert_eq!(card(document, "Steps").as_deref(), Some("17"));
    });
    interrupted.step_losses.clear();
    page("interrupted_at_once", &interrupted, |html, _| assert!(html.contains("No step was done")));
}

#[test]
fn a_resumed_run_starts_where_it_went_on() {
    let mut resumed = digits(20);
    resumed.epochs.drain(..10);
    resumed.step_losses.drain(..10 * PER_EPOCH);
    resumed.first_step = 10 * PER_EPOCH;
    page("resumed", &resumed, |html, document| {
        let ticks: Vec<String> = of_class(document, "x-tick").map(text).collect();
        assert_eq!(ticks.first().map(String::as_str), Some("10"), "{ticks:?}");
        assert!(html.contains("resumed at step 450"));
        assert_eq!(card(document, "Steps").as_deref(), Some("900"));
    });
}

#[test]
fn large_runs_stay_small_files() {
    let mut report = digits(2_223);
    report.step_losses.truncate(100_000);
    report.step_losses[55_555] = 40.0;
    let classes: Vec<String> = (0..30).map(|i| format!("class {i} {}", "of a very long name ".repeat(i % 7))).collect();
    let counts = (0..30).map(|t| (0..30).map(|p| if t == p { 900 } else { t * p % 11 }).collect()).collect();
    report.confusion = Some(Confusion { classes, counts });
    page("large", &report, |html, document| {
        assert!(html.len() < 500_000, "{} bytes", html.len());
        assert_eq!(of_class(document, "heat").count(), 1);
        assert!(html.contains("every 12th shown"));
    });
    let classes: Vec<String> = (0..500).map(|i| format!("c{i}")).collect();
    let counts = (0..500).map(|t| (0..500).map(|p| u64::from(t == p) * 9 + u64::from(p == 0)).collect()).collect();
    report.confusion = Some(Confusion { classes, counts });
    page("many_classes", &report, |html, document| {
        assert_eq!(of_class(document, "heat").count(), 0);
        assert!(html.contains("500 classes"));
    });
}

#[test]
fn the_checks_of_this_file_can_fail() {
    for bad in [
        "<p><script>1</script></p>",
        "<p><a href=\"http://example.com\">x</a></p>",
        "<p onclick=\"x()\"/>",
        "<path d=\"M0 NaN\"/>",
        "<style>@import 'x.css';</style>",
        "<style>p { background: url(x.png); }</style>",
    ] {
        assert_eq!(faults(&Document::parse(bad).unwrap()).len(), 1, "{bad}");
    }
    assert!(Document::parse("<p><b></p></b>").is_err());
}

/// A report with everything that may come from a file, and `name` wherever there is a text.
fn depicted(name: &str) -> RunReport {
    let histogram =
        |scale: f64| Histogram::of(&(0..500).map(|i| scale * (f64::from(i) * 0.37).sin()).collect::<Vec<_>>());
    let tensors = |epoch: usize| {
        let gradient = Some(histogram(1.0 / epoch as f64));
        vec![TensorHistogram { name: name.into(), values: histogram(epoch as f64), gradient }]
    };
    let picture = Picture { width: 8, pixels: (0..64).map(|i| i * 4).collect() };
    let points = vec![SurfacePoint { at: [0.5, 0.5], class: 1 }];
    let surface = Surface {
        columns: [name.into(), name.into()],
        ranges: [[0.0, 1.0], [-2.0, 3.0]],
        side: 2,
        class: vec![0, 1, 1, 0],
        level: vec![0, 3, 7, 7],
        classes: vec![name.into(), "b".into()],
        numbers: None,
        points,
    };
    let (truth, predicted) = (name.to_string(), name.to_string());
    RunReport {
        histograms: [1, 5, 9].map(|epoch| EpochHistograms { epoch, step: epoch, tensors: tensors(epoch) }).to_vec(),
        kernels: vec![KernelTime { kernel: name.into(), label: name.into(), time_us: 12.5 }],
        classes: vec![ClassScores { class: name.into(), rows: 7, roc_auc: None, ..ClassScores::default() }],
        shapes: vec![("layers.0.weight".into(), vec![32, 64])],
        portrait: Portrait {
            rows: 1,
            validation: true,
            worst: vec![Misread { row: 3, picture: picture.clone(), truth, predicted, score: f64::NAN }],
            reconstructions: vec![Reconstruction { target: picture.clone(), output: picture }],
            surface: Some(surface),
        },
        ..digits(30)
    }
}

#[test]
fn pictures_and_distributions_are_drawn() {
    page("depicted", &depicted("a<b>&\"c'\u{0}"), |html, document| {
        for title in ["Worst classified", "Reconstructions", "Decision surface", "Parameters and gradients"] {
            assert!(document.descendants().any(|n| n.has_tag_name("h2") && text(n) == title), "{title}");
        }
        assert_eq!(of_class(document, "picture").count(), 3);
        assert_eq!(of_class(document, "ridge").count(), 6, "three epochs, values and gradients");
        assert_eq!(of_class(document, "cell").count(), 4);
        assert!(!html.contains("a<b>"));
    });
}

#[test]
fn a_damaged_portrait_leaves_a_page_without_it() {
    let mut report = depicted("a");
    let surface = report.portrait.surface.as_mut().unwrap();
    surface.class.pop();
    report.portrait.worst[0].picture.width = 0;
    report.portrait.reconstructions[0].target.pixels.truncate(13);
    report.kernels[0].time_us = f64::NAN;
    report.histograms[0].tensors[0].values.low = f64::NAN;
    report.histograms[1].tensors[0].values.counts.clear();
    report.histograms[2].tensors.clear();
    page("damaged", &report, |html, _| assert!(!html.contains("Decision surface")));
    let mut report = depicted("a");
    report.portrait.surface.as_mut().unwrap().ranges[0] = [-1e308, 1e308];
    report.histograms[2].tensors[0].values.high = 1e308;
    report.histograms[2].tensors[0].values.low = -1e308;
    report.histograms[0].tensors[0].values.counts = vec![u64::MAX; 3];
    page("huge", &report, |html, _| assert!(!html.contains("Decision surface")));
}

#[test]
fn the_page_of_several_runs_has_a_curve_of_each() {
    let mut second = digits(12);
    second.spec_toml = SPEC.replace("dense = 32", "dense = 16");
    let runs =
        [("a<b>\u{1}".to_string(), digits(30)), ("second".to_string(), second), ("empty".into(), RunReport::default())];
    let html = wgrad::report::html::compare(&runs);
    let document = parsed(&html).unwrap();
    assert_eq!(faults(&document), Vec::<String>::new());
    assert_eq!(of_class(&document, "chart").count(), 3, "validation loss, training loss, accuracy");
    for class in ["c0", "c1"] {
        let lines = of_class(&document, "line").filter(|n| n.attribute("class").unwrap().ends_with(class));
        assert_eq!(lines.count(), 3, "{class}");
    }
    assert!(html.contains("model.layers[0].dense") && html.contains("a&lt;b&gt;"));
    assert!(html.len() < 200_000);
}

#[test]
fn shares_are_by_row_and_by_column() {
    let confusion = Confusion { classes: vec!["a".into(), "b".into()], counts: vec![vec![3, 1], vec![0, 4]] };
    let html = html::render(&RunReport { confusion: Some(confusion), ..RunReport::default() });
    assert!(html.contains("7 of 8 validation rows are classified right (87.50 %)"), "{html}");
    assert!(html.contains("75.00 %"), "recall of a: 3 of 4");
    assert!(html.contains("<td class=\"sum\">80 %</td>"), "precision of b: 4 of 5");
    assert!(html.contains("<b>a</b> taken for <b>b</b>: 1"));
}

#[test]
fn a_malformed_matrix_is_read_as_zeros() {
    let page = |confusion| html::render(&RunReport { confusion: Some(confusion), ..RunReport::default() });
    assert!(page(Confusion { classes: vec!["a".into(), "b".into()], counts: vec![vec![3]] }).contains("3 of 3"));
    let nothing = html::render(&RunReport::default());
    assert_eq!(page(Confusion::default()), nothing, "a matrix without a row has no section");
}

#[test]
fn shapes_stand_with_their_layer() {
    let shapes = vec![("layers.0.weight".into(), vec![1000, 64]), ("layers.0.bias".into(), vec![1000])];
    let layers = vec!["64 -> 1000 relu".into(), "dropout 0.2".into()];
    let html = html::render(&RunReport { layers, shapes, batch_size: 32, ..RunReport::default() });
    assert!(html.contains("64 → 1000 relu<small>weight 1,000 x 64, bias 1,000</small>"), "{html}");
    assert!(html.contains("batches of 32 x 64") && html.contains("dropout 0.2</span>"), "{html}");
    // A layer is as wide as the logarithm of its outputs: 32 of 64 are known where more words follow.
    let html = html::render(&RunReport { layers: vec!["64 -> 32, no bias".into()], ..RunReport::default() });
    assert!(html.contains("batches of 0 x 64") && html.contains("width:90%\">64 → 32, no bias"), "{html}");
}

#[test]
fn runs_cover_every_pixel_that_is_not_black_once() {
    let picture = Picture { width: 3, pixels: vec![0, 255, 255, 16, 17, 0] };
    let worst = vec![Misread { picture, truth: "a <sample>".into(), ..Misread::default() }];
    let reconstructions = vec![Reconstruction::default()];
    let portrait = Portrait { worst, reconstructions, ..Portrait::default() };
    let html = html::render(&RunReport { portrait, ..RunReport::default() });
    assert!(html.contains("<path fill=\"#fff\" d=\"M1 0h2v1h-2z\"/>"), "{html}");
    assert!(html.contains("<path fill=\"#111\" d=\"M0 1h2v1h-2z\"/>"), "{html}");
    assert!(html.contains("viewBox=\"0 0 3 2\" role=\"img\" aria-label=\"true a &lt;sample&gt;, taken for"), "{html}");
    assert!(html.contains("viewBox=\"0 0 1 0\""), "an empty picture\n{html}");
}
