//! Plans of real networks: memory, bindings, limits, and the ways in which a data set goes through an engine.

use crate::support;

use support::problem::{ADAMW, MOMENTUM, Problem, network, read};
use wgrad::Error;
use wgrad::data::{Dataset, Targets};
use wgrad::exec::{Device, Flow, allocated};
use wgrad::graph::{Activation, Loss};
use wgrad::kernels::{Access, Dtype, Kernel};
use wgrad::model::{Mode, Network, Samples};
use wgrad::plan::{ALIGN_ELEMENTS, Holds, Lifetime, Limits, Options, Plan, Products, lower};
use wgrad::train::{Engine, Roles};

/// Every variant of the plans of many networks.
fn plans() -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    for seed in 0..80 {
        let p = Problem::random(seed);
        for (fuse, keep_all) in [(true, false), (true, true), (false, false), (false, true)] {
            let options = Options { fuse, keep_all, ..Options::new("train", 3) };
            plans.push((format!("seed {seed}, fuse {fuse}, keep_all {keep_all}"), p.plan(&options)));
        }
        let samples = Samples { name: "eval", rows: p.rows, batch: p.batch };
        for (name, graph) in [
            ("evaluate", p.network.evaluate_graph(samples)),
            ("predict", p.network.predict_graph(samples)),
            ("gradient", p.network.gradient_graph(samples, Mode::Evaluate)),
        ] {
            plans.push((format!("seed {seed}, {name}"), lower(&graph.unwrap(), &Options::new("eval", 2)).unwrap()));
        }
    }
    // Long columns: two and three passes of the column sum.
    for rows in [257, 65_537] {
        let net = network(&[1, 2], &[Activation::Relu], &[true], Loss::Mse);
        plans.push((format!("{rows} rows"), Problem::new(net, MOMENTUM, 3, rows, 1).plan(&Options::new("train", 1))));
    }
    plans
}

/// What is wrong with a plan's memory.
fn memory_faults(plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for d in &plan.dispatches {
        let of = |read: bool| {
            let pairs = d.kernel.bindings.iter().zip(&d.bindings);
            pairs.filter(move |(b, _)| (b.access == Access::Read) == read).map(|(_, r)| *r)
        };
        for w in of(false) {
            if of(true).any(|r| r.arena == w.arena) {
                faults.push(format!("{} reads and writes {}", d.label, plan.arenas[w.arena].name));
            }
        }
        let written: Vec<_> = of(false).collect();
        for (i, a) in written.iter().enumerate() {
            let meets = |b: &&wgrad::plan::Range| {
                a.arena == b.arena && a.offset < b.offset + b.len && b.offset < a.offset + a.len
            };
            if written[..i].iter().any(|b| meets(&b)) {
                faults.push(format!("{} writes one place through two bindings", d.label));
            }
        }
        for r in &d.bindings {
            if r.len == 0 || r.offset + r.len > plan.arenas[r.arena].len || r.offset % ALIGN_ELEMENTS != 0 {
                faults.push(format!("{}: range {r:?} is empty, unaligned or outside its arena", d.label));
            }
        }
    }
    for (i, a) in plan.buffers.iter().enumerate() {
        for b in &plan.buffers[..i] {
            let together = a.live.0 <= b.live.1 && b.live.0 <= a.live.1;
            let (x, y) = (a.range, b.range);
            if together && x.arena == y.arena && x.offset < y.offset + y.len && y.offset < x.offset + x.len {
                faults.push(format!("{} and {} overlap in {}", a.name, b.name, plan.arenas[x.arena].name));
            }
        }
    }
    faults
}

/// Places that a dispatch reads though no dispatch of the step has written them (sources apart), or that another value
/// has taken since: found by playing the step through with the dispatch that wrote each element last.
fn stale_reads(plan: &Plan) -> Vec<String> {
    let mut owner: Vec<Vec<Option<usize>>> = plan.arenas.iter().map(|a| vec![None; a.len]).collect();
    let mut faults = Vec::new();
    for (i, d) in plan.dispatches.iter().enumerate() {
        let pairs = || d.kernel.bindings.iter().zip(&d.bindings);
        for (binding, r) in pairs().filter(|(b, _)| b.access == Access::Read) {
            if plan.arenas[r.arena].lifetime != Lifetime::Step {
                continue;
            }
            let owners = &owner[r.arena][r.offset..r.offset + r.len];
            if owners.iter().any(|o| *o != owners[0] || o.is_none()) {
                faults.push(format!("{}: {} is read where nothing whole was written", d.label, binding.name));
            }
        }
        for (_, r) in pairs().filter(|(b, _)| b.access != Access::Read) {
            owner[r.arena][r.offset..r.offset + r.len].fill(Some(i));
        }
    }
    faults
}

#[test]
fn plans_read_and_write_different_arenas_and_live_tensors_do_not_overlap() {
    for (name, plan) in plans() {
        assert_eq!(memory_faults(&plan), Vec::<String>::new(), "{name}");
        assert_eq!(stale_reads(&plan), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_memory_of_divided_plans_is_as_sound() {
    let mut divided = 0;
    for seed in 0..80 {
        let p = Problem::random(seed);
        let samples = Samples { name: "train", rows: p.rows, batch: p.batch };
        let graph = p.network.train_graph(samples, p.optimizer).unwrap();
        for (elements, keep_all) in [(576, false), (576, true), (1024, false)] {
            let bytes = 4 * elements;
            let limits =
                Limits { max_storage_buffer_binding_size_bytes: bytes, max_buffer_size_bytes: bytes, ..Limits::WEBGPU };
            let Ok(plan) = lower(&graph, &Options { limits, keep_all, ..Options::new("train", 1) }) else { continue };
            divided += usize::from(plan.arenas.iter().any(|a| !a.cuts.is_empty()));
            assert_eq!(memory_faults(&plan), Vec::<String>::new(), "seed {seed}, {elements}");
        }
    }
    assert!(divided > 20, "{divided}");
}

#[test]
fn a_plan_with_broken_memory_is_found() {
    let net = network(&[5, 7, 3], &[Activation::Tanh, Activation::Softmax], &[true], Loss::Mse);
    let good = Problem::new(net, ADAMW, 9, 8, 1).plan(&Options { keep_all: true, ..Options::new("train", 1) });
    let at = good.dispatches.iter().position(|d| d.kernel == Kernel::matmul_bias_act).unwrap();
    let broken = |break_it: &dyn Fn(&mut Plan)| {
        let mut plan = good.clone();
        break_it(&mut plan);
        !memory_faults(&plan).is_empty()
    };
    assert!(!broken(&|_| {}));
    assert!(broken(&|p| p.dispatches[at].bindings[3] = p.dispatches[at].bindings[0]), "output over input");
    assert!(broken(&|p| p.dispatches[at].bindings[4] = p.dispatches[at].bindings[3]), "two outputs in one place");
    assert!(broken(&|p| p.dispatches[at].bindings[0].offset += 1), "unaligned");
    assert!(broken(&|p| p.dispatches[at].bindings[1].len = 1 << 20), "outside");
    let scratch: Vec<usize> = (0..good.buffers.len())
        .filter(|b| good.arenas[good.buffers[*b].range.arena].lifetime == Lifetime::Step)
        .collect();
    assert!(broken(&|p| p.buffers[scratch[1]].range = p.buffers[scratch[0]].range), "two tensors in one place");
    // A value that is overwritten before its reader comes.
    let lean = Problem::random(3).plan(&Options::new("train", 1));
    let mut stale = lean.clone();
    let reader = stale.dispatches.iter().rposition(|d| d.kernel == Kernel::matmul).unwrap();
    stale.dispatches.remove(reader - 1);
    assert!(stale_reads(&lean).is_empty());
    let mut first = lean.clone();
    first.dispatches.remove(0);
    assert!(!stale_reads(&first).is_empty(), "a step without its gather");
}

/// What is wrong with the bindings of a plan's dispatches: number, element types, lengths.
fn binding_faults(plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for d in &plan.dispatches {
        let row = d.kernel;
        if d.bindings.len() != row.bindings.len() || d.args.params.len() != row.params.len() {
            faults.push(format!("{}: {} bindings, {} params", row.name, d.bindings.len(), d.args.params.len()));
            continue;
        }
        let lengths = d.kernel.extents(&d.args, plan.steps);
        for ((binding, range), needed) in row.bindings.iter().zip(&d.bindings).zip(lengths) {
            // gather_rows copies words, whatever they mean; its data have as many rows as there are samples.
            let words = d.kernel == Kernel::gather_rows && matches!(binding.name, "data" | "y");
            let dtype = plan.arenas[range.arena].dtype;
            if dtype != binding.dtype && !(words && dtype == Dtype::F32) {
                faults.push(format!("{} ({}): {} is {dtype:?}", d.label, row.name, binding.name));
            }
            let fits = if words && binding.name == "data" { range.len % needed == 0 } else { range.len == needed };
            if !fits {
                faults.push(format!("{} ({}): {} has {}, needs {needed}", d.label, row.name, binding.name, range.len));
            }
        }
        let groups: u64 = d.grid.iter().map(|g| u64::from(*g)).product();
        if groups < (row.groups)(&d.args) {
            faults.push(format!("{} ({}): {groups} groups are too few", d.label, row.name));
        }
    }
    faults
}

#[test]
fn every_binding_has_the_length_that_its_kernel_indexes() {
    for (name, plan) in plans() {
        assert_eq!(binding_faults(&plan), Vec::<String>::new(), "{name}");
    }
    // Negative controls.
    let good = Problem::random(4).plan(&Options::new("train", 3));
    for i in 0..good.dispatches.len() {
        for b in 0..good.dispatches[i].bindings.len() {
            let mut plan = good.clone();
            plan.dispatches[i].bindings[b].len -= 1;
            let data = good.dispatches[i].kernel == Kernel::gather_rows && b == 2;
            let one_column = data && good.dispatches[i].args.size(1) == 1;
            assert!(one_column || !binding_faults(&plan).is_empty(), "{} binding {b}", good.dispatches[i].label);
        }
        let mut plan = good.clone();
        plan.dispatches[i].grid = [0, 1, 1];
        assert!(!binding_faults(&plan).is_empty(), "an empty grid");
    }
}

#[test]
fn long_columns_take_two_and_three_passes() {
    for (rows, passes) in [(256, 1), (257, 2), (65_536, 2), (65_537, 3)] {
        let net = network(&[1, 2], &[Activation::Identity], &[true], Loss::Mse);
        let problem = Problem::new(net, MOMENTUM, 3, rows, 1);
        let plan = problem.plan(&Options { fuse: false, ..Options::new("train", 1) });
        let found = plan.dispatches.iter().filter(|d| d.kernel == Kernel::col_sum).count();
        assert_eq!(found, passes, "{rows} rows");
        let gradient = read(&mut problem.step(&Device::cpu(), &plan), "grad.layers.0.bias");
        let judged = problem.judge(&plan).read("grad.layers.0.bias").unwrap();
        let c = wgrad::compare::compare("bias", &[2], &judged.value, &gradient, &judged.error);
        assert!(c.passed, "{rows} rows: {:?}", c.fault);
    }
}

fn wide(width: usize) -> Network {
    network(&[width, width], &[Activation::Relu], &[true], Loss::Mse)
}

#[test]
fn a_model_too_large_is_refused_with_the_limit_and_its_value() {
    let limit = |limits: Limits| {
        let graph = wide(600).train_graph(Samples { name: "train", rows: 10, batch: 10 }, MOMENTUM).unwrap();
        // A plan for WebGPU's limits: one for these would be divided.
        let plan = lower(&graph, &Options::new("train", 1)).unwrap();
        plan.check(&limits, "the adapter of this test")
    };
    limit(Limits::WEBGPU).unwrap();
    let mib = Limits { max_buffer_size_bytes: 1 << 20, ..Limits::WEBGPU };
    let binding = Limits { max_storage_buffer_binding_size_bytes: 1 << 20, ..Limits::WEBGPU };
    let cases = [
        (mib, "maxBufferSize", "1048576"),
        (binding, "maxStorageBufferBindingSize", "1048576"),
        (Limits { max_storage_buffers_per_shader_stage: 4, ..Limits::WEBGPU }, "maxStorageBuffersPerShaderStage", "4"),
        (
            Limits { max_compute_invocations_per_workgroup: 32, ..Limits::WEBGPU },
            "maxComputeInvocationsPerWorkgroup",
            "32",
        ),
        (Limits { max_compute_workgroups_per_dimension: 5, ..Limits::WEBGPU }, "maxComputeWorkgroupsPerDimension", "5"),
        (Limits { max_loop_rounds: 400, ..Limits::WEBGPU }, "ends an invocation's loops", "400"),
    ];
    for (limits, name, value) in cases {
        let Err(error) = limit(limits) else { panic!("{name} = {value} was not noticed") };
        let text = error.to_string();
        assert!(matches!(error, Error::Limit(_)), "{text}");
        for part in [name, value, "the adapter of this test"] {
            assert!(text.contains(part), "{part:?} is missing in: {text}");
        }
    }
}

#[test]
fn the_optimizer_is_split_at_the_size_of_a_binding_and_changes_no_bit() {
    let net = network(&[20, 30, 10], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    for optimizer in [MOMENTUM, ADAMW] {
        let problem = Problem::new(net.clone(), optimizer, 30, 16, 5);
        let whole = problem.plan(&Options::new("train", 3));
        let limits = Limits { max_storage_buffer_binding_size_bytes: 4 * 640, ..Limits::WEBGPU };
        let split = problem.plan(&Options { limits, ..Options::new("train", 3) });
        let pieces = |p: &Plan| -> Vec<usize> {
            let d = p.dispatches.iter().filter(|d| d.label == "optimizer");
            d.map(|d| d.bindings[2].len).collect()
        };
        // Weights, which decay, then biases; no tensor alone is larger than a binding of 640 numbers.
        assert_eq!(pieces(&whole), [960, 128]);
        assert_eq!(pieces(&split), [640, 320, 128]);
        assert_eq!(memory_faults(&split), Vec::<String>::new());
        let (mut a, mut b) = (problem.steps(&Device::cpu(), &whole, 3), problem.steps(&Device::cpu(), &split, 3));
        for name in problem.results() {
            assert_eq!(read(&mut a, &name), read(&mut b, &name), "{name}");
        }
    }
}

fn dataset(problem: &Problem) -> Dataset {
    let outputs = problem.network.outputs();
    let targets = if problem.network.loss.takes_class() {
        Targets::Classes(problem.target.iter().map(|t| *t as u32).collect())
    } else {
        Targets::Numbers { width: outputs, values: problem.target.clone() }
    };
    let inputs = problem.network.inputs();
    Dataset { inputs, rows: problem.rows, x: problem.x.clone(), targets, weights: Vec::new() }
}

/// Losses, parameters and states after `epochs` epochs in the order of the rows, backwards at odd epochs.
fn train(problem: &Problem, limits: Limits, batch: usize, epochs: usize) -> (Engine, Vec<f64>, Vec<Vec<f64>>) {
    let roles = Roles { train: Some((problem.rows, batch, problem.optimizer.into())), ..Roles::default() };
    let device = Device::cpu();
    let opened = Engine::open_within(&device, limits, &problem.network, roles);
    let mut engine = pollster::block_on(opened).unwrap();
    engine.write_parameters(&problem.parameters).unwrap();
    engine.set_training_data(&dataset(problem)).unwrap();
    let mut losses: Vec<f64> = Vec::new();
    for epoch in 0..epochs {
        let mut order: Vec<u32> = (0..problem.rows as u32).collect();
        if epoch % 2 == 1 {
            order.reverse();
        }
        let mut sink = |l: &[f64]| {
            losses.extend(l);
            Flow::Continue
        };
        let first = (epoch * problem.rows.div_ceil(batch)) as u64;
        let ran = pollster::block_on(engine.train(&order, first, &mut sink)).unwrap();
        assert_eq!(ran, problem.rows.div_ceil(batch));
    }
    let tensors =
        [pollster::block_on(engine.read_parameters()).unwrap(), pollster::block_on(engine.read_states()).unwrap()];
    let values = tensors.concat().into_iter().map(|t| t.values).collect();
    (engine, losses, values)
}

#[test]
fn a_data_set_that_streams_gives_the_bits_of_one_that_is_resident() {
    for loss in [Loss::Mse, Loss::cross_entropy()] {
        let net = network(&[8, 6, 4], &[Activation::Tanh, Activation::Identity], &[true], loss);
        let problem = Problem::new(net, ADAMW, 101, 8, 9);
        let (resident, losses, values) = train(&problem, Limits::CPU, 8, 3);
        // 40 of the 101 rows of 8 numbers fit a binding: pieces of 40, 40 and 21 rows, the last batch not full.
        let small = Limits { max_storage_buffer_binding_size_bytes: 4 * 8 * 43, ..Limits::CPU };
        let (streamed, streamed_losses, streamed_values) = train(&problem, small, 8, 3);
        let rows = |e: &Engine| e.plans()[0].buffer("data.train.x").unwrap().shape[0];
        assert_eq!((rows(&resident), rows(&streamed)), (101, 40));
        assert_eq!(losses.len(), 3 * 13);
        assert_eq!(losses, streamed_losses);
        assert_eq!(values, streamed_values);
    }
}

#[test]
fn an_epoch_longer_than_the_tables_gives_the_bits_of_one_table() {
    let net = network(&[2, 3, 1], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    let mut problem = Problem::new(net, ADAMW, 8192 + 77, 1, 4);
    let (engine, losses, values) = train(&problem, Limits::CPU, 1, 1);
    assert_eq!(engine.plans()[0].steps, 8192);
    // One plan whose tables hold the epoch.
    let steps = problem.rows;
    let plan = problem.plan(&Options::new("train", steps));
    problem.index = (0..steps as u32).collect();
    problem.weight = vec![1.0; steps];
    let mut session = problem.whole_epoch(&Device::cpu(), &plan);
    assert_eq!(read(&mut session, "loss"), losses);
    let names = problem.network.parameters().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let states = (0..2).flat_map(|s| names.iter().map(move |n| format!("state.{s}.{n}"))).collect::<Vec<_>>();
    for (name, value) in names.iter().chain(&states).zip(values) {
        assert_eq!(read(&mut session, name), value, "{name}");
    }
}

#[test]
fn padding_contributes_nothing_on_the_cpu() {
    for (case, [clean, junk]) in support::problem::padded().into_iter().enumerate() {
        let plan = clean.plan(&Options::new("train", 1));
        let (mut a, mut b) = (clean.step(&Device::cpu(), &plan), junk.step(&Device::cpu(), &plan));
        for name in clean.results().into_iter().chain(["loss".to_string()]) {
            let values = read(&mut a, &name);
            assert!(values.iter().all(|v| v.is_finite()), "case {case}: {name}");
            assert_eq!(values, read(&mut b, &name), "case {case}: {name}");
        }
        // Negative control: with a weight the same row is seen.
        let mut seen = junk.clone();
        seen.weight[6] = 0.125;
        let loss = read(&mut seen.step(&Device::cpu(), &plan), "loss");
        assert_ne!(loss, read(&mut a, "loss"), "case {case}: a weighted row made no difference");
    }
}

/// What whole steps are chosen for: the plan that WebGPU's limits and a software rasteriser give.
fn whole(problem: &Problem, direct: bool) -> Option<Plan> {
    let products = Products { direct, lanes: None };
    let plan = problem.plan(&Options { whole: true, products, ..Options::new("train", 3) });
    plan.whole.is_some().then_some(plan)
}

#[test]
fn whole_steps_are_chosen_for_tiny_dense_chains_and_for_nothing_else() {
    let net =
        |widths: &[usize], act: Activation, loss: Loss| network(widths, &vec![act; widths.len() - 1], &[true], loss);
    let problem = |net: Network, batch: usize| Problem::new(net, MOMENTUM, 70, batch, 1);
    for direct in [true, false] {
        let tiny = problem(net(&[2, 2, 2], Activation::Sigmoid, Loss::HalfSquaredError), 1);
        assert!(whole(&tiny, direct).is_some());
        assert!(tiny.plan(&Options::new("train", 3)).whole.is_none(), "switched off");
        // Too much work for one workgroup; a softmax layer; rows of a loss that a workgroup shares.
        assert!(whole(&problem(net(&[784, 128, 10], Activation::Relu, Loss::cross_entropy()), 64), direct).is_none());
        assert!(whole(&problem(net(&[2, 3, 2], Activation::Softmax, Loss::Mse), 1), direct).is_none());
        assert!(whole(&problem(net(&[2, 65], Activation::Tanh, Loss::Mse), 1), direct).is_none());
        // More instructions than the program holds.
        assert!(whole(&problem(net(&[2; 13], Activation::Tanh, Loss::Mse), 1), direct).is_none());
    }
    let digits = network(&[64, 32, 10], &[Activation::Relu, Activation::Identity], &[true], Loss::cross_entropy());
    assert!(whole(&problem(digits, 32), true).is_some(), "64-32-10 on a software rasteriser");
}

#[test]
fn a_plan_of_whole_steps_has_one_arena_of_disjoint_values_with_the_parameters_first() {
    for seed in 0..80 {
        let problem = Problem::random(seed);
        let Some(plan) = whole(&problem, seed % 2 == 0) else { continue };
        let separate = problem.plan(&Options::new("train", 3));
        for (name, _) in problem.network.parameters() {
            let (a, b) = (plan.buffer(&name).unwrap().range, separate.buffer(&name).unwrap().range);
            assert_eq!((plan.arenas[a.arena].name.as_str(), a.offset, a.len), ("params", b.offset, b.len), "{name}");
        }
        for (i, a) in plan.buffers.iter().enumerate() {
            assert!(a.range.offset + a.range.len <= plan.arenas[a.range.arena].len, "{}", a.name);
            let meets = |b: &&wgrad::plan::Buffer| {
                let (a, b) = (a.range, b.range);
                a.arena == b.arena && a.offset < b.offset + b.len && b.offset < a.offset + a.len
            };
            assert_eq!(plan.buffers[..i].iter().find(meets).map(|b| &b.name), None, "seed {seed}: {} shares", a.name);
        }
        // The arena says what it is made of.
        let bytes = |plan: &Plan, what: Holds| -> u64 {
            let parts = allocated(std::slice::from_ref(plan)).unwrap();
            parts
                .iter()
                .filter(|(holds, _)| *holds == what)
                .map(|(_, bytes)| bytes.next_multiple_of(4 * ALIGN_ELEMENTS as u64))
                .sum()
        };
        for what in [Holds::Parameters, Holds::Gradients, Holds::States] {
            assert_eq!(bytes(&plan, what), bytes(&separate, what), "seed {seed}: {what:?}");
        }
        assert!(bytes(&plan, Holds::Scratch) > 0);
        let names = |p: &Plan| p.dispatches.iter().map(|d| (d.kernel, d.label.clone())).collect::<Vec<_>>();
        assert_eq!(names(&plan), names(&separate));
        let program = &plan.whole.as_ref().unwrap();
        assert!(program.bindings.len() <= Limits::WEBGPU.max_storage_buffers_per_shader_stage as usize);
        assert!(program.steps > 0);
    }
}
