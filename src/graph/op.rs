//! The choices that operations carry: activation, loss.

/// An activation function of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// y = x
    Identity,
    /// y = 1 / (1 + exp(-x))
    Sigmoid,
    /// y = tanh(x)
    Tanh,
    /// y = max(x, 0); the derivative at 0 is 0
    Relu,
    /// y = x for x > 0, `slope` * x otherwise; the derivative at 0 is `slope`
    LeakyRelu {
        /// Slope of the negative side; 0.01 by default, as in PyTorch.
        slope: f64,
    },
    /// y = x * Phi(x), with Phi the standard normal distribution function (erf form)
    Gelu,
    /// y = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
    GeluTanh,
    /// y = x * sigmoid(x)
    Silu,
    /// y = log(1 + exp(x))
    Softplus,
    /// y_j = exp(x_j) / sum_k exp(x_k) over each row
    Softmax,
}

impl Activation {
    /// Every name that a spec may use.
    pub const NAMES: &[&str] =
        &["identity", "sigmoid", "tanh", "relu", "leaky_relu", "gelu", "gelu_tanh", "silu", "softplus", "softmax"];

    /// The activation called `name`, with default parameters.
    pub fn by_name(name: &str) -> Option<Activation> {
        Some(match name {
            "identity" => Activation::Identity,
            "sigmoid" => Activation::Sigmoid,
            "tanh" => Activation::Tanh,
            "relu" => Activation::Relu,
            "leaky_relu" => Activation::LeakyRelu { slope: 0.01 },
            "gelu" => Activation::Gelu,
            "gelu_tanh" => Activation::GeluTanh,
            "silu" => Activation::Silu,
            "softplus" => Activation::Softplus,
            "softmax" => Activation::Softmax,
            _ => return None,
        })
    }

    /// The name that a spec uses.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::LeakyRelu { .. } => "leaky_relu",
            Activation::Gelu => "gelu",
            Activation::GeluTanh => "gelu_tanh",
            Activation::Silu => "silu",
            Activation::Softplus => "softplus",
            Activation::Softmax => "softmax",
        }
    }
}

/// A loss function. The loss of a batch is the mean over its samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// sum over outputs of (t - y)^2 / 2
    HalfSquaredError,
    /// mean over outputs of (y - t)^2
    Mse,
    /// mean over outputs of |y - t|; the derivative at 0 is 0
    Mae,
    /// mean over outputs of (y - t)^2 / 2 within `delta`, `delta` * (|y - t| - `delta` / 2) outside
    Huber {
        /// Where the square turns into a line; 1 by default, as in PyTorch.
        delta: f64,
    },
    /// mean over outputs of -(t log p + (1 - t) log(1 - p)), on probabilities p
    BinaryCrossEntropy,
    /// the same on logits, through the log-sum-exp form
    BceWithLogits,
    /// -log softmax(logits)\[class\]; the target is a class index
    CrossEntropy {
        /// Label smoothing (Szegedy et al. 2016, section 7), at least 0 and below 1: the target is the class with the share
        /// 1 - `smoothing`, and every class with the share `smoothing` / classes. 0 by default.
        smoothing: f64,
    },
    /// mean over outputs of max(0, 1 - t y) for targets -1 and 1; the derivative at the kink is 0
    Hinge,
}

impl Loss {
    /// Every name that a spec may use.
    pub const NAMES: &[&str] = &[
        "half_squared_error",
        "mse",
        "mae",
        "huber",
        "binary_cross_entropy",
        "bce_with_logits",
        "cross_entropy",
        "hinge",
    ];

    /// Cross entropy without label smoothing.
    pub const fn cross_entropy() -> Loss {
        Loss::CrossEntropy { smoothing: 0.0 }
    }

    /// The loss called `name`, with default parameters.
    pub fn by_name(name: &str) -> Option<Loss> {
        Some(match name {
            "half_squared_error" => Loss::HalfSquaredError,
            "mse" => Loss::Mse,
            "mae" => Loss::Mae,
            "huber" => Loss::Huber { delta: 1.0 },
            "binary_cross_entropy" => Loss::BinaryCrossEntropy,
            "bce_with_logits" => Loss::BceWithLogits,
            "cross_entropy" => Loss::cross_entropy(),
            "hinge" => Loss::Hinge,
            _ => return None,
        })
    }

    /// The name that a spec uses.
    pub fn name(self) -> &'static str {
        match self {
            Loss::HalfSquaredError => "half_squared_error",
            Loss::Mse => "mse",
            Loss::Mae => "mae",
            Loss::Huber { .. } => "huber",
            Loss::BinaryCrossEntropy => "binary_cross_entropy",
            Loss::BceWithLogits => "bce_with_logits",
            Loss::CrossEntropy { .. } => "cross_entropy",
            Loss::Hinge => "hinge",
        }
    }

    /// True where the target is a class index rather than numbers.
    pub fn takes_class(self) -> bool {
        matches!(self, Loss::CrossEntropy { .. })
    }

    /// The same loss with smoothed labels, `None` where it takes no classes; 0 smooths nothing.
    pub fn smoothed(self, smoothing: f64) -> Option<Loss> {
        match self {
            Loss::CrossEntropy { .. } => Some(Loss::CrossEntropy { smoothing }),
            _ => (smoothing == 0.0).then_some(self),
        }
    }

    /// The share of the target that is spread over all classes; 0 without label smoothing.
    pub fn smoothing(self) -> f64 {
        if let Loss::CrossEntropy { smoothing } = self { smoothing } else { 0.0 }
    }

    /// The loss of the labels as they are: what is measured on samples that nothing is learnt from.
    #[must_use]
    pub fn plain(self) -> Loss {
        self.smoothed(0.0).unwrap_or(self)
    }

    /// The targets that stand for no and yes, where the loss has such.
    pub fn no_and_yes(self) -> Option<[i64; 2]> {
        match self {
            Loss::BinaryCrossEntropy | Loss::BceWithLogits => Some([0, 1]),
            Loss::Hinge => Some([-1, 1]),
            _ => None,
        }
    }
}
