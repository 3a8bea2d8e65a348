//! Reads the train step of a chain of dense layers from a plan's dispatches, and writes it as a program for the shader.
//!
//! The shader runs lists of instructions of one kind each: gathers, forward products, products for the gradients of the
//! layers' inputs, products for the weights' gradients, column sums, updates; loss and mean loss once. What does not fit this
//! form (softmax layers, wide rows of a loss, products without fusion) is left to separate dispatches.

use super::super::{Dispatch, Plan, Range};
use super::{Cost, Spread, Whole, cost};
use crate::kernels::definition::StepPart;
use crate::kernels::loss::whole_code;
use crate::kernels::{Activation, Args, Kernel, Param};

/// Words of the shader's `Program` before its code.
pub const HEADER_WORDS: usize = 32;
/// Words of one `Instruction`.
pub const CODE_WORDS: usize = 16;
/// Instructions of a program at most, as in the shader.
pub const MAX_INSTRUCTIONS: usize = 64;

const HAS_BIAS: u32 = 1;
const KEEP_Z: u32 = 2;
const HAS_ACT: u32 = 4;

/// One instruction of the shader; fields that its kind does not use are 0.
#[derive(Debug, Clone, Default)]
pub struct Instruction {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    a: usize,
    a_row: usize,
    a_step: usize,
    b: usize,
    b_col: usize,
    b_step: usize,
    y: usize,
    z: usize,
    extra: usize,
    act: Option<Activation>,
    /// Weight decay of an update.
    decay: f64,
    flags: u32,
}

/// A train step, by kinds of instructions.
#[derive(Debug, Default)]
pub struct Chain {
    pub gathers: Vec<Instruction>,
    pub forwards: Vec<Instruction>,
    pub inputs: Vec<Instruction>,
    pub weights: Vec<Instruction>,
    pub biases: Vec<Instruction>,
    pub updates: Vec<Instruction>,
    /// The gradient of the last activation: elements, where it is taken, result.
    pub last: Option<(usize, Range, Range, Activation)>,
    pub loss: Option<Dispatch>,
    /// With the shader's code of the optimizer.
    update: Option<(Dispatch, u32)>,
    mean: Option<Dispatch>,
    /// Data of the gathers.
    data: Vec<Range>,
    index: Option<Range>,
}

/// The chain of `plan`, if it is one.
pub fn read(plan: &Plan) -> Option<Chain> {
    let mut chain = Chain::default();
    for dispatch in &plan.dispatches {
        chain.add(plan, dispatch)?;
    }
    chain.check().then_some(chain)
}

impl Chain {
    /// Adds a dispatch; `None` if it does not fit.
    fn add(&mut self, plan: &Plan, d: &Dispatch) -> Option<()> {
        match d.kernel.step_part {
            Some(StepPart::Gather) => self.gather(d),
            Some(StepPart::Forward) => self.forwards.push(forward(d)),
            Some(StepPart::Product) => self.product(d)?,
            Some(StepPart::InputGradient) => self.inputs.push(input_gradient(d)),
            Some(StepPart::WeightAndBias) => self.weight_and_bias(d),
            Some(StepPart::Bias) => self.biases.push(column_sum(d)?),
            Some(StepPart::Mean) => self.mean = Some(d.clone()),
            Some(StepPart::Update(code)) => self.updates(plan, d, code),
            None if whole_code(d.kernel).is_some() && d.args.constant("LANES") == 1.0 => {
                self.loss = self.loss.is_none().then(|| d.clone());
                self.loss.as_ref()?;
            }
            None => self.activation(d.kernel, d)?,
        }
        Some(())
    }

    /// The rows of a batch, of samples or targets.
    fn gather(&mut self, d: &Dispatch) {
        let [rows, cols, _] = d.args.sizes();
        self.index = Some(d.bindings[1]);
        self.data.push(d.bindings[2]);
        self.gathers.push(Instruction { m: rows, n: cols, y: d.bindings[3].offset, ..Instruction::default() });
    }

    /// A plain product: forward without bias, gradient of a weight, gradient of an input behind an identity.
    fn product(&mut self, d: &Dispatch) -> Option<()> {
        let trans = ["TRANS_A", "TRANS_B"].map(|name| d.args.constant(name) != 0.0);
        let list = match trans {
            [false, true] => &mut self.forwards,
            [true, false] => &mut self.weights,
            [false, false] => &mut self.inputs,
            [true, true] => return None,
        };
        let [a, b, y] = [0, 1, 2].map(|i| d.bindings[i].offset);
        list.push(Instruction { a, b, y, ..Instruction::product(d, trans) });
        Some(())
    }

    /// The gradients of a weight and of its bias.
    fn weight_and_bias(&mut self, d: &Dispatch) {
        let [a, b, y, bias] = [0, 1, 2, 3].map(|i| d.bindings[i].offset);
        let weight = Instruction { a, b, y, ..Instruction::product(d, [true, false]) };
        self.biases.push(Instruction { m: weight.k, n: weight.m, a, y: bias, ..Instruction::default() });
        self.weights.push(weight);
    }

    /// An activation behind a layer without bias, or the gradient of the last layer's.
    fn activation(&mut self, kernel: Kernel, d: &Dispatch) -> Option<()> {
        let (act, grad) = Activation::of_kernel(kernel, &d.args)?;
        if grad {
            let loss = self.loss.as_ref()?;
            if self.last.is_some() || d.bindings[0] != loss.bindings[5] {
                return None;
            }
            self.last = Some((d.args.size(0), d.bindings[1], d.bindings[2], act));
            return Some(());
        }
        let layer = self.forwards.last_mut()?;
        if layer.flags != 0 || layer.y != d.bindings[0].offset || layer.m * layer.n != d.args.size(0) {
            return None;
        }
        (layer.z, layer.y) = (layer.y, d.bindings[1].offset);
        layer.flags = KEEP_Z | HAS_ACT;
        layer.act = Some(act);
        Some(())
    }

    /// The parts of an update that hold parameters: what lies between them stays 0.
    fn updates(&mut self, plan: &Plan, d: &Dispatch, code: u32) {
        let (grads, params) = (d.bindings[2], d.bindings[3]);
        let state = |slot: usize| d.bindings.get(4 + slot).map_or(0, |s| s.offset);
        let decay = d.args.params.last().map_or(0.0, |p| if let Param::F(v) = p { *v } else { 0.0 });
        let inside = |r: &Range| {
            r.arena == params.arena && params.offset <= r.offset && r.offset + r.len <= params.offset + params.len
        };
        for parameter in plan.buffers.iter().map(|b| b.range).filter(inside) {
            let at = parameter.offset - params.offset;
            self.updates.push(Instruction {
                n: parameter.len,
                a: grads.offset + at,
                y: parameter.offset,
                b: state(0) + at,
                z: state(1) + at,
                decay,
                ..Instruction::default()
            });
        }
        self.update = Some((d.clone(), code));
    }

    /// Whether all parts are there and their bindings are those that the shader has.
    fn check(&self) -> bool {
        let (Some(loss), Some(mean), Some(_)) = (&self.loss, &self.mean, &self.update) else { return false };
        let [rows, _, stride] = loss.args.sizes();
        let batches = self.gathers.iter().all(|g| g.m == rows) && self.data.len() == 2;
        let upstream = loss.bindings[3] == mean.bindings[1] && stride == rows && mean.args.sizes() == [rows, rows];
        batches && upstream && self.code().len() <= MAX_INSTRUCTIONS && !self.forwards.is_empty()
    }

    /// The shader's lists, in its order.
    fn lists(&self) -> [&Vec<Instruction>; 6] {
        [&self.gathers, &self.forwards, &self.inputs, &self.weights, &self.biases, &self.updates]
    }

    /// All instructions in the order of the shader's lists.
    pub fn code(&self) -> Vec<&Instruction> {
        self.lists().into_iter().flatten().collect()
    }

    /// The activations that the step uses, each once; identity is none.
    fn activations(&self) -> Vec<Activation> {
        let mut acts: Vec<Activation> = Vec::new();
        let last = self.last.as_ref().map(|l| l.3);
        for act in self.code().iter().filter_map(|i| i.act).chain(last).filter(|a| *a != Activation::Identity) {
            if !acts.contains(&act) {
                acts.push(act);
            }
        }
        acts
    }

    /// The program of a plan whose memory is merged.
    pub fn program(&self, plan: &Plan, spread: Spread, cost: Cost) -> Option<Whole> {
        let (loss, mean, (update, optimizer)) = (self.loss.as_ref()?, self.mean.as_ref()?, self.update.as_ref()?);
        let code = self.code();
        let mut program = self.header(loss, update);
        debug_assert_eq!(program.len(), HEADER_WORDS);
        program.extend(code.iter().flat_map(|i| i.words()));
        program.resize(HEADER_WORDS + CODE_WORDS * MAX_INSTRUCTIONS, 0);
        let arena = |arena: usize| Range { arena, offset: 0, len: plan.arenas[arena].len };
        let memory = update.bindings[3].arena;
        let bindings = [
            arena(0),
            self.index?,
            self.data[0],
            self.data[1],
            update.bindings[1],
            mean.bindings[1],
            mean.bindings[2],
            arena(memory),
        ];
        let acts = self.activations();
        let only = acts.first().copied().unwrap_or(Activation::Identity);
        let (code, classes, mean_loss) = whole_code(loss.kernel)?;
        let mut constants = vec![
            ("WORKGROUP", spread.workgroup as f64),
            ("BLOCKS", f64::from(spread.blocks)),
            ("CLASS_LOSS", f64::from(classes)),
            ("LOSS", f64::from(code)),
            ("MEAN", f64::from(mean_loss)),
            ("OPTIMIZER", f64::from(*optimizer)),
            ("ACT", f64::from(only.code())),
            ("SLOPE", only.slope()),
            ("MIXED", f64::from(acts.len() > 1)),
        ];
        // The parameter of the loss.
        constants.extend(loss.args.constants.iter().filter(|(name, _)| *name != "LANES"));
        let iterations = cost::iterations(self, spread);
        let steps = (cost::MAX_ITERATIONS / iterations) as u32;
        (steps > 0).then_some(Whole { program, constants, bindings, cost, steps })
    }

    /// `Program` up to its code, in the shader's order.
    fn header(&self, loss: &Dispatch, update: &Dispatch) -> Vec<u32> {
        let ends = self.lists().into_iter().scan(0, |end, list| {
            *end += list.len() as u32;
            Some(*end)
        });
        let [rows, cols, stride] = loss.args.sizes::<3>().map(|s| s as u32);
        let place = |i: usize| loss.bindings[i].offset as u32;
        let (n, x, y, act) = match self.last {
            Some((n, x, y, act)) => (n as u32, x.offset as u32, y.offset as u32, act),
            None => (0, 0, 0, Activation::Identity),
        };
        let mut words = vec![1, 1];
        words.extend(ends);
        words.extend([rows, cols, stride, rows.next_power_of_two().min(64), place(1), place(2), place(4), place(5)]);
        words.extend([n, x, y, act.code(), bits(act.slope())]);
        words.extend(rates(&update.args, update.kernel));
        words.resize(HEADER_WORDS, 0);
        words
    }
}

/// `hyper_stride` to `eps` of the shader's `Program`; 0 for what the optimizer does not have.
fn rates(args: &Args, kernel: Kernel) -> [u32; 5] {
    ["hyper_stride", "nesterov", "beta2", "one_minus_beta2", "eps"].map(|name| {
        let param = kernel.params.iter().position(|param| *param == name).map(|i| args.params[i]);
        param.map_or(0, |param| match param {
            Param::U(number) => number,
            Param::F(number) => bits(number),
        })
    })
}

impl Instruction {
    /// The sizes and strides of a product, either operand of which may be transposed.
    fn product(d: &Dispatch, [trans_a, trans_b]: [bool; 2]) -> Instruction {
        let [m, n, k] = d.args.sizes();
        let (a_row, a_step) = if trans_a { (1, m) } else { (k, 1) };
        let (b_col, b_step) = if trans_b { (k, 1) } else { (1, n) };
        Instruction { m, n, k, a_row, a_step, b_col, b_step, ..Instruction::default() }
    }

    /// `Instruction` of the shader.
    fn words(&self) -> [u32; CODE_WORDS] {
        let Instruction { m, n, k, a, a_row, a_step, b, b_col, b_step, y, z, extra, act, decay, flags } = *self;
        let act = act.unwrap_or(Activation::Identity);
        let mut words = [0; CODE_WORDS];
        words[..12].copy_from_slice(&[m, n, k, a, a_row, a_step, b, b_col, b_step, y, z, extra].map(|p| p as u32));
        words[12] = act.code();
        words[13] = bits(if decay == 0.0 { act.slope() } else { decay });
        words[14] = flags;
        words
    }
}

fn bits(number: f64) -> u32 {
    (number as f32).to_bits()
}

/// A product with bias and activation.
fn forward(d: &Dispatch) -> Instruction {
    let [a, b, extra, y, z] = [0, 1, 2, 3, 4].map(|i| d.bindings[i].offset);
    let keep = if d.args.constant("KEEP_Z") == 0.0 { 0 } else { KEEP_Z };
    let act = Activation::of_epilogue(&d.args);
    let has_act = if act == Activation::Identity { 0 } else { HAS_ACT };
    let flags = HAS_BIAS | keep | has_act;
    Instruction { a, b, y, z, extra, act: Some(act), flags, ..Instruction::product(d, [false, true]) }
}

/// The gradient of a layer's input, times the derivative of the activation before it.
fn input_gradient(d: &Dispatch) -> Instruction {
    let [a, b, extra, y] = [0, 1, 2, 3].map(|i| d.bindings[i].offset);
    let act = Activation::of_epilogue(&d.args);
    let flags = if act == Activation::Identity { 0 } else { HAS_ACT };
    Instruction { a, b, y, extra, act: Some(act), flags, ..Instruction::product(d, [false, false]) }
}

/// A column sum in one pass; longer columns take more, and are no work for one workgroup.
fn column_sum(d: &Dispatch) -> Option<Instruction> {
    let [rows, cols, rows_per_sum] = d.args.sizes();
    let (a, y) = (d.bindings[0].offset, d.bindings[1].offset);
    (rows <= rows_per_sum).then(|| Instruction { m: rows, n: cols, a, y, ..Instruction::default() })
}
