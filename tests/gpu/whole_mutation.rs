//! Small mistakes in the shader of whole steps, on the adapter. `verify` must notice every one that changes a value of a step;
//! a run of many steps, compared with the shader as it is, those in the loop over steps.

use crate::support::adapter;
use crate::support::subject;

use subject::Subject;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer, Schedule, UpdateRule};
use wgrad::plan::{Switches, Whole};
use wgrad::testing::exec::gpu::adapter::GpuDevice;
use wgrad::train::{Engine, Roles};
use wgrad::verify::{Question, verify};

const MOMENTUM: Optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 };

/// Mistakes that change a value of a step.
const IN_A_STEP: &[(&str, &str)] = &[
    ("data_x[index[first + e.row] * cols + e.col]", "data_x[index[first] * cols + e.col]"),
    ("data_target[index[first + e.row] * cols + e.col]", "data_target[e.row * cols + e.col]"),
    ("col + WORKGROUP % cols", "col + WORKGROUP"),
    ("select(col, col - cols, over)", "col"),
    ("mul_add(memory[ia], memory[ib], s)", "mul_add(-memory[ia], memory[ib], s)"),
    (
        "        ia += a_step;\n        ib += b_step;\n    }\n    return s;",
        "        ia += a_step;\n    }\n    return s;",
    ),
    ("program.code[i].a + row * program.code[i].a_row", "program.code[i].a + row"),
    ("program.code[i].b + col * program.code[i].b_col", "program.code[i].b + col"),
    ("value *= derivative_as(", "value = derivative_as("),
    ("value += memory[program.code[i].extra + col]", "value += memory[program.code[i].extra]"),
    ("memory[program.code[i].z + e] = value;", ""),
    ("select(value, activate_as(act, slope, value), (flags", "select(activate_as(act, slope, value), value, (flags"),
    ("select(ACT, code, MIXED)", "ACT"),
    ("memory[program.code[i].a + r * cols + c]", "memory[program.code[i].a + c]"),
    ("return words[program.expected + row];", "return words[program.expected];"),
    ("return memory[program.pred + i];", "return memory[program.dpred + i];"),
    ("return weight[weights_begin + row];", "return 1.0;"),
    ("mul_add_word(Word(h.momentum), velocity, d)", "(velocity + d)"),
    ("memory[first] = next.velocity;", ""),
    ("memory[at] = next.p;\n        } else {", "} else {"),
    ("let decay = program.code[i].slope;", "let decay = 0.0;"),
    ("select(w * memory[program.loss + i], 0.0, w == 0.0)", "w * memory[program.loss]"),
    ("sums[j] += sums[j + half];", ""),
    ("program.forwards; i < program.weights", "program.inputs; i < program.weights"),
    ("program.weights; i < program.biases", "program.weights + 1u; i < program.biases"),
    ("program.biases; i < program.updates", "program.biases + 1u; i < program.updates"),
];

/// Mistakes that the first step of a dispatch does not show.
const BETWEEN_STEPS: &[(&str, &str)] = &[
    ("now = first + s;", "now = first;"),
    ("weights_begin = now * program.weight_stride;", "weights_begin = 0u;"),
    (
        "let first = now * program.code[i].m;\n    let y = program.code[i].y;\n    for (var e = element_walk(local, cols); e.row < program.code[i].m; e = walk_on(e, cols)) {\n        memory",
        "let first = 0u;\n    let y = program.code[i].y;\n    for (var e = element_walk(local, cols); e.row < program.code[i].m; e = walk_on(e, cols)) {\n        memory",
    ),
    ("hyper_at(now * program.hyper_stride)", "hyper_at(0u)"),
    ("hyper[row + 4u]", "hyper[4u]"),
    ("log[now] = sums[0];", "log[0] = sums[0];"),
    ("words[0] = first + steps;", "words[0] = first + 1u;"),
    ("program.end - first)", "program.end - first - 1u)"),
];

fn mutated(device: &Device, from: &str, to: &str) -> Device {
    let Some(gpu) = device.is::<GpuDevice>() else { panic!("{} is no adapter", device.name()) };
    let source = Whole::source();
    assert_eq!(source.matches(from).count(), 1, "{from:?} in the shader of whole steps");
    Device::new(gpu.with_whole_shader(&source.replace(from, to)))
}

fn question(subject: &Subject) -> Question<'_> {
    Question { switches: Switches::default(), ..subject.question(3, false) }
}

/// Losses and parameters after 40 steps of shuffled rows.
fn trained(device: &Device, subject: &Subject) -> Vec<u64> {
    let (rows, batch) = (subject.data.rows, 7);
    // Rates and momenta change from step to step.
    let rule = UpdateRule { schedule: Schedule::one_cycle(40), ..subject.optimizer.into() };
    let roles = Roles { train: Some((rows, batch, rule)), table_steps: 64, ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(device, &subject.network, roles)).unwrap();
    engine.write_parameters(&subject.parameters).unwrap();
    engine.set_training_data(&subject.data).unwrap();
    let order: Vec<u32> = (0..40 * batch as u32 - 3).map(|i| i * 7 % rows as u32).collect();
    let mut values = Vec::new();
    let mut sink = |losses: &[f64]| {
        values.extend_from_slice(losses);
        Flow::Continue
    };
    pollster::block_on(engine.train(&order, 0, &mut sink)).unwrap();
    values.extend(pollster::block_on(engine.read_parameters()).unwrap().into_iter().flat_map(|t| t.values));
    values.into_iter().map(f64::to_bits).collect()
}

#[test]
fn every_mistake_is_noticed() {
    let Some(device) = adapter::adapter() else { return };
    let subject = Subject::new(MOMENTUM, 5);
    // Control: the shader as it is passes, and runs whole steps.
    assert!(pollster::block_on(verify(&question(&subject), device)).unwrap().passed);
    let clean = trained(device, &subject);
    assert_eq!(clean, trained(device, &subject));
    let mut survivors = Vec::new();
    for (from, to) in IN_A_STEP {
        if pollster::block_on(verify(&question(&subject), &mutated(device, from, to))).unwrap().passed {
            survivors.push(*from);
        }
    }
    let adam = Subject::new(Optimizer::adamw(0.01), 5);
    let clean_adam = trained(device, &adam);
    for (from, to) in BETWEEN_STEPS {
        let broken = mutated(device, from, to);
        if clean == trained(&broken, &subject) && clean_adam == trained(&broken, &adam) {
            survivors.push(*from);
        }
    }
    let all = IN_A_STEP.len() + BETWEEN_STEPS.len();
    println!("{}: {} of {all} mistakes noticed", device.name(), all - survivors.len());
    assert!(survivors.is_empty(), "not noticed: {survivors:?}");
}

/// The blocked products, which small layers do not take: a layer that does.
#[test]
fn mistakes_in_blocks_of_outputs_are_noticed() {
    let Some(device) = adapter::adapter() else { return };
    let mut subject = Subject::new(MOMENTUM, 5);
    subject.network = wgrad::model::Network { loss: Loss::Mse, ..subject.network.clone() };
    let layer = |inputs, outputs| wgrad::model::Layer::dense(inputs, outputs, Activation::Tanh, true);
    subject.network.layers = vec![layer(21, 35), layer(35, 11)];
    subject.parameters = wgrad::model::init::initial_parameters(&subject.network.layers, 3);
    let number = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 504.5 - 1.0;
    let x: Vec<f64> = (0..37 * 21).map(number).collect();
    let targets: Vec<f64> = (0..37 * 11).map(|i| number(i + 5000)).collect();
    subject.data = wgrad::data::Dataset::numbers(&x, 21, &targets, 11);
    let question = Question { batch_size: 37, ..question(&subject) };
    assert!(pollster::block_on(verify(&question, device)).unwrap().passed);
    if !device.products().direct {
        // Hardware takes one output an invocation.
        return;
    }
    for (from, to) in [
        ("vec4<f32>(upper.w), left", "vec4<f32>(upper.z), left"),
        ("vec4<f32>(lower.z), right", "vec4<f32>(-lower.z), right"),
        ("jb += b_step;", "jb += a_step;"),
        ("store4(i, row + 5u, col + 4u, t5);", "store4(i, row + 5u, col + 4u, t4);"),
        ("if (col + 2u < n)", "if (col + 3u < n)"),
        ("row < program.code[i].m) {\n        if (col < n)", "row + 1u < program.code[i].m) {\n        if (col < n)"),
        ("min(row + 4u + four, last_row)", "min(row + four, last_row)"),
        ("(e / across) * 8u, (e % across) * 8u", "(e % across) * 8u, (e / across) * 8u"),
        ("let across = (n + 7u) / 8u;", "let across = n / 8u;"),
    ] {
        let verdict = pollster::block_on(verify(&question, &mutated(device, from, to))).unwrap();
        assert!(!verdict.passed, "not noticed: {from}");
    }
}
