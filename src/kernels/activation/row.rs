//! What a row of activations says, and what is made of it: the enum, the kernels, the shaders' texts.

use super::super::bound;
use super::super::conformance::{Shape, Values, lengths};
use super::super::cpu::elementwise::each_part;
use super::super::cpu::vector::{self, Function};
use super::super::definition::{Args, Call, Definition, read, write};
use super::super::scalar::Scalar;

/// A formula with the parameter that a dispatch has.
pub trait FromArgs {
    /// From the dispatch's arguments.
    fn of(args: &Args) -> Self;
}

/// What is known of an activation besides its name. `value` and `derivative` are inlined, so that the loops over them become
/// vector instructions.
pub trait Formula: FromArgs + Copy + Sync {
    /// The local error bound of the value, as a formula for people.
    const BOUND: &'static str;
    /// The same for the gradient.
    const GRADIENT_BOUND: &'static str;
    /// What it is in ONNX.
    const ONNX: Onnx;
    /// About linear at 0, and not of the shape of relu, which passes one side and scales the other.
    const LINEAR: bool = false;
    /// Has a kink at 0.
    const KINK: bool = false;

    /// The value at `x`.
    fn value<T: Scalar>(self, x: T) -> T;
    /// The derivative at `x`.
    fn derivative<T: Scalar>(self, x: T) -> T;
    /// Bound on the error of the computed value for an input that carries error `e`.
    fn value_error(self, x: f64, e: f64) -> f64;
    /// Bound on the error of the computed derivative for an input that carries error `e`.
    fn derivative_error(self, x: f64, e: f64) -> f64;
    /// Bound on the error of dy times the derivative.
    fn gradient_error(self, dy: f64, e: f64, x: f64, ex: f64) -> f64 {
        bound::product(dy, e, self.derivative(x), self.derivative_error(x, ex))
    }
    /// Slope of the negative side where it is a line.
    fn negative_slope(self) -> f64 {
        0.0
    }
    /// True where the output has the sign of the input, and the derivative depends on the sign alone.
    fn keeps_sign(self) -> bool {
        false
    }
}

/// What an activation is in ONNX.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Onnx {
    /// Nothing: y = x.
    Same,
    /// An operator of x.
    Operator(&'static str),
    /// The operator `Gelu` with this attribute `approximate`.
    Gelu(&'static str),
    /// An operator of x with the activation's parameter as the attribute `alpha`.
    Alpha(&'static str),
    /// x times an operator of x.
    Gate(&'static str),
}

/// The value of a formula.
#[derive(Clone, Copy)]
pub struct Value<F>(pub F);

impl<T: Scalar, F: Formula> Function<T> for Value<F> {
    #[inline(always)]
    fn at(self, x: T) -> T {
        self.0.value(x)
    }
}

/// Its derivative.
#[derive(Clone, Copy)]
pub struct Derivative<F>(pub F);

impl<T: Scalar, F: Formula> Function<T> for Derivative<F> {
    #[inline(always)]
    fn at(self, x: T) -> T {
        self.0.derivative(x)
    }
}

/// The kernel of the values of `F`; `formula` is what its text includes.
pub const fn values<F: Formula>(name: &'static str, formula: &'static str, shapes: Shapes) -> Definition {
    fn cpu<F: Formula, T: Scalar>(call: &mut Call<'_, '_, T>) {
        let (formula, x) = (F::of(call.args), call.inputs[0].f());
        let [y] = call.outputs();
        each_part([y], [x], 1, |_, [y], [x]| vector::map(y, x, Value(formula)));
    }
    Definition {
        name,
        wgsl: include_str!("../../../shaders/activation.wgsl"),
        formula,
        bindings: const { &[read("x").of(Values::Extreme), write("y")] },
        bytes: |a| 8 * a.count(0),
        shapes,
        bound_formula: F::BOUND,
        bound: |call| vec![bound::map(&call.inputs[0], |x, e| F::of(call.args).value_error(x, e))],
        cpu_f32: cpu::<F, f32>,
        cpu_f64: cpu::<F, f64>,
        ..Definition::ELEMENT_WISE
    }
}

/// The kernel of the gradients of `F`.
pub const fn gradients<F: Formula>(name: &'static str, formula: &'static str, shapes: Shapes) -> Definition {
    fn cpu<F: Formula, T: Scalar>(call: &mut Call<'_, '_, T>) {
        let (formula, dy, x) = (F::of(call.args), call.inputs[0].f(), call.inputs[1].f());
        let [dx] = call.outputs();
        each_part([dx], [dy, x], 1, |_, [dx], [dy, x]| vector::product(dx, dy, x, Derivative(formula)));
    }
    Definition {
        name,
        wgsl: include_str!("../../../shaders/activation_grad.wgsl"),
        formula,
        bindings: const { &[read("dy"), read("x").of(Values::Extreme), write("dx")] },
        flops: |a| 2 * a.count(0),
        bytes: |a| 12 * a.count(0),
        shapes,
        bound_formula: F::GRADIENT_BOUND,
        bound: |call| {
            let rule = |dy, e, x, ex| F::of(call.args).gradient_error(dy, e, x, ex);
            vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
        },
        cpu_f32: cpu::<F, f32>,
        cpu_f64: cpu::<F, f64>,
        ..Definition::ELEMENT_WISE
    }
}

/// Makes the shapes of a conformance run.
type Shapes = fn(Option<u32>) -> Vec<Shape>;

/// The shapes of a conformance run with these constants.
pub fn shapes(constants: &[(&'static str, f64)]) -> Vec<Shape> {
    lengths(&[]).into_iter().map(|shape| shape.with(constants)).collect()
}

/// The second of two, where the first is there.
macro_rules! second {
    ($first:ident, $second:expr) => {
        $second
    };
}

/// The text that a kernel of a formula includes.
macro_rules! formula {
    ($name:ident, $($parameter:ident)?) => {
        concat!(
            "//#include activation/", stringify!($name), ".wgsl\n\n",
            "fn value(x: f32) -> f32 {\n    return ", stringify!($name), "_value(x", $(second!($parameter, ", SLOPE"),)? ");\n}\n\n",
            "fn derivative(x: f32) -> f32 {\n    return ", stringify!($name), "_derivative(x", $(second!($parameter, ", SLOPE"),)? ");\n}\n",
        )
    };
}

macro_rules! activations {
    (($d:tt) $($(#[$doc:meta])* $variant:ident $({ $(#[$of:meta])* $parameter:ident = $default:literal })?: $name:ident, $gradient:ident;)*) => {
        /// An activation function of a layer.
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub enum Activation {
            $($(#[$doc])* $variant $({ $(#[$of])* $parameter: f64 })?,)*
            /// y_j = exp(x_j) / sum_k exp(x_k) over each row
            Softmax,
        }

        $(#[derive(Clone, Copy)]
        pub(super) struct $variant { $($parameter: f64)? }

        impl FromArgs for $variant {
            fn of(_args: &Args) -> Self {
                $variant { $($parameter: _args.constant("SLOPE"))? }
            }
        })*

        listed! {$(
            /// The values of the activation of this name.
            $name = values::<$variant>(stringify!($name), formula!($name, $($parameter)?), |_| {
                shapes(&[$(("SLOPE", second!($parameter, $default)))?])
            });
            /// Its gradients.
            $gradient = gradients::<$variant>(stringify!($gradient), formula!($name, $($parameter)?), |_| {
                shapes(&[$(("SLOPE", second!($parameter, $default)))?])
            });
        )*}

        /// The formulas' texts by the path of their includes.
        pub(super) const TEXTS: &[(&str, &str)] = &[$((
            concat!("activation/", stringify!($name), ".wgsl"),
            include_str!(concat!("../../shaders/lib/activation/", stringify!($name), ".wgsl")),
        )),*];

        /// The arguments of each formula's functions.
        const ARGUMENTS: &[&str] = &[$(concat!("x", $(second!($parameter, ", slope"))?)),*];

        // What each formula says of itself, by the activation's place.
        const LINEAR: &[bool] = &[$($variant::LINEAR),*];
        const KINKS: &[bool] = &[$($variant::KINK),*];
        const ONNX: &[Onnx] = &[$($variant::ONNX),*];

        impl Activation {
            /// Every activation, with its default parameter.
            pub const ALL: &[Activation] = &[$(Activation::$variant { $($parameter: $default)? },)* Activation::Softmax];

            /// Every name that a spec may use.
            pub const NAMES: &[&str] = &[$(stringify!($name),)* "softmax"];

            /// Name and value of its parameter, where it has one.
            pub fn parameter(self) -> Option<(&'static str, f64)> {
                match self {
                    $($(Activation::$variant { $parameter } => Some((stringify!($parameter), $parameter)),)?)*
                    _ => None,
                }
            }

            /// The same activation with another parameter, where it has one.
            pub fn with_parameter(self, value: f64) -> Activation {
                match self {
                    $($(Activation::$variant { .. } => Activation::$variant { $parameter: value },)?)*
                    other => other,
                }
            }
        }

        /// The body with the formula of an activation; softmax has none, for it works on rows.
        macro_rules! with_formula {
            ($d activation:expr, $d formula:ident => $d body:expr) => {
                match $d activation {
                    $(Activation::$variant { $($parameter)? } => {
                        let $d formula = $variant { $($parameter)? };
                        $d body
                    })*
                    Activation::Softmax => unreachable!("softmax works on rows and has no element-wise formula"),
                }
            };
        }
    };
}

pub(super) use {activations, formula, second};
