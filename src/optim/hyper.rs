//! What optimizers keep, and their constants at each step.

use super::{Adam, Optimizer, RmsProp, Schedule};
use crate::kernels::{Kernel, Param};

pub use crate::kernels::optimizer::HYPER_COLUMNS;

/// Name of the table of what an optimizer multiplies by at each step.
pub const HYPER: &str = "hyper";

impl Optimizer {
    /// Its kernel over `len` elements, with the params that do not change from step to step. The weight decay, the last of
    /// them, is 0 unless `decays`.
    pub(crate) fn launch(self, len: usize, decays: bool) -> (Kernel, Vec<Param>) {
        // 1 - beta is taken in f64: in f32 it would lose the digits that beta's rounding cost.
        let moments = |beta2: f64, eps: f64| [beta2, 1.0 - beta2, eps].map(Param::F).to_vec();
        let of_adam = |kernel, a: Adam| (kernel, moments(a.beta2, a.eps), a.weight_decay);
        let of_rmsprop = |kernel, r: RmsProp| (kernel, moments(r.alpha, r.eps), r.weight_decay);
        let (kernel, constants, decay) = match self {
            Optimizer::Sgd { momentum: 0.0, weight_decay, .. } => (Kernel::sgd_step, Vec::new(), weight_decay),
            Optimizer::Sgd { nesterov, weight_decay, .. } => {
                (Kernel::sgd_momentum_step, vec![Param::U(u32::from(nesterov))], weight_decay)
            }
            Optimizer::Adam(a) => of_adam(Kernel::adam_step, a),
            Optimizer::AdamW(a) => of_adam(Kernel::adamw_step, a),
            Optimizer::NAdam { adam, .. } => of_adam(Kernel::nadam_step, adam),
            Optimizer::RmsProp(r) if r.centered => of_rmsprop(Kernel::rmsprop_centered_step, r),
            Optimizer::RmsProp(r) if r.momentum != 0.0 => of_rmsprop(Kernel::rmsprop_momentum_step, r),
            Optimizer::RmsProp(r) => of_rmsprop(Kernel::rmsprop_step, r),
            Optimizer::Adagrad(a) => (Kernel::adagrad_step, vec![Param::F(a.eps)], a.weight_decay),
            Optimizer::Lion { beta2, weight_decay, .. } => {
                (Kernel::lion_step, [beta2, 1.0 - beta2].map(Param::F).to_vec(), weight_decay)
            }
        };
        let sizes = [len, HYPER_COLUMNS].map(|size| Param::U(size as u32));
        let decay = Param::F(if decays { decay } else { 0.0 });
        (kernel, sizes.into_iter().chain(constants).chain([decay]).collect())
    }

    /// How many states of the parameter's shape the optimizer keeps.
    pub fn state_slots(self) -> usize {
        match self {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Optimizer::Adam(_) | Optimizer::AdamW(_) | Optimizer::NAdam { .. } => 2,
            Optimizer::RmsProp(r) if r.centered => 3,
            Optimizer::RmsProp(r) => 1 + usize::from(r.momentum != 0.0),
            Optimizer::Adagrad(_) | Optimizer::Lion { .. } => 1,
        }
    }

    /// What every number of its states is before the first step.
    pub fn initial_state(self) -> f64 {
        if let Optimizer::Adagrad(a) = self { a.initial_accumulator } else { 0.0 }
    }

    /// The momentum, or beta1 in Adam and its kin and in Lion; `None` where there is neither.
    pub(crate) fn momentum(self) -> Option<f64> {
        match self {
            Optimizer::Sgd { momentum, .. } | Optimizer::RmsProp(RmsProp { momentum, .. }) => Some(momentum),
            Optimizer::Adam(a) | Optimizer::AdamW(a) | Optimizer::NAdam { adam: a, .. } => Some(a.beta1),
            Optimizer::Lion { beta1, .. } => Some(beta1),
            Optimizer::Adagrad(_) => None,
        }
    }

    /// As `schedule` needs it: where that cycles the momentum, sgd and rmsprop keep a velocity even if their own momentum is 0,
    /// as they do in PyTorch.
    ///
    /// # Errors
    /// What to do, in words, where the schedule cycles a momentum and there is none.
    pub fn under(mut self, schedule: &Schedule) -> std::result::Result<Optimizer, String> {
        let Some(cycle) = schedule.cycle() else { return Ok(self) };
        match &mut self {
            Optimizer::Sgd { momentum, .. } | Optimizer::RmsProp(RmsProp { momentum, .. }) if *momentum == 0.0 => {
                *momentum = cycle.max_momentum;
            }
            _ => {}
        }
        match self.momentum() {
            Some(_) => Ok(self),
            None => Err(format!(
                "schedule one_cycle cycles the momentum, and optimizer {} has none. Choose another optimizer, or write \
                 {{ one_cycle = {{ cycle_momentum = false }} }}",
                self.name()
            )),
        }
    }

    /// The row of the table `hyper` for step `t`, counted from 0.
    pub fn hyper(self, t: u64) -> [f64; HYPER_COLUMNS] {
        self.hyper_under(t, |_| None)
    }

    /// The same where `momentum` gives that of each step, counted from 0; `None` for the optimizer's own.
    ///
    /// Adam's bias correction is 1 - beta1^t with the beta1 of this very step, as PyTorch takes it, although the moment has been
    /// averaged with others; NAdam's is the product of all steps' own.
    pub(crate) fn hyper_under(self, t: u64, momentum: impl Fn(u64) -> Option<f64>) -> [f64; HYPER_COLUMNS] {
        let of = |t: u64| momentum(t).or(self.momentum()).unwrap_or(0.0);
        let lr = self.lr();
        // powf, not powi: t may exceed i32 in a long run.
        let bias = |beta: f64| 1.0 - beta.powf((t + 1) as f64);
        let [step_size, inv_sqrt_bias2, moment_size] = match self {
            Optimizer::Sgd { .. } | Optimizer::Lion { .. } | Optimizer::RmsProp(_) => [lr, 1.0, 0.0],
            Optimizer::Adagrad(a) => [lr / (1.0 + t as f64 * a.lr_decay), 1.0, 0.0],
            Optimizer::NAdam { adam, momentum_decay } => {
                let [gradient, moment] = nadam(lr, momentum_decay, t, of);
                [gradient, 1.0 / bias(adam.beta2).sqrt(), moment]
            }
            Optimizer::Adam(a) | Optimizer::AdamW(a) => [lr / bias(of(t)), 1.0 / bias(a.beta2).sqrt(), 0.0],
        };
        [lr, step_size, inv_sqrt_bias2, moment_size, of(t), 1.0 - of(t)]
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
