//! All that is known of the optimizers beside their kernels: constants, states, the passes of a step, what changes from step to step.

use super::hyper::HYPER_COLUMNS;
use super::step::{On, Passes, sizes};
use crate::kernels::{Kernel, Param};

/// An optimizer with its constants. Defaults and update rules are PyTorch's of the same name; weight decay does not
/// touch biases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// p -= lr * d, with d the gradient, or its running sum v = momentum * v + g, or g + momentum * v (Nesterov)
    Sgd {
        /// Learning rate.
        lr: f64,
        /// 0 for none.
        momentum: f64,
        /// Look-ahead momentum.
        nesterov: bool,
        /// L2 penalty: `weight_decay * p` is added to the gradient.
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba, 2015); weight decay is an L2 penalty in the gradient
    Adam(Adam),
    /// AdamW (Loshchilov and Hutter, 2019); weight decay shrinks the parameter directly
    AdamW(Adam),
    /// NAdam (Dozat, 2016); weight decay is an L2 penalty in the gradient
    NAdam {
        /// The constants that Adam has too; the learning rate is 0.002 by default.
        adam: Adam,
        /// How fast the momentum rises to beta1; 0.004 by default.
        momentum_decay: f64,
    },
    /// RMSProp (Tieleman and Hinton, 2012); weight decay is an L2 penalty in the gradient
    RmsProp(RmsProp),
    /// Adagrad (Duchi, Hazan and Singer, 2011); weight decay is an L2 penalty in the gradient
    Adagrad(Adagrad),
    /// Lion (Chen et al., 2023); weight decay shrinks the parameter directly
    Lion {
        /// Learning rate; 0.0001 by default.
        lr: f64,
        /// Share of the moment in the direction; 0.9 by default.
        beta1: f64,
        /// Decay of the moment; 0.99 by default.
        beta2: f64,
        /// 0 by default.
        weight_decay: f64,
    },
    /// Adafactor (Shazeer and Stern, 2018) as PyTorch has it: of a matrix it keeps the second moments of rows and columns alone, and its
    /// steps are relative to the parameter's size; weight decay shrinks the parameter directly
    Adafactor {
        /// The greatest relative step; after t steps it is 1 / sqrt(t) where that is less. 0.01 by default.
        lr: f64,
        /// The share of step t in the moments is t to this power; -0.8 by default.
        beta2_decay: f64,
        /// The least root of a second moment by which a gradient is divided; by default 2^-23, the machine epsilon of f32, which PyTorch
        /// takes for parameters in f32.
        eps1: f64,
        /// What a parameter's root mean square counts for at least; 0.001 by default.
        eps2: f64,
        /// The root mean square that a direction may have at most, at least 1; 1 by default.
        d: f64,
        /// 0 by default.
        weight_decay: f64,
    },
}

/// Constants of RMSProp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// Learning rate; 0.01 by default.
    pub lr: f64,
    /// Decay of the mean of the squares; 0.99 by default.
    pub alpha: f64,
    /// Added to the root; 1e-8 by default.
    pub eps: f64,
    /// 0, the default, for none.
    pub momentum: f64,
    /// Divide by the deviation instead of the root of the mean square.
    pub centered: bool,
    /// 0 by default.
    pub weight_decay: f64,
}

/// Constants of Adagrad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adagrad {
    /// Learning rate; 0.01 by default.
    pub lr: f64,
    /// After t steps the rate is lr / (1 + t lr_decay); 0 by default.
    pub lr_decay: f64,
    /// Added to the root; 1e-10 by default.
    pub eps: f64,
    /// What the sums of squares begin with; 0 by default.
    pub initial_accumulator: f64,
    /// 0 by default.
    pub weight_decay: f64,
}

impl RmsProp {
    /// PyTorch's constants with this learning rate.
    pub const fn new(lr: f64) -> RmsProp {
        RmsProp { lr, alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false, weight_decay: 0.0 }
    }
}

impl Adagrad {
    /// PyTorch's constants with this learning rate.
    pub const fn new(lr: f64) -> Adagrad {
        Adagrad { lr, lr_decay: 0.0, eps: 1e-10, initial_accumulator: 0.0, weight_decay: 0.0 }
    }
}

/// Constants of Adam and AdamW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Learning rate; 0.001 by default.
    pub lr: f64,
    /// Decay of the first moment; 0.9 by default.
    pub beta1: f64,
    /// Decay of the second moment; 0.999 by default.
    pub beta2: f64,
    /// Added to the root of the second moment; 1e-8 by default.
    pub eps: f64,
    /// 0 by default for Adam, 0.01 for AdamW.
    pub weight_decay: f64,
}

impl Adam {
    /// PyTorch's constants with this learning rate, without weight decay.
    pub const fn new(lr: f64) -> Adam {
        Adam { lr, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
    }
}

/// A constant of an optimizer, as a spec has it.
pub(crate) enum Constant<'a> {
    /// A number, and what it may be.
    Number(&'a mut f64, &'static Domain),
    /// A choice.
    Flag(&'a mut bool),
}

/// What a constant may be.
pub(crate) struct Domain {
    /// In words.
    pub words: &'static str,
    /// Whether it is this number.
    pub holds: fn(f64) -> bool,
}

const RATE: Domain = Domain { words: "a finite number above 0, such as 0.01", holds: |v| v.is_finite() && v > 0.0 };
const FRACTION: Domain =
    Domain { words: "a number of at least 0 and below 1, such as 0.9", holds: |v| (0.0..1.0).contains(&v) };
const NOT_NEGATIVE: Domain = Domain { words: "a finite number of at least 0", holds: |v| v.is_finite() && v >= 0.0 };
const NOT_POSITIVE: Domain =
    Domain { words: "a finite number of at most 0, such as -0.8", holds: |v| v.is_finite() && v <= 0.0 };
/// Its square is a number that no device takes for 0.
const ROOT: Domain = Domain { words: "a finite number of at least 1e-18", holds: |v| v.is_finite() && v >= 1e-18 };
const AT_LEAST_ONE: Domain = Domain { words: "a finite number of at least 1", holds: |v| v.is_finite() && v >= 1.0 };
const POSITIVE: Domain = Domain { words: "a finite number above 0", holds: |v| v.is_finite() && v > 0.0 };

impl Optimizer {
    /// Plain gradient descent.
    pub const fn sgd(lr: f64) -> Optimizer {
        Optimizer::Sgd { lr, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with PyTorch's constants.
    pub const fn adam(lr: f64) -> Optimizer {
        Optimizer::Adam(Adam::new(lr))
    }

    /// AdamW with PyTorch's constants, weight decay 0.01.
    pub const fn adamw(lr: f64) -> Optimizer {
        Optimizer::AdamW(Adam { weight_decay: 0.01, ..Adam::new(lr) })
    }

    /// NAdam with PyTorch's constants.
    pub const fn nadam(lr: f64) -> Optimizer {
        Optimizer::NAdam { adam: Adam::new(lr), momentum_decay: 0.004 }
    }

    /// RMSProp with PyTorch's constants.
    pub const fn rmsprop(lr: f64) -> Optimizer {
        Optimizer::RmsProp(RmsProp::new(lr))
    }

    /// Adagrad with PyTorch's constants.
    pub const fn adagrad(lr: f64) -> Optimizer {
        Optimizer::Adagrad(Adagrad::new(lr))
    }

    /// Lion with the constants of its paper, without weight decay.
    pub const fn lion(lr: f64) -> Optimizer {
        Optimizer::Lion { lr, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }

    /// Adafactor with PyTorch's constants.
    pub const fn adafactor(lr: f64) -> Optimizer {
        let eps1 = f32::EPSILON as f64;
        Optimizer::Adafactor { lr, beta2_decay: -0.8, eps1, eps2: 1e-3, d: 1.0, weight_decay: 0.0 }
    }

    /// Every optimizer with its default constants; 0 stands for a learning rate that has none.
    const DEFAULTS: &[Optimizer] = &[
        Optimizer::sgd(0.0),
        Optimizer::adam(1e-3),
        Optimizer::adamw(1e-3),
        Optimizer::nadam(2e-3),
        Optimizer::rmsprop(0.01),
        Optimizer::adagrad(0.01),
        Optimizer::lion(1e-4),
        Optimizer::adafactor(0.01),
    ];

    /// Every name that a spec may use.
    pub const NAMES: &[&str] = &{
        let mut names = [""; Optimizer::DEFAULTS.len()];
        let mut i = 0;
        while i < names.len() {
            names[i] = Optimizer::DEFAULTS[i].name();
            i += 1;
        }
        names
    };

    /// The optimizer called `name` with its default constants; a learning rate without a default is 0.
    pub(crate) fn by_name(name: &str) -> Option<Optimizer> {
        Optimizer::DEFAULTS.iter().copied().find(|optimizer| optimizer.name() == name)
    }

    /// The name that a spec uses.
    pub const fn name(self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "sgd",
            Optimizer::Adam(_) => "adam",
            Optimizer::AdamW(_) => "adamw",
            Optimizer::NAdam { .. } => "nadam",
            Optimizer::RmsProp(_) => "rmsprop",
            Optimizer::Adagrad(_) => "adagrad",
            Optimizer::Lion { .. } => "lion",
            Optimizer::Adafactor { .. } => "adafactor",
        }
    }

    /// Its constants by their keys, in the order in which a spec has them.
    pub(crate) fn constants(&mut self) -> Vec<(&'static str, Constant<'_>)> {
        use Constant::{Flag, Number};
        match self {
            Optimizer::Sgd { lr, momentum, nesterov, weight_decay } => vec![
                ("lr", Number(lr, &RATE)),
                ("momentum", Number(momentum, &FRACTION)),
                ("nesterov", Flag(nesterov)),
                ("weight_decay", Number(weight_decay, &NOT_NEGATIVE)),
            ],
            Optimizer::Adam(adam) | Optimizer::AdamW(adam) => adam.constants(),
            Optimizer::NAdam { adam, momentum_decay } => {
                let mut constants = adam.constants();
                constants.push(("momentum_decay", Number(momentum_decay, &NOT_NEGATIVE)));
                constants
            }
            Optimizer::RmsProp(RmsProp { lr, alpha, eps, momentum, centered, weight_decay }) => vec![
                ("lr", Number(lr, &RATE)),
                ("alpha", Number(alpha, &FRACTION)),
                ("eps", Number(eps, &POSITIVE)),
                ("momentum", Number(momentum, &FRACTION)),
                ("weight_decay", Number(weight_decay, &NOT_NEGATIVE)),
                ("centered", Flag(centered)),
            ],
            Optimizer::Adagrad(Adagrad { lr, lr_decay, eps, initial_accumulator, weight_decay }) => vec![
                ("lr", Number(lr, &RATE)),
                ("lr_decay", Number(lr_decay, &NOT_NEGATIVE)),
                ("eps", Number(eps, &POSITIVE)),
                ("initial_accumulator", Number(initial_accumulator, &NOT_NEGATIVE)),
                ("weight_decay", Number(weight_decay, &NOT_NEGATIVE)),
            ],
            Optimizer::Lion { lr, beta1, beta2, weight_decay } => vec![
                ("lr", Number(lr, &RATE)),
                ("beta1", Number(beta1, &FRACTION)),
                ("beta2", Number(beta2, &FRACTION)),
                ("weight_decay", Number(weight_decay, &NOT_NEGATIVE)),
            ],
            Optimizer::Adafactor { lr, beta2_decay, eps1, eps2, d, weight_decay } => vec![
                ("lr", Number(lr, &RATE)),
                ("beta2_decay", Number(beta2_decay, &NOT_POSITIVE)),
                ("eps1", Number(eps1, &ROOT)),
                ("eps2", Number(eps2, &NOT_NEGATIVE)),
                ("d", Number(d, &AT_LEAST_ONE)),
                ("weight_decay", Number(weight_decay, &NOT_NEGATIVE)),
            ],
        }
    }

    /// Shapes of the states that it keeps of a parameter of this shape.
    pub fn states(self, shape: &[usize]) -> Vec<Vec<usize>> {
        let count = match self {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Optimizer::Adam(_) | Optimizer::AdamW(_) | Optimizer::NAdam { .. } => 2,
            Optimizer::RmsProp(r) if r.centered => 3,
            Optimizer::RmsProp(r) => 1 + usize::from(r.momentum != 0.0),
            Optimizer::Adagrad(_) | Optimizer::Lion { .. } => 1,
            Optimizer::Adafactor { .. } => match shape {
                [rows, cols] => return vec![vec![*rows], vec![*cols]],
                _ => 1,
            },
        };
        vec![shape.to_vec(); count]
    }

    /// What every number of its states is before the first step.
    pub fn initial_state(self) -> f64 {
        match self {
            Optimizer::Adagrad(a) => a.initial_accumulator,
            _ => 0.0,
        }
    }

    /// The passes of a step for a parameter of this shape, with this weight decay: what does not change from step to step.
    pub(crate) fn passes(self, shape: &[usize], decay: f64) -> Passes {
        let (kernel, numbers) = match self {
            Optimizer::Sgd { momentum: 0.0, .. } => (Kernel::sgd_step, vec![]),
            Optimizer::Sgd { nesterov, .. } => (Kernel::sgd_momentum_step, vec![Param::U(u32::from(nesterov))]),
            Optimizer::Adam(a) => (Kernel::adam_step, a.numbers()),
            Optimizer::AdamW(a) => (Kernel::adamw_step, a.numbers()),
            Optimizer::NAdam { adam: a, .. } => (Kernel::nadam_step, a.numbers()),
            Optimizer::RmsProp(r) if r.centered => (Kernel::rmsprop_centered_step, r.numbers()),
            Optimizer::RmsProp(r) if r.momentum != 0.0 => (Kernel::rmsprop_momentum_step, r.numbers()),
            Optimizer::RmsProp(r) => (Kernel::rmsprop_step, r.numbers()),
            Optimizer::Adagrad(a) => (Kernel::adagrad_step, vec![Param::F(a.eps)]),
            Optimizer::Lion { beta2, .. } => (Kernel::lion_step, vec![Param::F(beta2), Param::F(1.0 - beta2)]),
            Optimizer::Adafactor { eps1, eps2, d, .. } => return adafactor_passes(shape, [eps1, eps2, d, decay]),
        };
        let head = sizes(&[shape.iter().product(), HYPER_COLUMNS]);
        let params = head.into_iter().chain(numbers).chain([Param::F(decay)]).collect();
        let states = (0..self.states(shape).len()).map(On::State);
        let binds = [On::Counter, On::Hyper, On::Gradient, On::Parameter].into_iter().chain(states).collect();
        let mut passes = Passes::default();
        passes.push(kernel, params, vec![], binds);
        passes
    }

    /// Whether a step works on each number by itself, in one pass, so that one launch serves parameters that lie one behind the other.
    pub(crate) fn is_element_wise(self) -> bool {
        match self {
            Optimizer::Sgd { .. } | Optimizer::Adam(_) | Optimizer::AdamW(_) | Optimizer::NAdam { .. } => true,
            Optimizer::RmsProp(_) | Optimizer::Adagrad(_) | Optimizer::Lion { .. } => true,
            Optimizer::Adafactor { .. } => false,
        }
    }

    /// The numbers of step `t`, counted from 0, in the table `hyper`, where the momentum, or beta1, is `momentum` of each step.
    ///
    /// Adam's bias correction is 1 - beta1^t with the beta1 of this very step, as PyTorch takes it, although the moment has been
    /// averaged with others; NAdam's is the product of all steps' own.
    pub(super) fn row(self, t: u64, momentum: impl Fn(u64) -> f64) -> [f64; HYPER_COLUMNS] {
        let lr = self.lr();
        // powf, not powi: t may exceed i32 in a long run.
        let bias = |beta: f64| 1.0 - beta.powf((t + 1) as f64);
        let now = momentum(t);
        let [step_size, inv_sqrt_bias2, moment_size] = match self {
            Optimizer::Sgd { .. } | Optimizer::Lion { .. } | Optimizer::RmsProp(_) => [lr, 1.0, 0.0],
            Optimizer::Adagrad(a) => [lr / (1.0 + t as f64 * a.lr_decay), 1.0, 0.0],
            Optimizer::NAdam { adam, momentum_decay } => {
                let [gradient, moment] = nadam(lr, momentum_decay, t, momentum);
                [gradient, 1.0 / bias(adam.beta2).sqrt(), moment]
            }
            Optimizer::Adam(a) | Optimizer::AdamW(a) => [lr / bias(now), 1.0 / bias(a.beta2).sqrt(), 0.0],
            // The relative step, and the share of this step in the moments where others have a momentum.
            Optimizer::Adafactor { beta2_decay, .. } => {
                let share = ((t + 1) as f64).powf(beta2_decay);
                return [lr, lr.min(1.0 / ((t + 1) as f64).sqrt()), 1.0, 0.0, 1.0 - share, share];
            }
        };
        [lr, step_size, inv_sqrt_bias2, moment_size, now, 1.0 - now]
    }
}

impl Adam {
    fn constants(&mut self) -> Vec<(&'static str, Constant<'_>)> {
        let Adam { lr, beta1, beta2, eps, weight_decay } = self;
        vec![
            ("lr", Constant::Number(lr, &RATE)),
            ("beta1", Constant::Number(beta1, &FRACTION)),
            ("beta2", Constant::Number(beta2, &FRACTION)),
            ("eps", Constant::Number(eps, &POSITIVE)),
            ("weight_decay", Constant::Number(weight_decay, &NOT_NEGATIVE)),
        ]
    }

    /// 1 - beta is taken in f64: in f32 it would lose the digits that beta's rounding cost.
    fn numbers(self) -> Vec<Param> {
        [self.beta2, 1.0 - self.beta2, self.eps].map(Param::F).to_vec()
    }
}

impl RmsProp {
    fn numbers(self) -> Vec<Param> {
        [self.alpha, 1.0 - self.alpha, self.eps].map(Param::F).to_vec()
    }
}

/// What NAdam multiplies gradient and moment by: the momentum of step n is mu(n) = beta1 (1 - 0.96^(n momentum_decay) / 2), and
/// bias corrections of the first moment are products of them. `beta1` is that of each step, counted from 0; the next step's
/// share is taken with this one's.
fn nadam(lr: f64, momentum_decay: f64, t: u64, beta1: impl Fn(u64) -> f64) -> [f64; 2] {
    let share = |n: u64| 1.0 - 0.5 * 0.96_f64.powf(n as f64 * momentum_decay);
    let mut product = 1.0;
    for n in 1..=t + 1 {
        product *= beta1(n - 1) * share(n);
        // 1 - product is 1 from here on, whatever follows: long runs need no long loop.
        if product < f64::EPSILON / 8.0 {
            break;
        }
    }
    let (mu, next) = (beta1(t) * share(t + 1), beta1(t) * share(t + 2));
    [lr * (1.0 - mu) / (1.0 - product), lr * next / (1.0 - product * next)]
}

/// Moments of rows and columns, or of each number of a vector; the direction that they give; root mean squares; the step.
fn adafactor_passes(shape: &[usize], [eps1, eps2, d, decay]: [f64; 4]) -> Passes {
    let (rows, cols) = if let [rows, cols] = *shape { (rows, cols) } else { (shape.iter().product(), 1) };
    let (is_matrix, len) = (shape.len() == 2, rows * cols);
    let mut passes = Passes::default();
    let direction = passes.scratch("direction", &[rows, cols]);
    let moment = |passes: &mut Passes, slot, [outer, count, inner]: [usize; 3]| {
        let params = sizes(&[outer, HYPER_COLUMNS, count, inner]);
        let binds = [On::Counter, On::Hyper, On::Gradient, On::State(slot)];
        passes.push(Kernel::adafactor_moment, params, vec![], binds.to_vec());
    };
    let [column, total] = if is_matrix {
        moment(&mut passes, 0, [rows, cols, 1]);
        moment(&mut passes, 1, [1, rows, cols]);
        let total = passes.scratch("rows", &[1]);
        passes.sum(On::State(0), rows, total);
        [On::State(1), total]
    } else {
        moment(&mut passes, 0, [rows, 1, 1]);
        [On::Unused; 2]
    };
    let params = sizes(&[rows, cols, rows]).into_iter().chain([eps1, eps1 * eps1].map(Param::F)).collect();
    let binds = vec![On::Gradient, On::State(0), column, total, direction];
    passes.push(Kernel::adafactor_direction, params, vec![("FACTORED", f64::from(is_matrix))], binds);
    let [squares, size] = [("direction.squares", direction), ("squares", On::Parameter)].map(|(name, of)| {
        let sum = passes.scratch(name, &[1]);
        passes.sum_squares(of, len, sum);
        sum
    });
    let params = sizes(&[len, HYPER_COLUMNS, len]).into_iter().chain([eps2, d, decay].map(Param::F)).collect();
    let binds = vec![On::Counter, On::Hyper, direction, squares, size, On::Parameter];
    passes.push(Kernel::adafactor_step, params, vec![], binds);
    passes
}
