//! The graph: shape errors, the verifier, the text form, and gradients where a value is used more than once.

use std::sync::Arc;
use wgrad::Error;
use wgrad::exec::{Device, Flow, Session};
use wgrad::graph::{Activation, Graph, Loss, Op, Operation, Optimizer, Role, Source, TensorType, Value, check};
use wgrad::model::{Layer, Network, Samples};
use wgrad::ops::{
    Activate, ActivateGrad, Add, AddBias, ColumnSum, Gather, LossGrad, LossValue, MatMul, Update, WeightedSum,
};
use wgrad::plan::{Options, lower};
use wgrad::testing::passes::differentiate;

const SGD: Optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.0 };

fn layer(inputs: usize, outputs: usize, activation: Activation) -> Layer {
    Layer::dense(inputs, outputs, activation, true)
}

fn source(graph: &mut Graph, name: &str, shape: &[usize]) -> Value {
    graph.source(Source::Data { name: name.into() }, TensorType::f32(shape), "data")
}

fn parameter(graph: &mut Graph, name: &str, shape: &[usize]) -> Value {
    graph.source(Source::Param { name: name.into(), decay: true }, TensorType::f32(shape), name)
}

#[test]
fn shape_errors_name_the_layer_and_both_shapes() {
    let layers = vec![layer(3, 4, Activation::Tanh), layer(5, 2, Activation::Identity)];
    let network = Network { layers, loss: Loss::Mse };
    let error = network.predict_graph(Samples { name: "train", rows: 9, batch: 8 }).unwrap_err();
    assert!(matches!(error, Error::Shape(_)));
    let text = error.to_string();
    for part in ["layers.1", "f32[8, 4]", "f32[2, 5]", "matmul.nt"] {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[test]
fn every_op_refuses_shapes_that_do_not_fit() {
    let nt = MatMul { trans_a: false, trans_b: true };
    let f = TensorType::f32;
    let u = TensorType::u32;
    let cases: Vec<(Arc<dyn Operation>, Vec<TensorType>)> = vec![
        (Arc::new(Gather), vec![f(&[9, 3]), f(&[4])]),
        (Arc::new(Gather), vec![f(&[9, 3]), u(&[4, 1])]),
        (Arc::new(nt), vec![f(&[2, 3]), f(&[3, 2])]),
        (Arc::new(MatMul { trans_a: false, trans_b: false }), vec![f(&[2, 3]), f(&[2, 3])]),
        (Arc::new(MatMul { trans_a: true, trans_b: false }), vec![f(&[2, 3]), f(&[3, 2])]),
        (Arc::new(MatMul { trans_a: true, trans_b: true }), vec![f(&[2, 3]), f(&[2, 3])]),
        (Arc::new(nt), vec![f(&[2, 3]), f(&[3])]),
        (Arc::new(AddBias), vec![f(&[2, 3]), f(&[2])]),
        (Arc::new(Add), vec![f(&[2, 3]), f(&[3, 2])]),
        (Arc::new(Activate(Activation::Relu)), vec![f(&[3])]),
        (Arc::new(Activate(Activation::Relu)), vec![u(&[3, 3])]),
        (Arc::new(ActivateGrad(Activation::Relu)), vec![f(&[2, 3]), f(&[3, 2])]),
        (Arc::new(ColumnSum), vec![f(&[3])]),
        (Arc::new(LossValue(Loss::Mse)), vec![f(&[2, 3]), f(&[2, 4])]),
        (Arc::new(LossValue(Loss::cross_entropy())), vec![f(&[2, 3]), f(&[2, 3])]),
        (Arc::new(LossValue(Loss::cross_entropy())), vec![f(&[2, 3]), u(&[3])]),
        (Arc::new(LossGrad(Loss::Mse)), vec![f(&[2, 3]), f(&[2, 3]), f(&[3])]),
        (Arc::new(WeightedSum), vec![f(&[2]), f(&[3])]),
        (Arc::new(Update { optimizer: SGD, decay: true, states: 0 }), vec![f(&[2, 3]), f(&[3, 2]), f(&[4])]),
    ];
    for (operation, types) in cases {
        let mut graph = Graph::new();
        let inputs: Vec<Value> = types
            .iter()
            .enumerate()
            .map(|(i, ty)| graph.source(Source::Data { name: i.to_string() }, ty.clone(), "data"))
            .collect();
        let error = graph.apply(operation.clone(), &inputs, "layers.7").unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Shape(_)), "{operation:?}: {text}");
        assert!(text.contains("layers.7") && text.contains(&operation.name()), "{text}");
        for ty in types {
            assert!(text.contains(&ty.to_string()), "{ty} is missing in: {text}");
        }
    }
}

fn train_graph() -> Graph {
    let network = Network { layers: vec![layer(3, 2, Activation::Sigmoid)], loss: Loss::HalfSquaredError };
    network.train_graph(Samples { name: "train", rows: 9, batch: 4 }, SGD).unwrap()
}

#[test]
fn the_text_form_is_stable() {
    let expected = "\
%0 = table \"index\" : u32[4]  ; tables
%1 = data \"train.x\" : f32[9, 3]  ; data
%2 = gather %1, %0 : f32[4, 3]  ; batch.x
%3 = param \"layers.0.weight\" : f32[2, 3]  ; layers.0
%4 = matmul.nt %2, %3 : f32[4, 2]  ; layers.0
%5 = param \"layers.0.bias\" : f32[2]  ; layers.0
%6 = add_bias %4, %5 : f32[4, 2]  ; layers.0
%7 = sigmoid %6 : f32[4, 2]  ; layers.0
%8 = data \"train.target\" : f32[9, 2]  ; data
%9 = gather %8, %0 : f32[4, 2]  ; batch.target
%10 = table \"weight\" : f32[4]  ; tables
%11 = half_squared_error %7, %9 : f32[4]  ; loss
%12 = weighted_sum %11, %10 : f32[1]  ; loss.mean
%13 = half_squared_error_grad %7, %9, %10 : f32[4, 2]  ; loss.grad
%14 = sigmoid_grad %13, %6 : f32[4, 2]  ; layers.0.activation.grad
%15 = column_sum %14 : f32[2]  ; layers.0.bias.grad
%16 = matmul.tn %14, %2 : f32[2, 3]  ; layers.0.weight.grad
%17 = table \"hyper\" : f32[6]  ; optimizer
%18 = sgd_step %3, %16, %17 : f32[2, 3]  ; layers.0.weight.update
%19 = sgd_step %5, %15, %17 : f32[2]  ; layers.0.bias.update
output loss = %12
output grad.layers.0.weight = %16
output grad.layers.0.bias = %15
output update.layers.0.weight = %18
output update.layers.0.bias = %19
";
    assert_eq!(train_graph().to_string(), expected);
}

/// Each rule of the verifier, broken by hand in a graph that was good.
#[test]
fn the_verifier_finds_broken_graphs() {
    type Break = fn(&mut Graph);
    let at = |node| Value { node, result: 0 };
    assert_eq!(at(3).to_string(), "%3");
    check::verify(&train_graph(), "nothing").unwrap();
    let breaks: [(&str, &str, Break); 13] = [
        ("an operand after its user", "does not come before it", |g| g.nodes[4].inputs[0].node = 7),
        ("a node that uses itself", "does not come before it", |g| g.nodes[7].inputs[0].node = 7),
        ("a result that there is not", "does not come before it", |g| g.nodes[7].inputs[0].result = 1),
        ("an empty tensor", "empty or has more than two", |g| g.nodes[1].results[0].shape[0] = 0),
        ("three dimensions", "empty or has more than two", |g| g.nodes[1].results[0].shape = vec![9, 3, 1]),
        ("a source with operands", "a source with operands", |g| {
            let first = g.nodes[2].inputs[0];
            g.nodes[3].inputs.push(first);
        }),
        ("a source with two results", "a source with operands", |g| {
            let ty = g.nodes[3].results[0].clone();
            g.nodes[3].results.push(ty);
        }),
        ("two sources of one name", "name of another source", |g| {
            g.nodes[5].op = Op::Source(Source::Param { name: "layers.0.weight".into(), decay: false });
        }),
        ("a type that the rule does not give", "another type", |g| g.nodes[7].results[0].shape = vec![2, 4]),
        ("another element type", "another type", |g| g.nodes[7].results[0] = TensorType::u32(&[4, 2])),
        ("a parameter updated twice", "a second time", |g| {
            let again = g.nodes[18].clone();
            g.nodes.push(again);
        }),
        ("an output that there is not", "does not exist", |g| g.outputs[0].1.node = 99),
        ("two outputs of one name", "two outputs", |g| {
            let again = g.outputs[0].clone();
            g.outputs.push(again);
        }),
    ];
    for (what, message, break_it) in breaks {
        let mut graph = train_graph();
        break_it(&mut graph);
        let Err(error) = check::verify(&graph, "the pass of this test") else { panic!("{what} passed") };
        let text = error.to_string();
        assert!(text.contains(message), "{what}: {text}");
        assert!(text.contains("the pass of this test"), "{what}: {text}");
    }
    // Operands whose shapes no longer fit are a shape error from the rule itself.
    let mut graph = train_graph();
    graph.nodes[3].results[0].shape = vec![2, 5];
    assert!(matches!(check::verify(&graph, "a pass"), Err(Error::Shape(_))));
}

#[test]
fn only_a_weighted_sum_can_be_differentiated() {
    let mut graph = Graph::new();
    let w = parameter(&mut graph, "w", &[2, 2]);
    let y = graph.push(Activate(Activation::Tanh), &[w], "y").unwrap();
    let error = differentiate(&mut graph, y).unwrap_err().to_string();
    assert!(error.contains("tanh") && error.contains("root"), "{error}");
}

/// loss = mean over samples of mse(p, t): h = x wᵀ, s = tanh(h) + h, a = sigmoid(s wᵀ + b), p = (a + a) + s.
/// Used twice: h, s, a and the parameter w.
fn fan_out() -> Graph {
    let mut g = Graph::new();
    let nt = MatMul { trans_a: false, trans_b: true };
    let x = source(&mut g, "x", &[4, 3]);
    let t = source(&mut g, "t", &[4, 3]);
    let weight = g.source(Source::Table { name: "weight".into() }, TensorType::f32(&[4]), "tables");
    let w = parameter(&mut g, "w", &[3, 3]);
    let b = parameter(&mut g, "b", &[3]);
    let h = g.push(nt, &[x, w], "h").unwrap();
    let tanh = g.push(Activate(Activation::Tanh), &[h], "tanh").unwrap();
    let s = g.push(Add, &[tanh, h], "s").unwrap();
    let r = g.push(nt, &[s, w], "r").unwrap();
    let z = g.push(AddBias, &[r, b], "z").unwrap();
    let a = g.push(Activate(Activation::Sigmoid), &[z], "a").unwrap();
    let twice = g.push(Add, &[a, a], "twice").unwrap();
    let p = g.push(Add, &[twice, s], "p").unwrap();
    let each = g.push(LossValue(Loss::Mse), &[p, t], "loss").unwrap();
    let loss = g.push(WeightedSum, &[each, weight], "loss.mean").unwrap();
    g.output("loss", loss);
    differentiate(&mut g, loss).unwrap();
    check::verify(&g, "differentiation").unwrap();
    g
}

/// Loss and gradients (w, then b) in f64 at the parameters `at` (w, then b).
fn evaluate(graph: &Graph, fuse: bool, at: &[f64]) -> (f64, Vec<f64>) {
    let plan = lower(graph, &Options { fuse, ..Options::new("p", 1) }).unwrap();
    let mut session = pollster::block_on(Session::open(&Device::cpu_f64(), vec![plan])).unwrap();
    let wave = |n: usize, step: f64| (0..n).map(|i| (i as f64 * step).sin()).collect::<Vec<f64>>();
    session.write(0, "data.x", &wave(12, 1.3)).unwrap();
    session.write(0, "data.t", &wave(12, 0.7)).unwrap();
    session.write(0, "p.table.weight", &[0.25; 4]).unwrap();
    session.write(0, "w", &at[..9]).unwrap();
    session.write(0, "b", &at[9..]).unwrap();
    let mut loss = f64::NAN;
    let mut sink = |losses: &[f64]| {
        loss = losses[0];
        Flow::Continue
    };
    pollster::block_on(session.run(0, 1, &mut sink)).unwrap();
    let mut gradients = pollster::block_on(session.read(0, "grad.w")).unwrap();
    gradients.extend(pollster::block_on(session.read(0, "grad.b")).unwrap());
    (loss, gradients)
}

#[test]
fn values_used_twice_have_the_sum_of_both_gradients() {
    let graph = fan_out();
    let at: Vec<f64> = (0..12).map(|i| 0.8 * (1.0 + i as f64 * 2.1).cos()).collect();
    let (loss, gradients) = evaluate(&graph, true, &at);
    assert_eq!(gradients.len(), 12);
    let (_, unfused) = evaluate(&graph, false, &at);
    for i in 0..12 {
        // Central differences of fourth order. The error is the truncation, of which the difference to twice the step
        // is 15 parts of 16, and the rounding: at most 200 operations of relative error eps on terms of the loss's size.
        let slope = |h: f64| {
            let value = |d: f64| {
                let mut moved = at.clone();
                moved[i] += d;
                evaluate(&graph, true, &moved).0
            };
            (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * h)
        };
        let h = 1e-3;
        let (fine, coarse) = (slope(h), slope(2.0 * h));
        let tolerance = (fine - coarse).abs() + 1.5 * 200.0 * f64::EPSILON * loss.abs() / h;
        assert!(tolerance < 1e-8, "parameter {i}: a tolerance of {tolerance:e} says nothing");
        assert!((fine - gradients[i]).abs() <= tolerance, "parameter {i}: {fine} by differences, {}", gradients[i]);
        assert!((fine - unfused[i]).abs() <= tolerance, "parameter {i}, unfused: {fine}, {}", unfused[i]);
        // Negative control: what one use alone would give is far outside.
        assert!((fine - 0.5 * gradients[i]).abs() > tolerance || gradients[i].abs() < 1e-6);
    }
}

#[test]
fn names_of_roles_are_read_back() {
    let of = |name: &str| name.to_string();
    for role in [
        Role::Tensor(of("layers.0.weight")),
        Role::Gradient(of("layers.0.weight")),
        Role::Clipped(of("b")),
        Role::Updated(of("b")),
        Role::State { param: of("layers.1.bias"), slot: 1 },
        Role::Data(of("train.x")),
        Role::Table(of("index.3")),
        Role::Prediction,
        Role::Loss,
        Role::NonFinite,
    ] {
        assert_eq!(Role::from(role.to_string().as_str()), role);
    }
    assert_eq!(Role::from("train.table.hyper"), Role::Table(of("hyper")));
    assert_eq!(Role::from("grad.table.weight"), Role::Table(of("weight")));
}
