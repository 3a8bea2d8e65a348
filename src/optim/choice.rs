//! The optimizers and their constants.

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

    /// Every name that a spec may use.
    pub const NAMES: &[&str] = &["sgd", "adam", "adamw", "nadam", "rmsprop", "adagrad", "lion"];

    /// The name that a spec uses.
    pub fn name(self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "sgd",
            Optimizer::Adam(_) => "adam",
            Optimizer::AdamW(_) => "adamw",
            Optimizer::NAdam { .. } => "nadam",
            Optimizer::RmsProp(_) => "rmsprop",
            Optimizer::Adagrad(_) => "adagrad",
            Optimizer::Lion { .. } => "lion",
        }
    }

    /// Where each optimizer keeps its learning rate.
    fn lr_mut(&mut self) -> &mut f64 {
        match self {
            Optimizer::Sgd { lr, .. } | Optimizer::Lion { lr, .. } => lr,
            Optimizer::Adam(a) | Optimizer::AdamW(a) | Optimizer::NAdam { adam: a, .. } => &mut a.lr,
            Optimizer::RmsProp(r) => &mut r.lr,
            Optimizer::Adagrad(a) => &mut a.lr,
        }
    }

    /// Learning rate.
    pub fn lr(mut self) -> f64 {
        *self.lr_mut()
    }

    /// The same with another learning rate.
    #[must_use]
    pub fn with_lr(mut self, rate: f64) -> Optimizer {
        *self.lr_mut() = rate;
        self
    }
}
