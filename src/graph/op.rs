//! Activations.

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
