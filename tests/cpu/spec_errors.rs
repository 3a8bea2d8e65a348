//! Specs: what they mean, and that every fault is reported with file, line, column, finding and remedy.

use proptest::prelude::*;
use std::path::Path;
use wgrad::data::Scale;
use wgrad::graph::{Activation, Adagrad, Adam, Clip, Loss, OneCycle, Optimizer, Plateau, Policy, RmsProp, Schedule};
use wgrad::nn::{BatchNorm, Dense, Dropout, GroupNorm, Init, Layer, LayerNorm};
use wgrad::report::Monitor;
use wgrad::spec::{
    CheckpointSpec, ClassWeights, DataFile, DataSpec, EarlyStopping, ModelSpec, Reading, ScheduleSpec, Spec, TrainSpec,
    Unit, Validation,
};

const WHOLE: &str = r#"[data]
train = "digits.csv"
target = "label"
validation = 0.2
scale = "standard"

[[model.layers]]
dense = 32
activation = "sigmoid"

[[model.layers]]
dense = 10

[train]
loss = "cross_entropy"
optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }
batch_size = 32
epochs = 30
seed = 1
"#;

fn parse(text: &str) -> wgrad::Result<Spec> {
    Spec::parse(text, "examples/s.toml")
}

/// The spec above with its first `from` replaced by `to`.
fn edited(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "`{from}` is not in the spec: the test would not test anything");
    WHOLE.replacen(from, to, 1)
}

/// Asserts that the spec with `from` replaced by `to` is refused at `place`, in words that contain `parts`.
#[track_caller]
fn refused(from: &str, to: &str, place: &str, parts: &[&str]) {
    refused_text(&edited(from, to), place, parts);
}

#[track_caller]
fn refused_text(text: &str, place: &str, parts: &[&str]) {
    let message = parse(text).expect_err("the spec was accepted").to_string();
    assert!(message.starts_with(&format!("examples/s.toml{place}: ")), "expected at {place}: {message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn a_spec_means_what_it_says() {
    let spec = parse(WHOLE).unwrap();
    assert_eq!(spec.data.train.path, Path::new("examples/digits.csv"));
    assert_eq!(spec.data.target, ["label"]);
    assert_eq!(spec.data.validation, Some(Validation::Fraction(0.2)));
    assert_eq!(spec.data.scale, Scale::Standard);
    assert_eq!(spec.model.inputs, None);
    assert_eq!(spec.model.layers[0], Layer::new(Dense::new(32), Activation::Sigmoid));
    assert_eq!(spec.model.layers[1], Layer::new(Dense::new(10), Activation::Identity));
    let optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let (loss, checkpoint) = (Loss::cross_entropy(), CheckpointSpec::default());
    let (validate_every, early_stopping, schedule) = (1, None, ScheduleSpec::default());
    let (batch_size, epochs, seed) = (32, 30, 1);
    let expected = TrainSpec {
        loss,
        class_weights: ClassWeights::Equal,
        optimizer,
        schedule,
        clip: None,
        accumulate: 1,
        batch_size,
        epochs,
        seed,
        validate_every,
        early_stopping,
        checkpoint,
    };
    assert_eq!(spec.train, expected);
    assert_eq!(spec.outputs(), 10);
    assert!(spec.warnings().is_empty());
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let text = "[data]\ntrain = '/abs/d.csv'\ntarget = ['a', 'b']\n[model]\nlayers = [{ dense = 2 }]\n\
                [train]\nloss = 'huber'\noptimizer = 'adamw'\n";
    let spec = parse(text).unwrap();
    assert_eq!(spec.data.train.path, Path::new("/abs/d.csv"));
    assert_eq!(spec.data.target, ["a", "b"]);
    assert_eq!((spec.data.validation, spec.data.scale), (None, Scale::None));
    let adam = Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
    let expected = TrainSpec {
        loss: Loss::Huber { delta: 1.0 },
        class_weights: ClassWeights::Equal,
        optimizer: Optimizer::AdamW(adam),
        schedule: ScheduleSpec::default(),
        clip: None,
        accumulate: 1,
        batch_size: 32,
        epochs: 10,
        seed: 0,
        validate_every: 1,
        early_stopping: None,
        checkpoint: CheckpointSpec { steps: 0, minutes: 1.0 },
    };
    assert_eq!(spec.train, expected);
    let plain = parse(&text.replace("adamw", "adam")).unwrap();
    assert_eq!(plain.train.optimizer, Optimizer::Adam(Adam { weight_decay: 0.0, ..adam }));
}

#[test]
fn parameters_are_read_in_each_form() {
    let spec = parse(&edited("\"sigmoid\"", "{ leaky_relu = { slope = 0.2 } }")).unwrap();
    assert_eq!(spec.model.layers[0].activation, Activation::LeakyRelu { slope: 0.2 });
    let spec = parse(&edited("\"sigmoid\"", "{ tanh = {} }")).unwrap();
    assert_eq!(spec.model.layers[0].activation, Activation::Tanh);
    let spec = parse(&edited("\"cross_entropy\"", "{ huber = { delta = 2 } }")).unwrap();
    assert_eq!(spec.train.loss, Loss::Huber { delta: 2.0 });
    let spec = parse(&edited("\"cross_entropy\"", "{ quantile = { q = 0.9 } }")).unwrap();
    assert_eq!(spec.train.loss, Loss::Quantile { q: 0.9 });
    let spec = parse(&format!(
        "{}\n[train.optimizer.sgd]\nlr = 1\n",
        edited("optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }\n", "")
    ))
    .unwrap();
    assert_eq!(spec.train.optimizer.lr(), 1.0);
    for &name in Activation::NAMES {
        let spec = parse(&edited("\"sigmoid\"", &format!("\"{name}\""))).unwrap();
        assert_eq!(spec.model.layers[0].activation, Activation::by_name(name).unwrap());
    }
    for &name in Loss::NAMES {
        let spec = parse(&edited("\"cross_entropy\"", &format!("\"{name}\""))).unwrap();
        assert_eq!(spec.train.loss, Loss::by_name(name).unwrap());
    }
    let spec = parse(&edited("validation = 0.2", "validation = \"v.csv\"")).unwrap();
    let file = DataFile::new("v.csv", Path::new("examples"));
    assert_eq!(spec.data.validation, Some(Validation::File(file)));
    assert_eq!(parse(&edited("seed = 1", "seed = 18446744073709551615")).unwrap().train.seed, u64::MAX);
    assert_eq!(
        parse(&edited("dense = 32", "dense = 0x1_0")).unwrap().model.layers[0],
        Layer::new(Dense::new(16), Activation::Sigmoid)
    );
    assert_eq!(
        parse(&edited("dense = 32", "dense = 2147483647")).unwrap().model.layers[0],
        Layer::new(Dense::new(2147483647), Activation::Sigmoid)
    );
    assert_eq!(parse(&WHOLE.replace('\n', "\r\n")).unwrap(), parse(WHOLE).unwrap());
    let checkpoint = |text: &str| parse(&edited("seed = 1", text)).unwrap().train.checkpoint;
    assert_eq!(checkpoint("checkpoint = { steps = 7 }"), CheckpointSpec { steps: 7, minutes: 1.0 });
    assert_eq!(checkpoint("[train.checkpoint]\nminutes = 0.5"), CheckpointSpec { steps: 0, minutes: 0.5 });
    assert_eq!(checkpoint("checkpoint = { steps = 0, minutes = 0 }"), CheckpointSpec { steps: 0, minutes: 0.0 });
}

#[test]
fn faults_in_the_checkpoint_section_have_a_place() {
    refused("seed = 1", "checkpoint = 5", ":19:14", &["[train.checkpoint]", "table", "found 5"]);
    refused("seed = 1", "[train.checkpoint]\nstep = 5", ":20:1", &["`step`", "[train.checkpoint]", "\"steps\""]);
    refused("seed = 1", "checkpoint.steps = -1", ":19:20", &["`steps`", "at least 0", "found -1"]);
    refused("seed = 1", "checkpoint.steps = 2147483648", ":19:20", &["`steps`", "2^31"]);
    refused("seed = 1", "checkpoint.minutes = -0.5", ":19:22", &["`minutes`", "at least 0", "found -0.5"]);
    refused("seed = 1", "checkpoint.minutes = inf", ":19:22", &["`minutes`", "finite"]);
    refused("seed = 1", "checkpoint.minutes = '1'", ":19:22", &["`minutes`", "the string \"1\""]);
}

#[test]
fn an_unknown_key_suggests_the_nearest_and_lists_all() {
    refused("epochs = 30", "epoch = 30", ":18:1", &["`epoch`", "[train]", "did you mean \"epochs\"?", "batch_size"]);
    refused("scale =", "scael =", ":5:1", &["`scael`", "[data]", "\"scale\"", "validation"]);
    refused("dense = 10", "dense = 10\nbais = true", ":13:1", &["`bais`", "layer 1", "\"bias\"", "activation"]);
    refused(
        "momentum",
        "momentun",
        ":16:33",
        &["`momentun`", "optimizer sgd", "\"momentum\"", "are lr, momentum, nesterov, weight_decay"],
    );
    refused("[train]", "[training]", ":14:2", &["`training`", "did you mean \"train\"?", "data, model, train"]);
    refused("[[model.layers]]", "[[model.layer]]", ":7:9", &["`layer`", "\"layers\""]);
    refused("\"sigmoid\"", "\"relu\"\ninit = \"he_norml\"", ":10:8", &["\"he_norml\"", "\"he_normal\""]);
    refused("\"sigmoid\"", "\"relu\"\ninit = { normal = { std = 0 } }", ":10:27", &["`std`", "above 0"]);
    refused("\"sigmoid\"", "\"relu\"\ninit = { zeros = { std = 1 } }", ":10:20", &["`std`", "no keys"]);
    refused("\"sigmoid\"", "{ relu = { slope = 1 } }", ":9:25", &["`slope`", "activation relu", "no keys"]);
    refused("\"sigmoid\"", "{ leaky_relu = { slop = 1 } }", ":9:31", &["`slop`", "\"slope\""]);
    refused("dense = 32", "dense_units = 32", ":8:1", &["`dense_units`"]);
    refused("seed = 1", "zzz = 1", ":19:1", &["`zzz`", "Known keys are loss, optimizer"]);
}

#[test]
fn a_wrong_type_says_what_was_expected_and_found() {
    refused("dense = 32", "dense = \"32\"", ":8:9", &["`dense`", "whole number", "the string \"32\""]);
    refused("dense = 32", "dense = 3.5", ":8:9", &["whole number", "3.5"]);
    refused("epochs = 30", "epochs = true", ":18:10", &["`epochs`", "true"]);
    refused("target = \"label\"", "target = 3", ":3:10", &["`target`", "column", "found 3"]);
    refused("target = \"label\"", "target = [\"a\", 3]", ":3:16", &["`target`", "found 3"]);
    refused("train = \"digits.csv\"", "train = [1]", ":2:9", &["`train`", "path", "a list"]);
    refused("0.2", "true", ":4:14", &["`validation`", "fraction", "path", "true"]);
    refused("\"standard\"", "1979-05-27", ":5:9", &["`scale`", "1979-05-27"]);
    refused("dense = 10", "dense = 10\nbias = 1", ":13:8", &["`bias`", "true or false", "found 1"]);
    refused("lr = 0.1", "lr = \"0.1\"", ":16:28", &["`lr`", "number", "the string \"0.1\""]);
    refused("\"cross_entropy\"", "3", ":15:8", &["`loss`", "found 3"]);
    refused("seed = 1", "seed = -1", ":19:8", &["`seed`", "-1"]);
    refused("seed = 1", "seed = 18446744073709551616", ":19:8", &["`seed`"]);
    let scalar = "model = 3\n[data]\ntrain = 'd'\ntarget = 't'\n[train]\nloss = 'mse'\noptimizer = 'adam'\n";
    refused_text(scalar, ":1:9", &["[model]", "table", "found 3"]);
    refused_text(
        &scalar.replace("model = 3", "model.layers = 3"),
        ":1:16",
        &["`layers`", "[[model.layers]]", "found 3"],
    );
    refused_text(&scalar.replace("model = 3", "model.layers = [3]"), ":1:17", &["layer 0", "found 3"]);
    refused_text(&scalar.replace("model = 3", "model.layers = []"), ":1:16", &["`layers`", "empty", "dense"]);
}

#[test]
fn a_layer_is_of_one_kind() {
    let spec =
        parse(&edited("dense = 10", "dropout = 0.25\nactivation = \"relu\"\n[[model.layers]]\ndense = 10")).unwrap();
    assert_eq!(spec.model.layers[1], Layer::new(Dropout { p: 0.25 }, Activation::Relu));
    assert_eq!(spec.outputs(), 10);
    let described: Vec<String> = spec.model.layers(64).unwrap().iter().map(|l| l.describe()).collect();
    assert_eq!(described, ["64 -> 32 sigmoid", "dropout 0.25 relu", "32 -> 10 identity"]);
    refused(
        "dense = 10",
        "dense = 10\ndropout = 0.5",
        ":13:11",
        &["dense, dropout, layer_norm", "`dropout` too", "two entries"],
    );
    refused("dense = 10", "dropout = 1.0", ":12:11", &["`dropout`", "below 1", "1.0"]);
    refused("dense = 10", "dropout = nan", ":12:11", &["`dropout`", "nan"]);
    refused("dense = 10", "dropout = 0.5\nbias = true", ":13:1", &["unknown key `bias`", "dropout"]);
    refused("dense = 10", "drop = 0.5", ":11:1", &["layer 1", "no `dense`"]);
    let spec = parse(&edited(
        "dense = 10",
        "layer_norm = true\n[[model.layers]]\nbatch_norm = true\n[[model.layers]]\ndense = 10",
    ));
    let layers = [Layer::new(LayerNorm, Activation::Identity), Layer::new(BatchNorm, Activation::Identity)];
    assert_eq!(spec.unwrap().model.layers[1..3], layers);
    let spec = parse(&edited(
        "dense = 10",
        "group_norm = 8\n[[model.layers]]\ngroup_norm = 2\naffine = false\n[[model.layers]]\ndense = 10",
    ));
    let layers =
        [GroupNorm::new(8), GroupNorm { groups: 2, affine: false }].map(|m| Layer::new(m, Activation::Identity));
    assert_eq!(spec.unwrap().model.layers[1..3], layers);
    refused("dense = 10", "group_norm = 0", ":12:14", &["`group_norm`", "0"]);
    let spec = parse(&edited("dense = 10", "group_norm = 3\n[[model.layers]]\ndense = 10")).unwrap();
    let error = spec.model.layers(64).unwrap_err().to_string();
    assert!(error.contains("layers.1: group_norm divides 32 numbers into 3 groups"), "{error}");
    refused("dense = 10", "layer_norm = false", ":12:14", &["`layer_norm`", "true", "false"]);
    refused("dense = 10", "batch_norm = 1e-5", ":12:14", &["`batch_norm`", "true", "1e-5"]);
    let without = "[data]\ntrain = 'd'\ntarget = 't'\n[model]\nlayers = [{ dropout = 0.1 }]\n[train]\nloss = 'mse'\n\
                   optimizer = 'adam'\n";
    refused_text(without, ":5:10", &["no dense layer", "outputs"]);
}

#[test]
fn clipping_and_accumulation_are_refused_by_their_place() {
    let after = |line: &str| format!("seed = 1\n{line}");
    for (line, column, parts) in [
        ("clip = { norm = 0 }", 17, ["`norm`", "above 0"]),
        ("clip = { norm = nan }", 17, ["`norm`", "above 0"]),
        ("clip = { value = -1 }", 18, ["`value`", "found -1"]),
        ("clip = { value = inf }", 18, ["`value`", "found inf"]),
        ("clip = { norm = \"big\" }", 17, ["`norm`", "found the string \"big\""]),
        ("clip = { norm = 1, value = 1 }", 8, ["`clip`", "both norm and value"]),
        ("clip = {}", 8, ["`clip`", "empty"]),
        ("clip = 1.0", 8, ["clip", "table"]),
        ("clip = { size = 1 }", 10, ["unknown key `size`", "norm, value"]),
        ("accumulate = 0", 14, ["`accumulate`", "at least 1"]),
        ("accumulate = -2", 14, ["`accumulate`", "at least 1"]),
        ("accumulate = 1.5", 14, ["`accumulate`", "found 1.5"]),
        ("accumulate = \"two\"", 14, ["`accumulate`", "found the string \"two\""]),
        ("accumulate = 2147483648", 14, ["`accumulate`", "2^31"]),
        ("schedule = { step = { step_size = 0 } }", 35, ["`step_size`", "at least 1"]),
        ("schedule = { exponential = { gamma = 0 } }", 38, ["`gamma`", "above 0"]),
        ("schedule = { exponential = {} }", 28, ["`gamma`", "gamma = 0.95"]),
        ("schedule = { linear = { end_factor = -1 } }", 38, ["`end_factor`", "at least 0"]),
        ("schedule = { cosine = { eta_min = nan } }", 35, ["`eta_min`", "at least 0"]),
        ("schedule = { cosine = { length = -1 } }", 34, ["`length`", "-1"]),
        ("schedule = { cosine = { warmup = 1.5 } }", 34, ["`warmup`", "1.5"]),
        ("schedule = { cosine = { warmup_factor = 2 } }", 41, ["`warmup_factor`", "at most 1"]),
        ("schedule = { one_cycle = { div_factor = 0.5 } }", 41, ["`div_factor`", "at least 1"]),
        ("schedule = { one_cycle = { anneal = \"sin\" } }", 37, ["`anneal`", "\"cos\" or \"linear\""]),
        ("schedule = { one_cycle = { cycle_momentum = 1 } }", 45, ["`cycle_momentum`", "true or false"]),
        ("schedule = { one_cycle = { base_momentum = 0 } }", 44, ["`base_momentum`", "above 0 and below 1"]),
        ("schedule = { one_cycle = { max_momentum = 1 } }", 43, ["`max_momentum`", "above 0 and below 1"]),
        ("schedule = { reduce_on_plateau = { patience = -1 } }", 47, ["`patience`", "-1"]),
    ] {
        refused("seed = 1", &after(line), &format!(":20:{column}"), &parts);
    }
    // Control: the same lines with values that there are.
    for line in ["clip = { norm = 1 }", "accumulate = 2", "schedule = { one_cycle = { base_momentum = 0.5 } }"] {
        parse(&edited("seed = 1", &after(line))).unwrap();
    }
    let spec = edited("dense = 10", "dense = 10\n[[model.layers]]\nbatch_norm = true");
    let message = parse(&spec.replace("seed = 1", &after("accumulate = 2"))).unwrap_err().to_string();
    assert!(message.starts_with("examples/s.toml:22:14: `accumulate`") && message.contains("layer_norm"), "{message}");
    parse(&spec.replace("seed = 1", &after("accumulate = 1"))).unwrap();
}

#[test]
fn toml_syntax_errors_have_a_place() {
    refused("dense = 32", "dense = ", ":8:9", &["TOML"]);
    refused("dense = 32", "dense = 3\ndense = 4", ":9:1", &["TOML", "duplicate"]);
    refused("\"label\"", "\"label", ":3:16", &["TOML"]);
    refused_text("é = }", ":1:5", &["TOML"]);
}

#[test]
fn a_missing_key_or_section_says_what_to_write() {
    refused_text("", ":1:1", &["[data]", "example"]);
    refused("train = \"digits.csv\"\n", "", ":1:1", &["[data]", "`train`", "example train = "]);
    refused("target = \"label\"\n", "", ":1:1", &["`target`", "example target = "]);
    refused("dense = 10\n", "", ":11:1", &["layer 1", "`dense`"]);
    refused("loss = \"cross_entropy\"\n", "", ":14:1", &["[train]", "`loss`"]);
    refused("optimizer = { sgd = { lr = 0.1, momentum = 0.9 } }\n", "", ":14:1", &["`optimizer`", "sgd"]);
    refused("{ sgd = { lr = 0.1, momentum = 0.9 } }", "\"sgd\"", ":16:13", &["sgd", "`lr`", "lr = 0.1"]);
    refused("lr = 0.1, ", "", ":16:21", &["sgd", "`lr`"]);
    let without_model = "[data]\ntrain = 'd'\ntarget = 't'\n[train]\nloss = 'mse'\noptimizer = 'adam'\n";
    refused_text(without_model, ":1:1", &["`model`", "[[model.layers]]"]);
    refused_text(&format!("{without_model}[model]\n"), ":7:1", &["[model]", "`layers`"]);
}

#[test]
fn sizes_are_at_least_one_and_fit_32_bits() {
    for (from, key, place) in [
        ("dense = 32", "dense", ":8:9"),
        ("batch_size = 32", "batch_size", ":17:14"),
        ("epochs = 30", "epochs", ":18:10"),
    ] {
        for bad in ["0", "-3", "-9223372036854775808"] {
            refused(from, &format!("{key} = {bad}"), place, &[&format!("`{key}`"), "at least 1", bad]);
        }
        for bad in ["2147483648", "99999999999999999999999999999999999999999999"] {
            refused(from, &format!("{key} = {bad}"), place, &[&format!("`{key}`"), "2^31", bad]);
        }
    }
    refused("[[model.layers]]", "[model]\ninputs = 0\n[[model.layers]]", ":8:10", &["`inputs`", "at least 1"]);
}

#[test]
fn unknown_names_suggest_the_nearest_and_list_all() {
    refused("\"sigmoid\"", "\"sigmod\"", ":9:14", &["activation \"sigmod\"", "did you mean \"sigmoid\"?", "softplus"]);
    refused("\"sigmoid\"", "{ leakyrelu = { slope = 1 } }", ":9:16", &["\"leakyrelu\"", "\"leaky_relu\""]);
    refused("\"sigmoid\"", "\"step\"", ":9:14", &["\"step\"", "identity, sigmoid"]);
    refused("\"cross_entropy\"", "\"crossentropy\"", ":15:8", &["loss", "\"cross_entropy\"", "hinge"]);
    refused("{ sgd =", "{ sdg =", ":16:15", &["optimizer \"sdg\"", "\"sgd\"", "adamw"]);
    refused("\"standard\"", "\"standart\"", ":5:9", &["scale", "\"standard\"", "minmax"]);
    refused("\"sigmoid\"", "{ relu = {}, tanh = {} }", ":9:14", &["`activation`", "2 names"]);
    refused("\"sigmoid\"", "{}", ":9:14", &["`activation`", "0 names"]);
    refused("\"sigmoid\"", "{ relu = 3 }", ":9:23", &["activation relu", "table", "found 3"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let sgd = "{ sgd = { lr = 0.1, momentum = 0.9 } }";
    let mut cases = vec![
        ("0.2", "0".to_owned(), ":4:14", "`validation`"),
        ("0.2", "1.0".to_owned(), ":4:14", "`validation`"),
        ("0.2", "-0.5".to_owned(), ":4:14", "`validation`"),
        ("0.2", "nan".to_owned(), ":4:14", "`validation`"),
        ("\"cross_entropy\"", "{ huber = { delta = 0 } }".to_owned(), ":15:28", "`delta`"),
        ("\"cross_entropy\"", "{ huber = { delta = inf } }".to_owned(), ":15:28", "`delta`"),
        ("\"cross_entropy\"", "{ quantile = { q = 1 } }".to_owned(), ":15:27", "`q`"),
        ("\"cross_entropy\"", "{ quantile = { q = nan } }".to_owned(), ":15:27", "`q`"),
        ("\"sigmoid\"", "{ leaky_relu = { slope = -0.1 } }".to_owned(), ":9:39", "`slope`"),
        ("\"sigmoid\"", "{ leaky_relu = { slope = nan } }".to_owned(), ":9:39", "`slope`"),
        (sgd, "{ sgd = { lr = 1, nesterov = true } }".to_owned(), ":16:42", "momentum"),
    ];
    for (bad, place, part) in [
        ("eps1 = 0", ":16:36", "`eps1`"),
        ("beta2_decay = 0.1", ":16:43", "`beta2_decay`"),
        ("d = 0.5", ":16:33", "`d`"),
        ("eps2 = -1", ":16:36", "`eps2`"),
    ] {
        cases.push((sgd, format!("{{ adafactor = {{ {bad} }} }}"), place, part));
    }
    for bad in ["0", "-0.1", "nan", "inf", "1e999"] {
        cases.push((sgd, format!("{{ sgd = {{ lr = {bad} }} }}"), ":16:28", "`lr`"));
        cases.push((sgd, format!("{{ adam = {{ lr = {bad} }} }}"), ":16:29", "`lr`"));
        cases.push((sgd, format!("{{ adam = {{ eps = {bad} }} }}"), ":16:30", "`eps`"));
    }
    for bad in ["1", "-0.1", "1.5", "nan"] {
        cases.push((sgd, format!("{{ sgd = {{ lr = 1, momentum = {bad} }} }}"), ":16:42", "`momentum`"));
        cases.push((sgd, format!("{{ adam = {{ beta1 = {bad} }} }}"), ":16:32", "`beta1`"));
        cases.push((sgd, format!("{{ adamw = {{ beta2 = {bad} }} }}"), ":16:33", "`beta2`"));
    }
    for bad in ["-1e-9", "nan", "inf"] {
        cases.push((sgd, format!("{{ sgd = {{ lr = 1, weight_decay = {bad} }} }}"), ":16:46", "`weight_decay`"));
        cases.push((sgd, format!("{{ adamw = {{ weight_decay = {bad} }} }}"), ":16:40", "`weight_decay`"));
    }
    for (from, to, place, part) in cases {
        refused(from, &to, place, &[part]);
    }
}

#[test]
fn empty_names_and_lists_are_refused() {
    refused("target = \"label\"", "target = []", ":3:10", &["`target`", "empty"]);
    refused("target = \"label\"", "target = [\"a\", \"a\"]", ":3:16", &["\"a\" twice"]);
    refused("train = \"digits.csv\"", "train = \"\"", ":2:9", &["`train`", "empty"]);
}

#[test]
fn a_file_that_is_not_a_spec_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent.toml");
    let message = Spec::load(&path).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: ", path.display())) && message.contains("no such spec"), "{message}");
    let message = Spec::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("cannot be read"), "{message}");
    std::fs::write(&path, b"a = \"\xff\"").unwrap();
    assert!(Spec::load(&path).unwrap_err().to_string().contains("UTF-8"));
    std::fs::write(&path, WHOLE).unwrap();
    assert_eq!(Spec::load(&path).unwrap().data.train.path, folder.path().join("digits.csv"));
}

#[test]
fn unlikely_pairs_of_loss_and_activation_are_warned_of() {
    let warnings = |loss: &str, activation: &str| {
        let text = edited("\"cross_entropy\"", &format!("\"{loss}\"")).replacen(
            "dense = 10",
            &format!("dense = 10\nactivation = \"{activation}\""),
            1,
        );
        parse(&text).unwrap().warnings()
    };
    assert!(warnings("cross_entropy", "softmax")[0].contains("softmax"));
    assert!(warnings("cross_entropy", "sigmoid")[0].contains("logits"));
    assert!(warnings("bce_with_logits", "sigmoid")[0].contains("logits"));
    assert!(warnings("binary_cross_entropy", "identity")[0].contains("probabilities"));
    for (loss, activation) in [
        ("cross_entropy", "identity"),
        ("binary_cross_entropy", "sigmoid"),
        ("binary_cross_entropy", "softmax"),
        ("bce_with_logits", "identity"),
        ("mse", "sigmoid"),
    ] {
        assert_eq!(warnings(loss, activation), Vec::<String>::new(), "{loss} after {activation}");
    }
    assert!(parse(&edited("dense = 10", "dense = 1")).unwrap().warnings()[0].contains("one output"));
}

#[test]
fn stated_inputs_must_be_those_of_the_data() {
    let spec = parse(&edited("[[model.layers]]", "[model]\ninputs = 64\n[[model.layers]]")).unwrap();
    let shapes = spec.model.layers(64).unwrap();
    let sizes: Vec<_> = shapes.iter().map(|s| (s.inputs, s.outputs)).collect();
    assert_eq!(sizes, [(64, 32), (32, 10)]);
    let message = spec.model.layers(63).unwrap_err().to_string();
    assert!(message.contains("64") && message.contains("63"), "{message}");
}

#[test]
fn absolute_paths_mean_the_same_from_any_folder() {
    let text = edited("validation = 0.2", "validation = \"v.csv\"");
    let spec = parse(&text).unwrap().with_absolute_paths().unwrap();
    let moved = Spec::parse(&spec.to_toml(), "/some/run/spec.toml").unwrap();
    assert_eq!(moved, spec);
    assert_eq!(moved.data.train.path, std::env::current_dir().unwrap().join("examples/digits.csv"));
}

fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![1e-12..1e3_f64, Just(5e-324), Just(f64::MAX), (1_u32..100).prop_map(f64::from)]
}

fn from_zero() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), positive()]
}

fn fraction() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1.0_f64]
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        prop::sample::select(Activation::NAMES).prop_map(|name| Activation::by_name(name).unwrap()),
        from_zero().prop_map(|slope| Activation::LeakyRelu { slope }),
    ]
}

fn init() -> impl Strategy<Value = Init> {
    prop_oneof![
        prop::sample::select(Init::NAMES).prop_map(|name| Init::by_name(name).unwrap()),
        positive().prop_map(|bound| Init::Uniform { bound }),
        positive().prop_map(|std| Init::Normal { std }),
        positive().prop_map(|gain| Init::Orthogonal { gain }),
    ]
}

fn optimizer() -> impl Strategy<Value = Optimizer> {
    let sgd =
        (positive(), fraction(), any::<bool>(), from_zero()).prop_map(|(lr, momentum, nesterov, weight_decay)| {
            Optimizer::Sgd { lr, momentum, nesterov: nesterov && momentum > 0.0, weight_decay }
        });
    let adam = || {
        (positive(), fraction(), fraction(), positive(), from_zero(), any::<bool>()).prop_map(
            |(lr, beta1, beta2, eps, weight_decay, w)| {
                let adam = Adam { lr, beta1, beta2, eps, weight_decay };
                if w { Optimizer::AdamW(adam) } else { Optimizer::Adam(adam) }
            },
        )
    };
    let nadam = (adam(), from_zero()).prop_map(|(adam, momentum_decay)| match adam {
        Optimizer::Adam(adam) => Optimizer::NAdam { adam, momentum_decay },
        other => other,
    });
    let rmsprop = (positive(), fraction(), positive(), fraction(), any::<bool>(), from_zero()).prop_map(
        |(lr, alpha, eps, momentum, centered, weight_decay)| {
            Optimizer::RmsProp(RmsProp { lr, alpha, eps, momentum, centered, weight_decay })
        },
    );
    let adagrad = (positive(), from_zero(), positive(), from_zero(), from_zero()).prop_map(
        |(lr, lr_decay, eps, initial_accumulator, weight_decay)| {
            Optimizer::Adagrad(Adagrad { lr, lr_decay, eps, initial_accumulator, weight_decay })
        },
    );
    let lion = (positive(), fraction(), fraction(), from_zero())
        .prop_map(|(lr, beta1, beta2, weight_decay)| Optimizer::Lion { lr, beta1, beta2, weight_decay });
    let adafactor = (positive(), from_zero(), 1e-18..1.0_f64, from_zero(), from_zero(), from_zero()).prop_map(
        |(lr, decay, eps1, eps2, d, weight_decay)| Optimizer::Adafactor {
            lr,
            beta2_decay: -decay,
            eps1,
            eps2,
            d: 1.0 + d,
            weight_decay,
        },
    );
    prop_oneof![sgd, adam(), nadam, rmsprop, adagrad, lion, adafactor]
}

/// Text with everything that quoting has to survive.
fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_ .\"'\\\\\n\t#=\\[\\]é💡\u{0}\u{7f}\r]{1,12}"
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..100, Just((1 << 31) - 1)]
}

fn file() -> impl Strategy<Value = DataFile> {
    name().prop_map(|written| DataFile::new(&written, Path::new("some/folder")))
}

fn schedule() -> impl Strategy<Value = ScheduleSpec> {
    let length = || 0_u64..1 << 31;
    let count = || 0_u32..1 << 31;
    let cycle = (0.0..=1.0_f64, any::<bool>(), 1.0..1e9_f64, 1.0..1e9_f64, any::<bool>(), length());
    let momentum = (any::<bool>(), 1e-9..1.0_f64, 1e-9..1.0_f64);
    let plateau = (1e-9..1.0_f64, count(), positive(), any::<bool>(), count(), positive(), positive());
    let policy = prop_oneof![
        Just(Policy::Constant),
        (1_u64..1 << 31, positive()).prop_map(|(step_size, gamma)| Policy::Step { step_size, gamma }),
        positive().prop_map(|gamma| Policy::Exponential { gamma }),
        (positive(), positive(), length()).prop_map(|(start_factor, end_factor, length)| Policy::Linear {
            start_factor,
            end_factor,
            length
        }),
        (positive(), length()).prop_map(|(eta_min, length)| Policy::Cosine { eta_min, length }),
        (cycle, momentum).prop_map(|(cycle, (cycle_momentum, base_momentum, max_momentum))| {
            let (pct_start, linear, div_factor, final_div_factor, three_phase, length) = cycle;
            let momentum = OneCycle { cycle_momentum, base_momentum, max_momentum, length, ..OneCycle::DEFAULT };
            Policy::OneCycle(OneCycle { pct_start, linear, div_factor, final_div_factor, three_phase, ..momentum })
        }),
        plateau.prop_map(|(factor, patience, threshold, absolute, cooldown, min_lr, eps)| {
            Policy::ReduceOnPlateau(Plateau { factor, patience, threshold, absolute, cooldown, min_lr, eps })
        }),
    ];
    let unit = prop::sample::select(vec![Unit::Step, Unit::Epoch]);
    (policy, length(), 0.0..=1.0_f64, unit).prop_map(|(policy, warmup, warmup_factor, unit)| ScheduleSpec {
        schedule: Schedule { warmup_factor, ..Schedule::steps(policy).warmup(warmup) },
        unit,
    })
}

fn layers() -> impl Strategy<Value = Vec<Layer>> {
    let dense = (size(), any::<bool>(), init())
        .prop_map(|(outputs, bias, init)| Layer::new(Dense { outputs, bias, init }, Activation::Identity))
        .boxed();
    let of_kind = prop_oneof![
        4 => dense.clone(),
        1 => (0.0..1.0_f64).prop_map(|p| Layer::new(Dropout { p }, Activation::Identity)),
        1 => prop_oneof![
            Just(Layer::new(LayerNorm, Activation::Identity)),
            (1_usize..9, any::<bool>())
                .prop_map(|(groups, affine)| Layer::new(GroupNorm { groups, affine }, Activation::Identity)),
            Just(Layer::new(BatchNorm, Activation::Identity)),
        ],
    ]
    .boxed();
    let layer = |layer: BoxedStrategy<Layer>| {
        (layer, activation()).prop_map(|(layer, activation)| Layer { activation, ..layer })
    };
    // Some layer must say how many outputs there are.
    (layer(dense), prop::collection::vec(layer(of_kind), 0..4))
        .prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect::<Vec<_>>())
}

fn train() -> impl Strategy<Value = TrainSpec> {
    let loss = prop_oneof![
        prop::sample::select(Loss::NAMES).prop_map(|name| Loss::by_name(name).unwrap()),
        positive().prop_map(|delta| Loss::Huber { delta }),
        (1e-9..1.0_f64).prop_map(|q| Loss::Quantile { q }),
        (1e-9..1.0_f64).prop_map(|smoothing| Loss::CrossEntropy { smoothing }),
    ];
    let checkpoint = (0_usize..1 << 31, prop_oneof![Just(0.0), positive()])
        .prop_map(|(steps, minutes)| CheckpointSpec { steps, minutes });
    let early = (prop::sample::select(Monitor::ALL.to_vec()), size(), positive(), any::<bool>()).prop_map(
        |(monitor, patience, min_delta, restore_best)| EarlyStopping { monitor, patience, min_delta, restore_best },
    );
    let validation = (size(), prop::option::of(early));
    let clip = prop::option::of(prop_oneof![positive().prop_map(Clip::Norm), positive().prop_map(Clip::Value)]);
    // Boxed: a strategy of strategies is larger than the stack of a test.
    let update = (optimizer().boxed(), schedule().boxed(), clip.boxed(), size()).boxed();
    ((loss, class_weights()).boxed(), update, size(), size(), any::<u64>(), checkpoint, validation.boxed()).prop_map(
        |((loss, class_weights), update, batch_size, epochs, seed, checkpoint, validation)| {
            let ((optimizer, mut schedule, clip, accumulate), (validate_every, early_stopping)) = (update, validation);
            // What is read is what the schedule needs of an optimizer.
            let optimizer = optimizer.under(&schedule.schedule).unwrap_or_else(|_| {
                schedule = ScheduleSpec::default();
                optimizer
            });
            TrainSpec {
                loss,
                class_weights,
                optimizer,
                schedule,
                clip,
                accumulate,
                batch_size,
                epochs,
                seed,
                validate_every,
                early_stopping,
                checkpoint,
            }
        },
    )
}

fn class_weights() -> impl Strategy<Value = ClassWeights> {
    let weight = || prop_oneof![Just(0.0), positive().prop_map(|w| w.min(1e30))];
    prop_oneof![
        2 => Just(ClassWeights::Equal),
        1 => Just(ClassWeights::Balanced),
        1 => prop::collection::vec(weight(), 1..4).prop_map(ClassWeights::Listed),
        1 => prop::collection::btree_map(name(), weight(), 1..4).prop_map(ClassWeights::Named),
    ]
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let validation = prop_oneof![
        Just(None),
        (1e-9..1.0_f64).prop_map(|f| Some(Validation::Fraction(f))),
        file().prop_map(|f| Some(Validation::File(f))),
    ];
    let target = prop::collection::btree_set(name(), 1..4).prop_map(|names| names.into_iter().collect());
    let scale = prop::sample::select(vec![Scale::None, Scale::Standard, Scale::Minmax]);
    let image = prop::option::of([size(), size()]);
    let data =
        (file(), target, validation, scale, image).prop_map(|(train, target, validation, scale, image)| DataSpec {
            train,
            columns: wgrad::data::Columns {
                ignore: vec!["a \"quoted\" name".into()],
                categorical: vec!["c".into(), "d".into()],
                missing: wgrad::data::Missing::Skip,
                sample_weight: Some("how much".into()),
                ..wgrad::data::Columns::default()
            },
            target,
            validation,
            scale,
            image,
            reading: Reading { memory: 3 << 20, shuffle_window: 1023, shuffle_block: 1 << 40, skip_bad_rows: 7 },
        });
    let model =
        (prop::option::of(size()), layers()).prop_map(|(inputs, layers)| ModelSpec { inputs, weights: None, layers });
    (data, model, train()).prop_map(|(data, model, mut train)| {
        // Without validation there is nothing to stop by.
        train.early_stopping = train.early_stopping.filter(|_| data.validation.is_some());
        // Batch norm has no parts of a batch.
        if model.layers.iter().any(|l| l.module.takes_statistics()) {
            train.accumulate = 1;
        }
        Spec { data, model, train }
    })
}

proptest! {
    // Integration tests have no source folder in which proptest could keep its failing cases.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_spec_survives_being_written(spec in any_spec()) {
        let text = spec.to_toml();
        let read = Spec::parse(&text, "some/folder/s.toml").map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(read, spec, "{}", text);
    }

    /// Damage anywhere gives a spec or an error with a place, never a panic.
    #[test]
    fn no_damage_makes_the_reader_panic(at in 0..WHOLE.len(), cut in 0_usize..9, paste in "[\\[\\]{}=\"'#.,0-9a-z\n é-]{0,5}") {
        let mut text = WHOLE.to_owned();
        text.replace_range(at..(at + cut).min(WHOLE.len()), &paste);
        if let Err(error) = parse(&text) {
            prop_assert!(error.to_string().starts_with("examples/s.toml"), "{}", error);
        }
    }
}

#[test]
fn weights_and_smoothing_are_refused_where_they_mean_nothing() {
    let loss = "loss = \"cross_entropy\"";
    let with = |line: &str| format!("{loss}\n{line}");
    refused(loss, &with("label_smoothing = 1.0"), ":16:19", &["`label_smoothing`", "below 1", "1.0"]);
    refused(loss, &with("label_smoothing = -0.1"), ":16:19", &["`label_smoothing`"]);
    refused(loss, "loss = \"mse\"\nlabel_smoothing = 0.1", ":16:19", &["cross_entropy", "mse has numbers"]);
    refused(loss, &with("class_weights = \"even\""), ":16:17", &["`class_weights`", "\"balanced\""]);
    refused(loss, &with("class_weights = [1.0, -2.0]"), ":16:23", &["`class_weights`", "at least 0"]);
    refused(loss, &with("class_weights = []"), ":16:17", &["`class_weights`", "one weight for each class"]);
    refused("target = \"label\"", "target = \"label\"\nsample_weight = 3", ":4:17", &["`sample_weight`", "column"]);
    let smoothed = parse(&edited(loss, &with("label_smoothing = 0.1"))).unwrap();
    assert_eq!(smoothed.train.loss, Loss::CrossEntropy { smoothing: 0.1 });
    // Nothing is spread, which any loss may say.
    assert_eq!(parse(&edited(loss, "loss = \"mse\"\nlabel_smoothing = 0.0")).unwrap().train.loss, Loss::Mse);
}
