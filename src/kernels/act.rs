//! The element-wise activations as one enum: what the fused epilogues of the matrix products switch on.
//!
//! `code` is the value of the `ACT` override constant in `shaders/lib/activation.wgsl`.

use super::cpu::{self, vector};
use super::definition::Args;
use super::scalar::Scalar;

/// An element-wise activation (softmax works on rows and is a kernel of its own).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    /// y = x
    Identity,
    /// y = 1 / (1 + exp(-x))
    Sigmoid,
    /// y = tanh(x)
    Tanh,
    /// y = max(x, 0)
    Relu,
    /// y = x for x > 0, slope * x otherwise
    LeakyRelu(f64),
    /// y = x * Phi(x), Phi the normal distribution function
    Gelu,
    /// the tanh approximation of gelu
    GeluTanh,
    /// y = x * sigmoid(x)
    Silu,
    /// y = log(1 + exp(x))
    Softplus,
}

impl Act {
    /// Value of the `ACT` override constant.
    pub fn code(self) -> u32 {
        match self {
            Act::Identity => 0,
            Act::Sigmoid => 1,
            Act::Tanh => 2,
            Act::Relu => 3,
            Act::LeakyRelu(_) => 4,
            Act::Gelu => 5,
            Act::GeluTanh => 6,
            Act::Silu => 7,
            Act::Softplus => 8,
        }
    }

    /// Value of the `SLOPE` override constant: 0 but for leaky_relu.
    pub fn slope(self) -> f64 {
        if let Act::LeakyRelu(slope) = self { slope } else { 0.0 }
    }

    /// The activation that a dispatch's constants `ACT` and `SLOPE` stand for.
    pub fn from_args(args: &Args) -> Act {
        match args.constant("ACT") as u32 {
            0 => Act::Identity,
            1 => Act::Sigmoid,
            2 => Act::Tanh,
            3 => Act::Relu,
            4 => Act::LeakyRelu(args.constant("SLOPE")),
            5 => Act::Gelu,
            6 => Act::GeluTanh,
            7 => Act::Silu,
            8 => Act::Softplus,
            code => unreachable!("ACT = {code} is no activation"),
        }
    }

    /// The activation of `x`.
    pub fn value<T: Scalar>(self, x: T) -> T {
        match self {
            Act::Identity => cpu::identity::value(x),
            Act::Sigmoid => cpu::sigmoid::value(x),
            Act::Tanh => cpu::tanh::value(x),
            Act::Relu => cpu::relu::value(x),
            Act::LeakyRelu(slope) => cpu::leaky_relu::value(x, T::of(slope)),
            Act::Gelu => cpu::gelu::value(x),
            Act::GeluTanh => cpu::gelu_tanh::value(x),
            Act::Silu => cpu::silu::value(x),
            Act::Softplus => cpu::softplus::value(x),
        }
    }

    /// The derivative at `x` (for relu and leaky_relu, `x` may as well be the output).
    pub fn derivative<T: Scalar>(self, x: T) -> T {
        match self {
            Act::Identity => cpu::identity_grad::derivative(x),
            Act::Sigmoid => cpu::sigmoid_grad::derivative(x),
            Act::Tanh => cpu::tanh_grad::derivative(x),
            Act::Relu => cpu::relu_grad::derivative(x),
            Act::LeakyRelu(slope) => cpu::leaky_relu_grad::derivative(x, T::of(slope)),
            Act::Gelu => cpu::gelu_grad::derivative(x),
            Act::GeluTanh => cpu::gelu_tanh_grad::derivative(x),
            Act::Silu => cpu::silu_grad::derivative(x),
            Act::Softplus => cpu::softplus_grad::derivative(x),
        }
    }

    /// `y = activation(y)`, element by element.
    pub fn apply<T: Scalar>(self, y: &mut [T]) {
        match self {
            Act::Identity => {}
            Act::Sigmoid => vector::map_in_place(y, cpu::sigmoid::value),
            Act::Tanh => vector::map_in_place(y, cpu::tanh::value),
            Act::Relu => vector::map_in_place(y, cpu::relu::value),
            Act::LeakyRelu(slope) => {
                let slope = T::of(slope);
                vector::map_in_place(y, |x| cpu::leaky_relu::value(x, slope));
            }
            Act::Gelu => vector::map_in_place(y, cpu::gelu::value),
            Act::GeluTanh => vector::map_in_place(y, cpu::gelu_tanh::value),
            Act::Silu => vector::map_in_place(y, cpu::silu::value),
            Act::Softplus => vector::map_in_place(y, cpu::softplus::value),
        }
    }

    /// `dx *= derivative(x)`, element by element.
    pub fn multiply_derivative<T: Scalar>(self, dx: &mut [T], x: &[T]) {
        match self {
            Act::Identity => {}
            Act::Sigmoid => vector::product_in_place(dx, x, cpu::sigmoid_grad::derivative),
            Act::Tanh => vector::product_in_place(dx, x, cpu::tanh_grad::derivative),
            Act::Relu => vector::product_in_place(dx, x, cpu::relu_grad::derivative),
            Act::LeakyRelu(slope) => {
                let slope = T::of(slope);
                vector::product_in_place(dx, x, |x| cpu::leaky_relu_grad::derivative(x, slope));
            }
            Act::Gelu => vector::product_in_place(dx, x, cpu::gelu_grad::derivative),
            Act::GeluTanh => vector::product_in_place(dx, x, cpu::gelu_tanh_grad::derivative),
            Act::Silu => vector::product_in_place(dx, x, cpu::silu_grad::derivative),
            Act::Softplus => vector::product_in_place(dx, x, cpu::softplus_grad::derivative),
        }
    }

    /// Bound on the error of [`Act::value`] in f32 for an input that carries error `e`.
    pub fn value_error(self, x: f64, e: f64) -> f64 {
        match self {
            Act::Identity => cpu::identity::value_error(x, e),
            Act::Sigmoid => cpu::sigmoid::value_error(x, e),
            Act::Tanh => cpu::tanh::value_error(x, e),
            Act::Relu => cpu::relu::value_error(x, e),
            Act::LeakyRelu(slope) => cpu::leaky_relu::value_error(x, e, slope),
            Act::Gelu => cpu::gelu::value_error(x, e),
            Act::GeluTanh => cpu::gelu_tanh::value_error(x, e),
            Act::Silu => cpu::silu::value_error(x, e),
            Act::Softplus => cpu::softplus::value_error(x, e),
        }
    }

    /// Bound on the error of [`Act::derivative`] in f32 for an input that carries error `e`.
    pub fn derivative_error(self, x: f64, e: f64) -> f64 {
        match self {
            Act::Identity => cpu::identity_grad::derivative_error(x, e),
            Act::Sigmoid => cpu::sigmoid_grad::derivative_error(x, e),
            Act::Tanh => cpu::tanh_grad::derivative_error(x, e),
            Act::Relu => cpu::relu_grad::derivative_error(x, e),
            Act::LeakyRelu(slope) => cpu::leaky_relu_grad::derivative_error(x, e, slope),
            Act::Gelu => cpu::gelu_grad::derivative_error(x, e),
            Act::GeluTanh => cpu::gelu_tanh_grad::derivative_error(x, e),
            Act::Silu => cpu::silu_grad::derivative_error(x, e),
            Act::Softplus => cpu::softplus_grad::derivative_error(x, e),
        }
    }
}
