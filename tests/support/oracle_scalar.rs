//! The scalar functions of the oracle, in float64, from their definitions. Nothing of wgrad is called.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use wgrad::graph::Activation;

/// 1 / (1 + exp(-x)), without overflow and with full relative precision in both tails.
pub fn sigmoid(x: f64) -> f64 {
    if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
}

/// log(1 + exp(x)).
pub fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// The complementary error function, from two textbook expansions (Abramowitz and Stegun, 7.1.6 and 7.1.14).
pub fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    let scale = (-x * x).exp() / PI.sqrt();
    if x < 2.0 {
        // erf x = 2 / sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1 3 5 .. (2n+1)): all terms positive.
        let (mut term, mut sum) = (x, x);
        for n in 1..100 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        return 1.0 - 2.0 * scale * sum;
    }
    // erfc x = exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))), from the inside out.
    scale / (1..=200).rev().fold(x, |inner, n| x + 0.5 * f64::from(n) / inner)
}

/// The standard normal distribution function.
fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// sqrt(2 / pi) (x + 0.044715 x^3) and its derivative.
fn gelu_tanh_argument(x: f64) -> (f64, f64) {
    let c = (2.0 / PI).sqrt();
    (c * (x + 0.044715 * x * x * x), c * (1.0 + 3.0 * 0.044715 * x * x))
}

/// The activation of one number. Softmax takes a whole row and is not among these.
pub fn activation(of: Activation, x: f64) -> f64 {
    match of {
        Activation::Identity => x,
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu { slope } => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Activation::Gelu => x * normal_cdf(x),
        // (1 + tanh u) / 2 = sigmoid(2 u), which does not cancel where tanh u is near -1.
        Activation::GeluTanh => x * sigmoid(2.0 * gelu_tanh_argument(x).0),
        Activation::Silu => x * sigmoid(x),
        Activation::Softplus => softplus(x),
        Activation::Mish => x * softplus(x).tanh(),
        Activation::Softmax => unreachable!("softmax takes a row"),
        _ => unreachable!("the oracle has no {of:?}"),
    }
}

/// Its derivative. Written with sigmoid(-x) for 1 - sigmoid(x), which does not cancel.
pub fn derivative(of: Activation, x: f64) -> f64 {
    match of {
        Activation::Identity => 1.0,
        Activation::Sigmoid => sigmoid(x) * sigmoid(-x),
        // 1 - tanh(x)^2 = 1 / cosh(x)^2
        Activation::Tanh => x.cosh().powi(-2),
        Activation::Relu => {
            if x > 0.0 {
                1.0
            } else {
                0.0
            }
        }
        Activation::LeakyRelu { slope } => {
            if x > 0.0 {
                1.0
            } else {
                slope
            }
        }
        Activation::Gelu => normal_cdf(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt(),
        Activation::GeluTanh => {
            let (u, slope) = gelu_tanh_argument(x);
            sigmoid(2.0 * u) + x * sigmoid(2.0 * u) * sigmoid(-2.0 * u) * 2.0 * slope
        }
        Activation::Silu => sigmoid(x) + x * sigmoid(x) * sigmoid(-x),
        Activation::Softplus => sigmoid(x),
        Activation::Mish => softplus(x).tanh() + x * sigmoid(x) * softplus(x).cosh().powi(-2),
        Activation::Softmax => unreachable!("softmax takes a row"),
        _ => unreachable!("the oracle has no {of:?}"),
    }
}
