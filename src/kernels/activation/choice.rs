//! An activation as a choice: its name, kernels, constants and functions, all from the rows.

use super::super::cpu::vector;
use super::super::definition::{Args, Kernel};
use super::super::scalar::Scalar;
use super::row::{Derivative, Formula, Onnx, Value};
use super::*;
use std::mem::discriminant;

impl Activation {
    /// The activation called `name`, with its default parameter.
    pub fn by_name(name: &str) -> Option<Activation> {
        Activation::ALL.iter().copied().find(|a| a.name() == name)
    }

    /// The name that a spec uses.
    pub fn name(self) -> &'static str {
        Activation::NAMES[self.index()]
    }

    /// Every activation but softmax, which works on rows, with its default parameter.
    pub fn element_wise() -> impl Iterator<Item = Activation> {
        Activation::ALL.iter().copied().filter(|a| a.is_element_wise())
    }

    fn index(self) -> usize {
        Activation::ALL.iter().position(|a| discriminant(a) == discriminant(&self)).unwrap_or_default()
    }

    /// True for all but softmax, which works on rows.
    pub fn is_element_wise(self) -> bool {
        self != Activation::Softmax
    }

    /// The kernel that computes it.
    pub fn kernel(self) -> Kernel {
        KERNELS.get(2 * self.index()).copied().unwrap_or(Kernel::softmax)
    }

    /// The kernel of its gradient.
    pub fn gradient_kernel(self) -> Kernel {
        KERNELS.get(2 * self.index() + 1).copied().unwrap_or(Kernel::softmax_grad)
    }

    /// The override constants of both kernels.
    pub fn constants(self) -> Vec<(&'static str, f64)> {
        self.parameter().map(|(_, value)| ("SLOPE", value)).into_iter().collect()
    }

    /// The activation whose value or gradient a dispatch of `kernel` computes, and whether it is the gradient.
    pub fn of_kernel(kernel: Kernel, args: &Args) -> Option<(Activation, bool)> {
        let at = KERNELS.iter().position(|k| *k == kernel)?;
        Some((Activation::ALL[at / 2].with_parameter(args.constant("SLOPE")), at % 2 == 1))
    }

    /// Value of the constant `ACT` of a fused epilogue.
    pub fn code(self) -> u32 {
        self.index() as u32
    }

    /// Value of the constant `SLOPE`: the parameter, 0 where there is none.
    pub fn slope(self) -> f64 {
        self.parameter().map_or(0.0, |(_, value)| value)
    }

    /// The override constants of a fused epilogue.
    pub fn epilogue(self) -> Vec<(&'static str, f64)> {
        vec![("ACT", f64::from(self.code())), ("SLOPE", self.slope())]
    }

    /// The activation of a fused epilogue with these arguments.
    pub fn of_epilogue(args: &Args) -> Activation {
        Activation::ALL[args.constant("ACT") as usize].with_parameter(args.constant("SLOPE"))
    }

    /// True where it is about linear at 0, and not of the shape of relu, which passes one side and scales the other.
    pub fn is_linear(self) -> bool {
        LINEAR.get(self.index()).copied().unwrap_or(true)
    }

    /// True where it has a kink at 0.
    pub fn has_kink(self) -> bool {
        KINKS.get(self.index()).copied().unwrap_or(false)
    }

    /// True where the derivative can be had from the output without losing digits.
    pub fn keeps_sign(self) -> bool {
        self.is_element_wise() && with_formula!(self, f => f.keeps_sign())
    }

    /// Slope of the negative side where it is a line, else 0.
    pub fn negative_slope(self) -> f64 {
        if self.is_element_wise() { with_formula!(self, f => f.negative_slope()) } else { 0.0 }
    }

    /// What it is in ONNX; softmax is an operator over an axis.
    pub fn onnx(self) -> Onnx {
        ONNX[self.index()]
    }

    /// The activation of `x`.
    pub fn value<T: Scalar>(self, x: T) -> T {
        with_formula!(self, f => f.value(x))
    }

    /// The derivative at `x` (where the sign is kept, `x` may as well be the output).
    pub fn derivative<T: Scalar>(self, x: T) -> T {
        with_formula!(self, f => f.derivative(x))
    }

    /// `y = activation(y)`, element by element.
    pub fn apply<T: Scalar>(self, y: &mut [T]) {
        if self != Activation::Identity {
            with_formula!(self, f => vector::map_in_place(y, Value(f)));
        }
    }

    /// `dx *= derivative(x)`, element by element.
    pub fn multiply_derivative<T: Scalar>(self, dx: &mut [T], x: &[T]) {
        if self != Activation::Identity {
            with_formula!(self, f => vector::product_in_place(dx, x, Derivative(f)));
        }
    }

    /// Bound on the error of [`Activation::value`] in f32 for an input that carries error `e`.
    pub fn value_error(self, x: f64, e: f64) -> f64 {
        with_formula!(self, f => f.value_error(x, e))
    }

    /// Bound on the error of [`Activation::derivative`] in f32 for an input that carries error `e`.
    pub fn derivative_error(self, x: f64, e: f64) -> f64 {
        with_formula!(self, f => f.derivative_error(x, e))
    }
}

/// `activate_as` and `derivative_as` of the shaders: every formula's text, and a case for each by [`Activation::code`].
pub fn switches() -> String {
    let mut text: String = TEXTS.iter().map(|(path, _)| format!("//#include {path}\n")).collect();
    for (function, of) in [("activate_as", "value"), ("derivative_as", "derivative")] {
        text += &format!("\nfn {function}(act: u32, slope: f32, x: f32) -> f32 {{\n    switch act {{\n");
        for (code, (name, arguments)) in Activation::NAMES.iter().zip(ARGUMENTS).enumerate().skip(1) {
            text += &format!("        case {code}u: {{ return {name}_{of}({arguments}); }}\n");
        }
        text += &format!("        default: {{ return {}_{of}(x); }}\n    }}\n}}\n", Activation::NAMES[0]);
    }
    text
}
