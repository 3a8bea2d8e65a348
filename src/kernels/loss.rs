//! The losses: a row for each, with all that is known of it. To add one that treats each output by itself: a variant of
//! [`Loss`] and its row here, its formula in `element.rs`, and `shaders/lib/loss/<name>.wgsl`.
//!
//! Shapes: pred, expected, dpred `[rows, cols]` (cross_entropy: expected `[rows]`), upstream `[steps, upstream_stride]`
//! or `[rows]`, loss `[rows]`. The gradient is taken in the same pass: dpred_ij = upstream_i * d loss_i / d pred_ij. Order of
//! sums: by column; with LANES = 64, each lane by column, then a fixed tree.

mod cases;
pub mod cross_entropy;
mod element;
pub mod rows;

use super::conformance::padded_nan;
use super::definition::{Definition, Kernel};
use element::{BceWithLogits, BinaryCrossEntropy, HalfSquaredError, Hinge, Huber, Mae, Mse, Quantile};
use rows::Over;

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
    /// mean over outputs of max(q (t - y), (q - 1) (t - y)), whose least is where y is the quantile `q` of the targets; the derivative
    /// at the kink is the mean of both sides, 1/2 - q
    Quantile {
        /// Which quantile is learnt, above 0 and below 1; the median, 0.5, by default.
        q: f64,
    },
}

/// What a loss takes an output for; the targets follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// An estimate of the target.
    Number,
    /// The probability that the target is 1; targets lie in [0, 1].
    Probability,
    /// The logit of such a probability.
    Logit,
    /// How far it lies on the side of the target, -1 or 1.
    Margin,
    /// The logit of a class among others; the target is a class index.
    ClassLogit,
}

/// The number that a loss carries.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its key in a spec.
    pub key: &'static str,
    /// Its `override` constant.
    pub constant: &'static str,
    /// What it may be, in words.
    pub range: &'static str,
    /// What it may be.
    pub valid: fn(f64) -> bool,
}

/// What is known of a loss.
struct Row {
    /// With its default parameter.
    default: Loss,
    parameter: Option<Parameter>,
    output: Output,
    /// Mean or sum over the outputs, of a loss that treats each by itself.
    over: Option<Over>,
    /// Of a loss that is not smooth everywhere.
    piece: Option<Piece>,
    definition: Definition,
}

/// From a prediction, its target and the parameter, the smooth piece on which they lie; `None` where the gradient is PyTorch's
/// convention and no derivative.
type Piece = fn(f64, f64, f64) -> Option<i8>;

macro_rules! losses {
    ($($name:ident: $variant:ident $({ $parameter:ident: $default:literal })?, $row:expr, $file:literal;)*) => {
        #[allow(non_upper_case_globals, reason = "the names are those of kernels")]
        mod row {
            use super::*;
            $(pub(super) static $name: Row = $row(
                stringify!($name),
                Loss::$variant { $($parameter: $default)? },
                include_str!(concat!("../../shaders/", $file)),
            );)*
        }

        /// Every loss; the position is the code that whole steps have for it.
        static ROWS: &[&Row] = &[$(&row::$name),*];

        #[allow(non_upper_case_globals, missing_docs, reason = "the names are those of losses")]
        impl Kernel {
            $(pub const $name: Kernel = Kernel::built_in(&row::$name.definition);)*
        }

        /// The kernels of this family.
        pub(super) const KERNELS: &[Kernel] = &[$(Kernel::$name),*];

        impl Loss {
            /// Every name that a spec may use.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            fn row(self) -> &'static Row {
                match self {
                    $(Loss::$variant { .. } => &row::$name,)*
                }
            }
        }
    };
}

losses! {
    half_squared_error: HalfSquaredError, element::row::<HalfSquaredError>, "lib/loss/half_squared_error.wgsl";
    mse: Mse, element::row::<Mse>, "lib/loss/mse.wgsl";
    mae: Mae, element::row::<Mae>, "lib/loss/mae.wgsl";
    huber: Huber { delta: 1.0 }, element::row::<Huber>, "lib/loss/huber.wgsl";
    binary_cross_entropy: BinaryCrossEntropy, element::row::<BinaryCrossEntropy>, "lib/loss/binary_cross_entropy.wgsl";
    bce_with_logits: BceWithLogits, element::row::<BceWithLogits>, "lib/loss/bce_with_logits.wgsl";
    cross_entropy: CrossEntropy { smoothing: 0.0 }, cross_entropy::row, "cross_entropy.wgsl";
    hinge: Hinge, element::row::<Hinge>, "lib/loss/hinge.wgsl";
    quantile: Quantile { q: 0.5 }, element::row::<Quantile>, "lib/loss/quantile.wgsl";
}

impl Loss {
    /// Cross entropy without label smoothing.
    pub const fn cross_entropy() -> Loss {
        Loss::CrossEntropy { smoothing: 0.0 }
    }

    /// The loss called `name`, with its default parameter.
    pub fn by_name(name: &str) -> Option<Loss> {
        ROWS.iter().find(|row| row.definition.name == name).map(|row| row.default)
    }

    /// The name that a spec uses.
    pub fn name(self) -> &'static str {
        self.row().definition.name
    }

    /// The number that a spec may give it, and what is known of it.
    pub fn parameter(&mut self) -> Option<(&'static Parameter, &mut f64)> {
        let known = self.row().parameter.as_ref()?;
        match self {
            Loss::Huber { delta } => Some((known, delta)),
            Loss::Quantile { q } => Some((known, q)),
            Loss::HalfSquaredError | Loss::Mse | Loss::Mae | Loss::BinaryCrossEntropy | Loss::BceWithLogits => None,
            Loss::CrossEntropy { .. } | Loss::Hinge => None,
        }
    }

    /// What it takes an output for.
    pub fn output(self) -> Output {
        self.row().output
    }

    /// True where the target is a class index rather than numbers.
    pub fn takes_class(self) -> bool {
        self.output() == Output::ClassLogit
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
        match self.output() {
            Output::Probability | Output::Logit => Some([0, 1]),
            Output::Margin => Some([-1, 1]),
            Output::Number | Output::ClassLogit => None,
        }
    }

    /// The smooth piece on which a prediction lies, for a target, `None` where its gradient is no derivative; none at all for a loss
    /// that is smooth everywhere.
    pub fn piece(self) -> Option<impl Fn(f64, f64) -> Option<i8>> {
        let (mut loss, piece) = (self, self.row().piece?);
        let parameter = loss.parameter().map_or(0.0, |(_, value)| *value);
        Some(move |y, t| piece(y, t, parameter))
    }

    /// Its kernel.
    pub fn kernel(self) -> Kernel {
        Kernel::built_in(&self.row().definition)
    }

    /// The `override` constant of its parameter; none for labels that are not smoothed.
    pub fn constant(mut self) -> Option<(&'static str, f64)> {
        match self.smoothing() {
            0.0 => self.parameter().map(|(known, value)| (known.constant, *value)),
            smoothing => Some((cross_entropy::SMOOTHING, smoothing)),
        }
    }
}

/// What the shader of whole steps knows of a loss by its kernel: its code, whether it takes classes, and whether it is a mean
/// over the outputs.
pub fn whole_code(kernel: Kernel) -> Option<(u32, bool, bool)> {
    let code = ROWS.iter().position(|row| Kernel::built_in(&row.definition) == kernel)?;
    let over = ROWS[code].over;
    Some((code as u32, over.is_none(), over == Some(Over::Mean)))
}

/// All formulas in one text, each under its own name, and `fn element`, which chooses by the constant LOSS; MEAN is the
/// including shader's.
pub fn whole_wgsl() -> String {
    let (mut text, mut cases) = (String::new(), String::new());
    for (code, row) in ROWS.iter().enumerate().filter(|(_, row)| row.over.is_some()) {
        let name = row.definition.name;
        for line in row.definition.formula.lines().filter(|line| !line.starts_with("const MEAN: ")) {
            text += &line.replace("fn element(", &format!("fn {name}_element("));
            text.push('\n');
        }
        cases += &format!("        case {code}u: {{ return {name}_element(y, t); }}\n");
    }
    let none = "        default: { return ElementLoss(loss_nan(), loss_nan()); }\n";
    text + "fn element(y: f32, t: f32) -> ElementLoss {\n    switch LOSS {\n" + &cases + none + "    }\n}\n"
}

/// What the definitions share.
const LOSS: Definition = Definition {
    params: &["rows", "cols", "upstream_stride"],
    flops: |a| 6 * a.area(),
    bytes: |a| 4 * (3 * a.area() + 2 * a.count(0)),
    corners: padded_nan,
    ..Definition::ROW_WISE
};
