//! ONNX and safetensors files of networks: what is written, what is read back, what PyTorch wrote, what is refused.

use crate::support::program;

use program::Place;
use std::path::{Path, PathBuf};
use wgrad::Error;
use wgrad::data::{Scaler, Schema};
use wgrad::exchange::onnx::{self, Export};
use wgrad::exchange::{Import, Origin, import};
use wgrad::graph::{Activation, Loss};
use wgrad::spec::Spec;
use wgrad::testing::exchange::array::{Array, Numbers};
use wgrad::testing::exchange::schema::{Attribute, Model, Node};
use wgrad::train::run_folder::{Preprocessing, Trained};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx")
}

fn alone(loss: Option<Loss>, activation: Option<Activation>) -> Import {
    Import { origin: Origin::File, loss, activation }
}

/// A network 3 -> 4 -> 2 with drawn weights, as if it were trained.
fn trained(activation: &str, loss: &str, scaler: Scaler) -> Trained {
    of_layers(&[&format!("dense = 4\nactivation = {activation}\nbias = false"), "dense = 2"], loss, scaler)
}

/// A network of three inputs and the entries `layers`, whose numbers are drawn.
fn of_layers(layers: &[&str], loss: &str, scaler: Scaler) -> Trained {
    let layers: String = layers.iter().map(|layer| format!("[[model.layers]]\n{layer}\n")).collect();
    let text = format!(
        "[data]\ntrain = \"data-not-named.csv\"\ntarget = \"t\"\nscale = \"{}\"\n{layers}[train]\nloss = \"{loss}\"\n\
         optimizer = \"adam\"\n",
        scaler.kind().name()
    );
    let spec = Spec::parse(&text, "s.toml").unwrap();
    let network = wgrad::model::Network { layers: spec.model.layers(3).unwrap(), loss: spec.train.loss };
    let parameters = spec.model.initial_parameters(&network, 7).unwrap();
    let classes = network.loss.takes_class().then(|| vec!["no".to_string(), "yes".to_string()]);
    let schema = Schema {
        pictures: None,
        features: ["a", "b", "c"].map(String::from).to_vec(),
        target: vec!["t".into()],
        classes,
        encoding: None,
        sample_weight: None,
    };
    Trained { spec, preprocessing: Preprocessing { schema, scaler }, network, parameters }
}

fn minmax() -> Scaler {
    // The second column is constant.
    Scaler::Minmax { min: vec![-1.0, 5.0, 0.1], max: vec![2.0, 5.0, 0.3] }
}

fn ops(model: &Model) -> Vec<&str> {
    model.graph.nodes.iter().map(|node| node.op.as_str()).collect()
}

#[test]
fn a_file_has_the_run_s_parameters_bit_for_bit_and_one_node_for_each_operation() {
    let run = trained("\"silu\"", "cross_entropy", minmax());
    let bytes = onnx::encode(&run, Export { with_scaler: true, probabilities: true }).unwrap();
    let model = Model::decode(&bytes).unwrap();
    assert_eq!((model.opset, model.producer.as_str()), (onnx::OPSET, "wgrad"));
    let expected = ["Sub", "Div", "Mul", "Cast", "Gemm", "Sigmoid", "Mul", "Gemm", "Softmax", "Identity"];
    assert_eq!(ops(&model), expected);
    let [input] = &model.graph.inputs[..] else { panic!("{:?}", model.graph.inputs) };
    assert_eq!((input.name.as_str(), input.columns, input.double), ("x", Some(3), true));
    let [output] = &model.graph.outputs[..] else { panic!("{:?}", model.graph.outputs) };
    assert_eq!((output.name.as_str(), output.columns, output.double), ("probabilities", Some(2), false));
    for tensor in &run.parameters {
        let found = model.graph.initializers.iter().find(|array| array.name == tensor.name).unwrap();
        let expected = Numbers::F32(tensor.values.iter().map(|v| *v as f32).collect());
        assert_eq!((&found.dims, &found.data), (&tensor.shape, &expected));
    }
    let plain = Model::decode(&onnx::encode(&run, Export::default()).unwrap()).unwrap();
    assert_eq!(ops(&plain), ["Gemm", "Sigmoid", "Mul", "Gemm", "Identity"]);
    assert_eq!((plain.graph.outputs[0].name.as_str(), plain.graph.inputs[0].double), ("logits", false));
    // What was decoded is what was encoded.
    assert_eq!(Model::decode(&model.encode()).unwrap(), model);
    let regression = trained("\"relu\"", "mse", Scaler::None);
    let refused = onnx::encode(&regression, Export { with_scaler: false, probabilities: true }).unwrap_err();
    assert!(refused.to_string().contains("mse knows no probabilities"), "{refused}");
}

#[test]
fn an_exported_run_comes_back_with_equal_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let standard = Scaler::Standard { mean: vec![0.1, 1e9, -3.0], std: vec![1.0 / 3.0, 1e-3, 2.0] };
    let scalers = [Scaler::None, standard, minmax()];
    let activations = Activation::NAMES.iter().map(|name| format!("\"{name}\""));
    for activation in activations.chain(["{ leaky_relu = { slope = 0.3 } }".to_owned()]) {
        for loss in ["cross_entropy", "bce_with_logits", "mse"] {
            for scaler in &scalers {
                let run = trained(&activation, loss, scaler.clone());
                let export = Export { with_scaler: true, probabilities: loss != "mse" };
                std::fs::write(&path, onnx::encode(&run, export).unwrap()).unwrap();
                let back = import(&path, &alone(None, None)).unwrap();
                assert_eq!(back.network, run.network);
                assert_eq!(back.parameters, run.parameters, "{activation} {loss}");
                assert_eq!(back.preprocessing, run.preprocessing, "{activation} {loss}");
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Expected {
    x: Vec<[f64; 3]>,
    files: std::collections::BTreeMap<String, OfFile>,
}

#[derive(serde::Deserialize)]
struct OfFile {
    activation: String,
    y: Vec<Vec<f64>>,
}

/// What `trained` gives for the rows `x`, on the CPU.
fn outputs(trained: &Trained, x: &[[f64; 3]]) -> Vec<Vec<f64>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    let names = &trained.preprocessing.schema.features;
    let rows: String = x.iter().map(|[a, b, c]| format!("{a},{b},{c}\n")).collect();
    std::fs::write(&path, format!("{}\n{rows}", names.join(","))).unwrap();
    let mut found = Vec::new();
    let file = wgrad::spec::DataFile::at(&path);
    let mut take = |values: &[f64]| {
        found.extend(values.chunks(trained.network.outputs()).map(<[f64]>::to_vec));
        Ok(())
    };
    let device = wgrad::exec::Device::cpu();
    pollster::block_on(wgrad::testing::train::forward::predict_file(&device, trained, &file, &mut take)).unwrap();
    found
}

#[test]
fn networks_of_pytorch_s_exporters_are_read_and_give_its_outputs() {
    let expected: Expected = serde_json::from_slice(&std::fs::read(fixtures().join("expected.json")).unwrap()).unwrap();
    assert!(expected.files.len() >= 20);
    for (name, OfFile { activation, y }) in &expected.files {
        let wish = match name.as_str() {
            "unsupported_new.onnx" => continue,
            "mlp.safetensors" => alone(Some(Loss::Mse), Activation::by_name("relu")),
            _ => alone(None, None),
        };
        let found = import(&fixtures().join(name), &wish).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut of_activation = Activation::by_name(activation).unwrap();
        if let Activation::LeakyRelu { slope } = &mut of_activation {
            *slope = 0.2;
        }
        assert_eq!(found.spec.model.layers[0].activation, of_activation, "{name}");
        for (row, expected) in outputs(&found, &expected.x).iter().zip(y) {
            let softmax = |z: &[f64]| {
                let sum: f64 = z.iter().map(|z| z.exp()).sum();
                z.iter().map(|z| z.exp() / sum).collect::<Vec<_>>()
            };
            let row = match found.network.loss {
                Loss::CrossEntropy { .. } if name.starts_with("log") => softmax(row).iter().map(|p| p.ln()).collect(),
                Loss::CrossEntropy { .. } => softmax(row),
                _ => row.clone(),
            };
            for (a, b) in row.iter().zip(expected) {
                // Both are f32 sums of 8 products at most, of numbers below 10: far below 1e-5, as is asked of an exchange.
                assert!((a - b).abs() <= 1e-5, "{name}: {row:?} {expected:?}");
            }
        }
    }
}

/// What is read of the file of `run` once `change` has changed its graph.
fn changed(run: &Trained, change: impl FnOnce(&mut Model)) -> wgrad::Result<Trained> {
    let mut model = Model::decode(&onnx::encode(run, Export::default()).unwrap()).unwrap();
    change(&mut model);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, model.encode()).unwrap();
    import(&path, &alone(None, None))
}

/// A file whose graph `change` has changed is refused, and the message has `part`.
fn refused(change: impl FnOnce(&mut Model), part: &str) {
    refused_of(&trained("\"tanh\"", "mse", Scaler::None), change, part);
}

fn refused_of(run: &Trained, change: impl FnOnce(&mut Model), part: &str) {
    let error = changed(run, change).unwrap_err();
    assert!(matches!(error, Error::Weights { .. }) && error.to_string().contains(part), "{error}");
}

fn array<'a>(model: &'a mut Model, name: &str) -> &'a mut Array {
    model.graph.initializers.iter_mut().find(|a| a.name == name).unwrap()
}

#[test]
fn what_is_no_chain_of_dense_layers_is_refused_by_its_node() {
    refused(|m| m.graph.nodes[1].op = "Elu".into(), "node 1 (Elu \"layers.0.tanh\"): this operator is not read");
    refused(|m| m.graph.nodes[0].op = "Conv".into(), "node 0 (Conv");
    refused(|m| m.graph.nodes[1].domain = "com.microsoft".into(), "(com.microsoft.Tanh");
    refused(|m| m.graph.nodes[1].op = "Exp".into(), "none of the activations that wgrad has");
    refused(|m| m.graph.nodes[2].inputs[0] = "x".into(), "a chain of layers is read, no branches");
    refused(|m| m.graph.nodes[2].inputs[0] = "nowhere".into(), "\"nowhere\" is not computed by any node");
    refused(|m| m.graph.nodes[0].attributes.push(("alpha".into(), Attribute::Float(2.0))), "alpha and beta must be 1");
    refused(
        |m| m.graph.nodes[0].attributes.clear(),
        "node 2 (Gemm \"layers.1.dense\"): the weights take 4 numbers and give 2; the layer before gives 3",
    );
    refused(|m| array(m, "layers.1.weight").dims = vec![4, 2], "the layer before gives 4");
    refused(|m| array(m, "layers.0.weight").dims = vec![4, 4], "12 numbers for the shape [4, 4]");
    refused(|m| array(m, "layers.0.weight").data = Numbers::F64(vec![0.5; 12]), "not single precision");
    refused(
        |m| {
            let Numbers::F32(values) = &mut array(m, "layers.0.weight").data else { unreachable!() };
            values[3] = f32::NAN;
        },
        "\"layers.0.weight\" holds NaN",
    );
    refused(|m| m.graph.outputs.clear(), "a network with one output");
    refused(|m| m.graph.inputs.push(m.graph.inputs[0].clone()), "one input is read, this one has 2");
    refused(|m| m.graph.nodes.truncate(2), "no node computes the output \"y\"");
    refused(|m| m.graph.nodes.clear(), "no nodes");
    refused(
        |m| {
            let node =
                Node { op: "Identity".into(), inputs: vec!["x".into()], outputs: vec!["z".into()], ..Node::default() };
            m.graph.nodes.extend(std::iter::repeat_n(node, 10_001));
        },
        "10000 at most are read",
    );
    let elu = import(&fixtures().join("unsupported_new.onnx"), &alone(None, None)).unwrap_err().to_string();
    assert!(elu.contains("(Elu") && elu.contains("unsupported_new.onnx"), "{elu}");
    let bare = import(&fixtures().join("mlp.safetensors"), &alone(None, None)).unwrap_err().to_string();
    assert!(bare.contains("Name a spec, or the inner layers' activation"), "{bare}");
}

/// Normalising layers in all places, with factors and statistics as after a training: as drawn they are 0 and 1, by which
/// nothing that is mixed up would show.
fn normalised(loss: &str) -> Trained {
    let relu = "layer_norm = true\nactivation = \"relu\"";
    let layers =
        ["batch_norm = true", "dense = 4", relu, "dense = 4\nactivation = \"tanh\"", "batch_norm = true", "dense = 2"];
    let mut run = of_layers(&layers, loss, minmax());
    let normalising = |name: &str| ["layers.0.", "layers.2.", "layers.4."].iter().any(|layer| name.starts_with(layer));
    let mut count = 0.0;
    for value in run.parameters.iter_mut().filter(|t| normalising(&t.name)).flat_map(|t| &mut t.values) {
        count += 1.0;
        *value = f64::from((0.25 + f64::sin(count).powi(2)) as f32);
    }
    // Four numbers each for three layers, two of which have statistics, and one of these is as wide as the input.
    assert_eq!(count, 3.0 * 4.0 + 4.0 * 2.0 + 4.0 * 4.0);
    run
}

const ROWS: [[f64; 3]; 3] = [[0.5, 5.0, 0.2], [-1.5, 4.0, 0.25], [2.5, 7.0, -0.1]];

#[test]
fn normalising_layers_come_back_with_equal_bits_and_predictions() {
    for loss in ["cross_entropy", "mse"] {
        let run = normalised(loss);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        std::fs::write(&path, onnx::encode(&run, Export { with_scaler: true, probabilities: false }).unwrap()).unwrap();
        let back = import(&path, &alone(None, None)).unwrap();
        assert_eq!((&back.network, &back.preprocessing), (&run.network, &run.preprocessing));
        assert_eq!(back.parameters, run.parameters);
        assert_eq!(outputs(&back, &ROWS), outputs(&run, &ROWS));
    }
    // Every number of the file counts: another one is read as another one, and gives something else.
    let run = Trained {
        preprocessing: Preprocessing { scaler: Scaler::None, ..normalised("mse").preprocessing },
        ..normalised("mse")
    };
    let same = changed(&run, |_| ()).unwrap();
    let expected = outputs(&same, &ROWS);
    for i in 0..run.parameters.len() {
        let name = &run.parameters[i].name;
        let other = changed(&run, |model| {
            let Numbers::F32(values) = &mut array(model, name).data else { unreachable!() };
            values.iter_mut().for_each(|v| *v += 0.125);
        });
        let other = other.unwrap();
        let differ: Vec<&str> = std::iter::zip(&same.parameters, &other.parameters)
            .filter(|(a, b)| a.values != b.values)
            .map(|(a, _)| a.name.as_str())
            .collect();
        assert_eq!(differ, [name]);
        // What is the same for all columns in front of layer norm is taken out by it.
        assert!(name == "layers.1.bias" || outputs(&other, &ROWS) != expected, "{name}");
    }
    // So do the places of the operands: mean and variance exchanged are another network, and both of its layers tell.
    for node in [0, 6] {
        let swapped = changed(&run, |model| {
            assert_eq!(model.graph.nodes[node].op, "BatchNormalization");
            model.graph.nodes[node].inputs.swap(3, 4);
        });
        let swapped = swapped.unwrap();
        assert!(swapped.parameters != run.parameters && outputs(&swapped, &ROWS) != expected);
    }
}

#[test]
fn normalising_layers_that_wgrad_has_not_are_refused_by_node_and_value() {
    type Change = fn(&mut Model);
    let run = normalised("mse");
    let nodes = Model::decode(&onnx::encode(&run, Export::default()).unwrap()).unwrap().graph.nodes;
    let names: Vec<&str> = nodes.iter().map(|node| node.op.as_str()).collect();
    let expected = [
        "BatchNormalization",
        "Gemm",
        "LayerNormalization",
        "Relu",
        "Gemm",
        "Tanh",
        "BatchNormalization",
        "Gemm",
        "Identity",
    ];
    assert_eq!(names, expected);
    fn set(model: &mut Model, node: usize, name: &str, value: Attribute) {
        let attributes = &mut model.graph.nodes[node].attributes;
        attributes.retain(|(other, _)| other != name);
        attributes.push((name.into(), value));
    }
    let cases: [(Change, &str); 17] = [
        (
            |m| set(m, 2, "epsilon", Attribute::Float(1e-6)),
            "node 2 (LayerNormalization \"layers.2.norm\"): epsilon is 0.000001; wgrad's layers have 0.00001",
        ),
        (
            |m| set(m, 0, "epsilon", Attribute::Float(1e-3)),
            "node 0 (BatchNormalization \"layers.0.norm\"): epsilon is 0.001",
        ),
        (
            |m| set(m, 6, "epsilon", Attribute::Int(0)),
            "node 6 (BatchNormalization \"layers.4.norm\"): epsilon is no float",
        ),
        (|m| set(m, 2, "axis", Attribute::Int(0)), "(LayerNormalization \"layers.2.norm\"): axis is 0"),
        (|m| set(m, 2, "axis", Attribute::Float(-1.0)), "axis is no whole number"),
        (|m| set(m, 2, "stash_type", Attribute::Int(11)), "stash_type is 11"),
        (
            |m| set(m, 0, "training_mode", Attribute::Int(1)),
            "node 0 (BatchNormalization \"layers.0.norm\"): it is to train",
        ),
        (|m| m.graph.nodes[0].outputs.push("mean".into()), "results beside the first"),
        (|m| m.opset = 6, "it is to train"),
        (|m| set(m, 0, "spatial", Attribute::Int(0)), "spatial is 0"),
        (|m| m.graph.nodes[2].inputs.swap(0, 1), "operand 1 must be a constant"),
        (|m| m.graph.nodes[0].inputs.truncate(4), "operand 4 is missing"),
        (|m| m.graph.nodes[2].inputs[1] = "layers.0.weight".into(), "it has 3 numbers for 4 columns"),
        (|m| array(m, "layers.2.weight").dims = vec![1, 4], "\"layers.2.weight\" has the shape [1, 4]"),
        (|m| array(m, "layers.4.running_var").data = Numbers::F32(vec![1.0, 1.0, -0.5, 1.0]), "holds -0.5, below 0"),
        (|m| m.graph.nodes[5].inputs[0] = "layers.2.norm".into(), "a chain of layers is read, no branches"),
        (|m| m.graph.nodes[2].op = "ReduceMean".into(), "export with opset 17 or newer"),
    ];
    for (change, part) in cases {
        refused_of(&run, change, part);
    }
    // Batch norm is over the second axis: that of the columns only where there are two.
    let unsqueezed = |m: &mut Model| {
        let (inputs, outputs) = (vec!["x".into()], vec!["wide".into()]);
        m.graph.nodes.insert(0, Node { op: "Unsqueeze".into(), inputs, outputs, ..Node::default() });
        m.graph.nodes[1].inputs[0] = "wide".into();
    };
    refused_of(
        &run,
        unsqueezed,
        "node 1 (BatchNormalization \"layers.0.norm\"): its operand has a shape that the file does not",
    );
    let broadcast = |m: &mut Model| {
        m.graph.initializers.push(Array { name: "one".into(), dims: vec![1, 1, 1], data: Numbers::F32(vec![0.0]) });
        let (inputs, outputs) = (["layers.3.tanh", "one"].map(String::from).to_vec(), vec!["wide".into()]);
        m.graph.nodes.insert(6, Node { op: "Add".into(), inputs, outputs, ..Node::default() });
        m.graph.nodes[7].inputs[0] = "wide".into();
    };
    refused_of(&run, broadcast, "node 7 (BatchNormalization \"layers.4.norm\"): its operand has 3 axes");
    // What says in other words what wgrad's layers do is read.
    let same = changed(&run, |_| ()).unwrap();
    let others: [Change; 5] = [
        |m| set(m, 2, "axis", Attribute::Int(1)),
        |m| m.graph.nodes[2].attributes.clear(),
        |m| m.graph.nodes[2].outputs.extend(["", "deviation"].map(String::from)),
        |m| m.graph.nodes[0].attributes.clear(),
        |m| set(m, 6, "momentum", Attribute::Float(0.5)),
    ];
    for change in others {
        assert_eq!(changed(&run, change).unwrap().parameters, same.parameters);
    }
    let unshifted = changed(&run, |m| m.graph.nodes[2].inputs.truncate(2)).unwrap();
    let shift = unshifted.parameters.iter().find(|t| t.name == "layers.2.bias").unwrap();
    assert_eq!(shift.values, [0.0; 4]);
}

#[test]
fn dropout_is_passed_over_unless_it_is_to_train() {
    let with_mode = |mode: Option<f32>| {
        move |m: &mut Model| {
            let mut inputs = vec![m.graph.nodes[1].outputs[0].clone(), String::new()];
            if let Some(mode) = mode {
                inputs.push("mode".into());
                m.graph.initializers.push(Array { name: "mode".into(), dims: vec![], data: Numbers::F32(vec![mode]) });
            }
            m.graph.nodes[2].inputs[0] = "dropped".into();
            let outputs = vec!["dropped".into(), "mask".into()];
            m.graph.nodes.insert(2, Node { op: "Dropout".into(), inputs, outputs, ..Node::default() });
        }
    };
    let run = trained("\"tanh\"", "mse", Scaler::None);
    for mode in [None, Some(0.0)] {
        assert_eq!(changed(&run, with_mode(mode)).unwrap().parameters, run.parameters);
    }
    refused(with_mode(Some(1.0)), "node 2 (Dropout): it is to train");
    let masked = |m: &mut Model| {
        with_mode(None)(m);
        m.graph.nodes[3].inputs[0] = "mask".into();
    };
    refused(masked, "\"mask\" is not computed by any node before it");
}

/// Group norm needs a later opset than the other layers; without weight and bias it comes back with ones and zeros.
#[test]
fn group_norm_comes_back_with_equal_bits_and_predictions() {
    for affine in [true, false] {
        let group = format!("group_norm = 2\naffine = {affine}\nactivation = \"relu\"");
        let mut run = of_layers(&["dense = 4", &group, "dense = 2"], "mse", Scaler::None);
        for (i, value) in run.parameters.iter_mut().flat_map(|t| &mut t.values).enumerate() {
            *value = f64::from((0.25 + f64::sin(i as f64).powi(2)) as f32);
        }
        let model = Model::decode(&onnx::encode(&run, Export::default()).unwrap()).unwrap();
        assert_eq!((model.opset, ops(&model)[1]), (21, "GroupNormalization"));
        let back = changed(&run, |_| ()).unwrap();
        assert_eq!(outputs(&back, &ROWS), outputs(&run, &ROWS));
        if affine {
            assert_eq!((&back.network, &back.parameters), (&run.network, &run.parameters));
        }
        refused_of(&run, |m| m.opset = 20, "Export with opset 21 or newer");
        let groups = |count: i64| {
            move |m: &mut Model| {
                let attributes = &mut m.graph.nodes[1].attributes;
                attributes.retain(|(name, _)| name != "num_groups");
                attributes.push(("num_groups".into(), Attribute::Int(count)));
            }
        };
        refused_of(&run, groups(3), "group_norm divides 4 numbers into 3 groups");
        assert_ne!(outputs(&changed(&run, groups(1)).unwrap(), &ROWS), outputs(&run, &ROWS));
    }
}

#[derive(serde::Deserialize)]
struct Normalised {
    x: Vec<[f64; 3]>,
    files: std::collections::BTreeMap<String, Vec<Vec<f64>>>,
}

#[test]
fn normalised_networks_of_pytorch_s_exporters_are_read_and_give_its_outputs() {
    let path = fixtures().join("expected_normalised.json");
    let expected: Normalised = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let between = ["batch_norm", "3 -> 4 relu", "batch_norm", "layer_norm tanh", "4 -> 2 identity"];
    let layers = [
        ("norm_old.onnx", &["3 -> 4 identity", "layer_norm relu", "4 -> 2 identity", "batch_norm"][..]),
        // The newer exporter works a batch norm behind a linear layer into its weights.
        ("norm_new.onnx", &["3 -> 4 identity", "layer_norm relu", "4 -> 2 identity"][..]),
        ("norm_between_old.onnx", &between[..]),
        ("norm_between_new.onnx", &between[..]),
        ("group_norm_new.onnx", &["3 -> 4 identity", "group_norm 2 relu", "4 -> 2 identity"][..]),
    ];
    for (name, layers) in layers {
        let found = import(&fixtures().join(name), &alone(None, None)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(found.network.describe(), layers, "{name}");
        let rows = outputs(&found, &expected.x);
        let pairs = std::iter::zip(rows.iter().flatten(), expected.files[name].iter().flatten());
        let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{name}: {largest:e}");
        // As above; the normalising layers here multiply by less than 2.
        assert!(rows.len() == 5 && largest <= 1e-5, "{name}: {largest}");
    }
    for name in ["unsupported_norm_old.onnx", "unsupported_norm_new.onnx"] {
        let error = import(&fixtures().join(name), &alone(None, None)).unwrap_err().to_string();
        assert!(error.contains("(LayerNormalization") && error.contains("epsilon is 0.001;"), "{error}");
    }
    assert_eq!(expected.files.len(), layers.len() + 2);
}

#[test]
fn the_program_takes_a_run_out_and_in_again() {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu"]);
    place.good(&["convert", "r", "--out", "m.onnx", "--with-scaler", "--probabilities"]);
    let predict = |run: &str| place.good(&["predict", run, "--data", "iris.csv", "--device", "cpu"]);
    let expected = predict("r");
    place.good(&["convert", "m.onnx", "--out", "alone"]);
    assert_eq!(predict("alone"), expected);
    place.good(&["convert", "m.onnx", "--out", "data", "--data", "iris.csv", "--target", "species"]);
    assert_eq!(predict("data"), expected);
    place.good(&["convert", "r/model.safetensors", "--out", "spec", "--spec", "iris.toml"]);
    assert_eq!(predict("spec"), expected);
    let eval = |run: &str| place.good(&["eval", run, "--data", "iris.csv", "--device", "cpu"]);
    assert_eq!(eval("data"), eval("r"));
    place.good(&["verify", "data", "--device", "cpu"]);
    let digest = |run: &str| place.good(&["digest", run]).split(' ').next().map(str::to_owned);
    assert_eq!(digest("alone"), digest("r"));

    // Dropout leaves the file and comes back with the spec.
    let spec = std::fs::read_to_string(place.path("iris.toml")).unwrap();
    place.write(
        "drop.toml",
        &spec.replacen(
            "[[model.layers]]\ndense = 3",
            "[[model.layers]]\ndropout = 0.3\n[[model.layers]]\ndense = 3",
            1,
        ),
    );
    place.good(&["train", "drop.toml", "--run", "dr", "--device", "cpu"]);
    place.good(&["convert", "dr", "--out", "d.onnx", "--with-scaler"]);
    place.good(&["convert", "d.onnx", "--out", "db", "--spec", "drop.toml"]);
    assert_eq!((predict("db"), digest("db")), (predict("dr"), digest("dr")));
    place.good(&["convert", "d.onnx", "--out", "dn"]);
    assert_eq!(predict("dn"), predict("dr"));

    // Normalising layers come back by themselves, with their running statistics.
    let norms = "batch_norm = true\nactivation = \"tanh\"\n[[model.layers]]\nlayer_norm = true\n";
    let with_norms = spec.replacen(
        "[[model.layers]]\ndense = 3",
        &format!("[[model.layers]]\n{norms}[[model.layers]]\ndense = 3"),
        1,
    );
    assert_ne!(with_norms, spec);
    place.write("norm.toml", &with_norms);
    place.good(&["train", "norm.toml", "--run", "nr", "--device", "cpu"]);
    place.good(&["convert", "nr", "--out", "norm.onnx", "--with-scaler"]);
    place.good(&["convert", "norm.onnx", "--out", "nb"]);
    assert_eq!((predict("nb"), digest("nb")), (predict("nr"), digest("nr")));
    assert_ne!(predict("nb"), expected);
    place.good(&["convert", "norm.onnx", "--out", "ns", "--spec", "norm.toml"]);
    assert_eq!((predict("ns"), digest("ns")), (predict("nr"), digest("nr")));
    place.good(&["verify", "ns", "--device", "cpu"]);

    let no_scaler = place.run(&["convert", "r", "--out", "n.onnx"]);
    assert!(no_scaler.code == Some(0) && no_scaler.stderr.contains("--with-scaler"), "{no_scaler:?}");
    let refused = |args: &[&str], part: &str| {
        let found = place.run(args);
        assert!(found.code == Some(2) && found.stderr.contains(part), "{args:?}: {found:?}");
    };
    refused(&["convert", "r", "--out", "m.txt"], "extension .onnx");
    refused(&["convert", "r", "--out", "m.onnx", "--loss", "mse"], "are for files");
    refused(&["convert", "nowhere.onnx", "--out", "q"], "no such run or file");
    refused(&["convert", "iris.csv", "--out", "q"], "is read from an ONNX file");
    refused(&["convert", "m.onnx", "--out", "q", "--with-scaler"], "are for runs");
    refused(&["convert", "m.onnx", "--out", "r"], "holds another run");
    refused(&["convert", "m.onnx", "--out", "q", "--loss", "mses"], "there is none of this name");
    refused(&["convert", "m.onnx", "--out", "q", "--spec", "line.toml"], "holds the layers 4 -> 8");
    refused(&["convert", "norm.onnx", "--out", "q", "--spec", "iris.toml"], "batch_norm \"tanh\", layer_norm");
    refused(&["verify", "alone", "--device", "cpu"], "data-not-named.csv");
    assert!(!place.path("q").exists());
}

#[test]
fn training_starts_from_the_weights_of_another_run() {
    let place = Place::new();
    place.good(&["train", "iris.toml", "--run", "r", "--device", "cpu", "--epochs", "30"]);
    place.good(&["convert", "r", "--out", "m.onnx", "--with-scaler"]);
    place.good(&["convert", "m.onnx", "--out", "theirs"]);
    let digest = |subject: &str| place.good(&["digest", subject]).split(' ').next().unwrap().to_owned();
    let loss = |run: &str| -> f64 {
        let first: serde_json::Value =
            serde_json::from_str(place.read(&format!("{run}/metrics.jsonl")).lines().next().unwrap()).unwrap();
        first["train_loss"].as_f64().unwrap()
    };
    place.good(&["train", "iris.toml", "--run", "on", "--device", "cpu", "--epochs", "2", "--init-from", "theirs"]);
    place.good(&["train", "iris.toml", "--run", "anew", "--device", "cpu", "--epochs", "2"]);
    assert!(loss("on") < 0.5 * loss("anew"), "{} {}", loss("on"), loss("anew"));
    // The spec's key means the same, to the bit; a run that goes on in two parts too.
    let spec = place.read("iris.toml");
    place.write_edited(
        "from.toml",
        &spec,
        "[[model.layers]]",
        "[model]\nweights = \"theirs/model.safetensors\"\n\n[[model.layers]]",
    );
    place.good(&["init", "from.toml", "--out", "w.safetensors"]);
    assert_eq!(digest("w.safetensors"), digest("r"));
    place.good(&["train", "from.toml", "--run", "parts", "--device", "cpu", "--epochs", "1"]);
    place.good(&["train", "--resume", "parts", "--device", "cpu", "--epochs", "2"]);
    assert_eq!(digest("parts"), digest("on"));
    place.good(&["verify", "from.toml", "--device", "cpu"]);
    assert!(place.read("parts/run.json").contains("\"key\": \"weights\""));
    let refused = |from: &str, part: &str| {
        let args = ["train", "iris.toml", "--run", "q", "--device", "cpu", "--init-from", from];
        place.refused(&args, &[part]);
    };
    refused("absent.safetensors", "absent.safetensors");
    refused("iris.csv", "iris.csv");
    place.write("other.toml", &spec.replace("dense = 8", "dense = 9"));
    place.good(&["init", "other.toml", "--out", "o.safetensors"]);
    refused("o.safetensors", "layers.0.weight has the shape [9, 4]");
    // Other weights under the same name: the run's record tells.
    place.good(&["convert", "on", "--out", "on.onnx"]);
    std::fs::copy(place.path("on/model.safetensors"), place.path("theirs/model.safetensors")).unwrap();
    place.refused(
        &["train", "--resume", "parts", "--device", "cpu", "--epochs", "3"],
        &["theirs/model.safetensors", "SHA-256"],
    );
}
