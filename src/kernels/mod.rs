//! The kernel table: one row, one WGSL file, one CPU function for each kernel.
//!
//! An identifier in the table below gives the shader's file (`shaders/<name>.wgsl`), the module and function of the
//! CPU twin (`src/kernels/cpu/<name>.rs`, functions `<name>` and `bound`) and the label in plans and messages.
//! Bindings: group 0, binding 0 is the uniform `params`, then the row's bindings in order.

pub mod act;
pub mod bound;
mod cost;
pub mod cpu;
pub mod definition;
pub mod elementary;
pub mod philox;
pub mod scalar;
pub mod shader;

pub use act::Act;
pub use cpu::carried::Carried;
pub use definition::{Access, Args, Binding, BoundCall, Call, Definition, Dtype, In, Kernel, Measured, Out, Param};
pub use scalar::Scalar;
pub use shader::Engine;

use definition::{read, read_u32, update, update_u32, write, write_u32};

/// Rows that one lane sums are short up to this width; wider rows take a workgroup of [`ROW_LANES`] each.
pub const NARROW_ROW: usize = 64;
/// Invocations that share a wide row in the row-wise kernels (losses, softmax).
pub const ROW_LANES: usize = 64;
/// Rows that one invocation of `col_sum` adds up; longer columns take a second pass over the partial sums.
pub const COL_SUM_ROWS: usize = 256;
/// Elements whose squares one workgroup of `square_sum` adds up; more take a second pass over the partial sums.
pub const SQUARE_SUM_PART: usize = 4096;
/// Invocations on a side of a matrix product's workgroup where the plan does not say otherwise; each computes 4 x 4 outputs.
pub const MATMUL_SIDE: usize = 8;

/// The `LANES` constant for row-wise kernels over rows of `cols` elements.
pub fn row_lanes(cols: usize) -> usize {
    if cols <= NARROW_ROW { 1 } else { ROW_LANES }
}

macro_rules! table {
    ($($name:ident: {
        bindings: $bindings:expr,
        params: $params:expr,
        workgroup: $workgroup:expr,
        cost: $cost:path,
        bound: $formula:expr $(,)?
    })*) => {
        #[allow(non_upper_case_globals, missing_docs, reason = "the names are those of files, functions and labels")]
        impl Kernel {
            $(pub const $name: Kernel = {
                use $cost as cost;
                static DEFINITION: Definition = Definition {
                    name: stringify!($name),
                    wgsl: include_str!(concat!("../../shaders/", stringify!($name), ".wgsl")),
                    bindings: $bindings,
                    params: $params,
                    workgroup: $workgroup,
                    groups: cost::groups,
                    flops: cost::flops,
                    bytes: cost::bytes,
                    bound_formula: $formula,
                    bound: cpu::$name::bound,
                    cpu_f32: cpu::$name::$name::<f32>,
                    cpu_f64: cpu::$name::$name::<f64>,
                };
                Kernel::built_in(&DEFINITION)
            };)*

            /// Every kernel, in the table's order.
            pub const ALL: &[Kernel] = &[$(Kernel::$name),*];
        }
    };
}

impl Kernel {
    /// The complete WGSL text.
    pub fn source(self) -> String {
        self.source_with(Engine::Tile)
    }

    /// The complete WGSL text of a matrix product that works as `engine` does; other kernels have one text.
    pub fn source_with(self, engine: Engine) -> String {
        shader::expand(self.wgsl, engine)
    }

    /// The engine of a dispatch: for what is no matrix product, the default.
    pub fn engine(self, args: &Args) -> Engine {
        if self.has_engines() { Engine::of(args) } else { Engine::default() }
    }

    /// True for the matrix products.
    pub fn is_product(self) -> bool {
        self.params.starts_with(&["m", "n", "k"]) && self != Kernel::dense_cross_entropy
    }

    /// True for kernels with a text for subgroups beside the other.
    pub fn has_engines(self) -> bool {
        self.is_product() || self == Kernel::dense_cross_entropy
    }

    /// True for the matrix products that gather an operand's rows.
    pub fn gathers(self) -> bool {
        self.params.last() == Some(&"index_stride") && self.is_product()
    }

    /// True for the optimizers whose invocations may take several words.
    pub fn has_strips(self) -> bool {
        matches!(self.name, "sgd_step" | "sgd_momentum_step" | "adam_step" | "adamw_step")
    }

    /// The kernel called `name`.
    pub fn by_name(name: &str) -> Option<Kernel> {
        Kernel::ALL.iter().copied().find(|k| k.name == name)
    }
}

const UNARY: &[Binding] = &[read("x"), write("y")];
const UNARY_GRAD: &[Binding] = &[read("dy"), read("x"), write("dx")];
const LOSS: &[Binding] =
    &[read_u32("step"), read("pred"), read("expected"), read("upstream"), write("loss"), write("dpred")];
const CLASS_LOSS: &[Binding] =
    &[read_u32("step"), read("pred"), read_u32("expected"), read("upstream"), write("loss"), write("dpred")];
const LOSS_PARAMS: &[&str] = &["rows", "cols", "upstream_stride"];
const ADAM: &[Binding] = &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("m"), update("v")];
const ADAM_PARAMS: &[&str] = &["n", "hyper_stride", "beta2", "one_minus_beta2", "eps", "weight_decay"];
const RMSPROP_PARAMS: &[&str] = &["n", "hyper_stride", "alpha", "one_minus_alpha", "eps", "weight_decay"];
const LINE: [u32; 3] = [64, 1, 1];
const TILE: [u32; 3] = [8, 8, 1];

table! {
    // Matrix products: op(a) · op(b), the transposes by the constants TRANS_A and TRANS_B.
    matmul: {
        bindings: &[read("a"), read("b"), write("y")],
        params: &["m", "n", "k"], workgroup: TILE, cost: cost::matmul,
        bound: "gamma(k) * sum|a||b|",
    }
    matmul_bias_act: {
        bindings: &[read("x"), read("w"), read("b"), write("y"), write("z")],
        params: &["m", "n", "k"], workgroup: TILE, cost: cost::matmul_bias_act,
        bound: "z: gamma(k + 1) * (sum|x||w| + |b|); y: as the activation of z",
    }
    matmul_act_grad: {
        bindings: &[read("dy"), read("w"), read("saved"), write("dx")],
        params: &["m", "n", "k"], workgroup: TILE, cost: cost::matmul_act_grad,
        bound: "as matmul, then as the product with the activation's derivative",
    }
    matmul_col_sum: {
        bindings: &[read("dy"), read("x"), write("dw"), write("db")],
        params: &["m", "n", "k"], workgroup: TILE, cost: cost::matmul_col_sum,
        bound: "dw: gamma(k) * sum|dy||x|; db: gamma(k) * sum|dy|",
    }
    // The same two with an operand whose rows are gathered from the data set as they are read.
    gather_matmul_bias_act: {
        bindings: &[read_u32("step"), read_u32("index"), read("x"), read("w"), read("b"), write("y"), write("z")],
        params: &["m", "n", "k", "index_stride"], workgroup: TILE, cost: cost::gather_matmul_bias_act,
        bound: "as matmul_bias_act",
    }
    gather_matmul_col_sum: {
        bindings: &[read_u32("step"), read_u32("index"), read("dy"), read("x"), write("dw"), write("db")],
        params: &["m", "n", "k", "index_stride"], workgroup: TILE, cost: cost::gather_matmul_col_sum,
        bound: "as matmul_col_sum",
    }
    col_sum: {
        bindings: &[read("x"), write("y")],
        params: &["rows", "cols", "rows_per_sum"], workgroup: LINE, cost: cost::col_sum,
        bound: "gamma(rows_per_sum) * sum|x|",
    }
    gather_rows: {
        bindings: &[read_u32("step"), read_u32("index"), read_u32("data"), write_u32("y")],
        params: &["rows", "cols", "index_stride"], workgroup: LINE, cost: cost::gather_rows,
        bound: "0: bits are copied",
    }
    weighted_sum: {
        bindings: &[read("x"), read("weight"), update("log"), update_u32("step")],
        params: &["n", "weight_stride"], workgroup: LINE, cost: cost::weighted_sum,
        bound: "gamma(ceil(n / 64) + 7) * sum|weight||x|",
    }

    add: {
        bindings: &[read("a"), read("b"), write("y")],
        params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "u * |y|",
    }
    add_bias: {
        bindings: &[read("x"), read("b"), write("y")],
        params: &["rows", "cols"], workgroup: LINE, cost: cost::add_bias, bound: "u * |y|",
    }
    dropout: {
        bindings: &[read_u32("step"), read_u32("random"), read("x"), write("y")],
        params: &["n", "first", "layer", "threshold", "scale"], workgroup: LINE, cost: cost::dropout,
        bound: "2u * |y|; 0 for a dropped element",
    }
    // Blocks of what is larger than a binding.
    copy_window: {
        bindings: UNARY, params: &["rows", "cols", "stride", "first"], workgroup: LINE, cost: cost::copy_window,
        bound: "0: bits are copied",
    }
    join_columns: {
        bindings: &[read("a"), read("b"), write("y")],
        params: &["rows", "cols_a", "cols_b"], workgroup: LINE, cost: cost::join_columns, bound: "0: bits are copied",
    }
    advance: {
        bindings: &[update_u32("step")],
        params: &["by"], workgroup: LINE, cost: cost::advance, bound: "0",
    }
    find_nonfinite: {
        bindings: &[read("x"), update_u32("found")],
        params: &["n"], workgroup: LINE, cost: cost::find_nonfinite, bound: "0: bits are tested",
    }

    // Activations and their gradients, element by element.
    identity: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "0" }
    identity_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "0" }
    sigmoid: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "SIGMOID * |y|, SIGMOID = 2 EXP + u + DIV" }
    sigmoid_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "two sigmoids and two products" }
    tanh: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "TANH * |y|" }
    tanh_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "(2 EXP + DIV + 4u) * |y'|, and the product with dy" }
    relu: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "0" }
    relu_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "0; |dy| where x is within its error of 0" }
    leaky_relu: { bindings: UNARY, params: &["n", "slope"], workgroup: LINE, cost: cost::unary, bound: "2u * |slope x| for x < 0" }
    leaky_relu_grad: { bindings: UNARY_GRAD, params: &["n", "slope"], workgroup: LINE, cost: cost::unary_grad, bound: "2u * |slope dy| for x < 0; |1 - slope| |dy| where x is within its error of 0" }
    gelu: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "NORMAL_TAIL * |x| Phi(-|x|) + 2u * |y|" }
    gelu_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "NORMAL_TAIL * (Phi(-|x|) + |x| phi(x)) + 2u * |y'|, and the product with dy" }
    gelu_tanh: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "(SIGMOID + u + gamma(6) |v| s(-v)) * |y|, v the argument of the sigmoid s" }
    gelu_tanh_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "(2 SIGMOID + gamma(8) + gamma(6) |v|) * (s(v) + |x v'| s'(v)), and the product with dy" }
    silu: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "(SIGMOID + u) * |y|" }
    silu_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "(SIGMOID + 2u) * s(x) + (2 SIGMOID + 4u) * |x| s(x) s(-x), and the product with dy" }
    softplus: { bindings: UNARY, params: &["n"], workgroup: LINE, cost: cost::unary, bound: "(EXP + LOG) * softplus(-|x|) + u * |y|" }
    softplus_grad: { bindings: UNARY_GRAD, params: &["n"], workgroup: LINE, cost: cost::unary_grad, bound: "sigmoid, and the product with dy" }

    // Softmax works on rows; the gradient takes the output p.
    softmax: { bindings: UNARY, params: &["rows", "cols"], workgroup: LINE, cost: cost::softmax, bound: "(t + sum p t + gamma(cols) + DIV) * p, t = EXP + u |x - max|" }
    softmax_grad: {
        bindings: &[read("dy"), read("p"), write("dx")],
        params: &["rows", "cols"], workgroup: LINE, cost: cost::softmax_grad, bound: "p * (gamma(cols + 1) * sum p|dy - dy_k| + 2u |dy - dy_k|) + u |dx|",
    }

    // Normalisation: over a row, over the batch.
    layer_norm: {
        bindings: &[read("x"), read("weight"), read("bias"), write("y")],
        params: &["rows", "cols", "eps"], workgroup: LINE, cost: cost::layer_norm,
        bound: "the formula over values with errors: gamma(depth) for the sums of a row, RSQRT = 4u for inverseSqrt",
    }
    layer_norm_grad: {
        bindings: &[read("dy"), read("x"), read("weight"), write("dx"), write("each")],
        params: &["rows", "cols", "eps"], workgroup: LINE, cost: cost::layer_norm_grad,
        bound: "the formula over values with errors, as layer_norm",
    }
    batch_moments: {
        bindings: &[
            read_u32("step"), read_u32("count"), read("x"), write("mean"), write("variance"), write_u32("counted"),
            update("running_mean"), update("running_var"),
        ],
        params: &["rows", "cols", "momentum", "one_minus_momentum"], workgroup: LINE, cost: cost::batch_moments,
        bound: "the formula over values with errors: gamma(count) for the sums of a column",
    }
    batch_norm: {
        bindings: &[read("x"), read("mean"), read("variance"), read("weight"), read("bias"), write("y")],
        params: &["rows", "cols", "eps"], workgroup: LINE, cost: cost::batch_norm,
        bound: "the formula over values with errors: RSQRT = 4u for inverseSqrt",
    }
    batch_norm_grad: {
        bindings: &[
            read("dy"), read("x"), read("mean"), read("variance"), read_u32("counted"), read("weight"), write("dx"),
            write("each"),
        ],
        params: &["rows", "cols", "eps"], workgroup: LINE, cost: cost::batch_norm_grad,
        bound: "the formula over values with errors: gamma(count) for the sums of a column",
    }

    // Losses: per-sample loss and its gradient times the upstream gradient of the sample, in one pass.
    half_squared_error: {
        bindings: LOSS, params: LOSS_PARAMS, workgroup: LINE, cost: cost::loss,
        bound: "loss: gamma(depth + 4) * loss; dpred: 3u |dpred|; depth = LANES > 1 ? ceil(cols / 64) + 6 : cols",
    }
    mse: {
        bindings: LOSS, params: LOSS_PARAMS, workgroup: LINE, cost: cost::loss,
        bound: "loss: (gamma(depth + 3) + DIV) * loss; dpred: (DIV + 3u) |dpred|",
    }
    mae: {
        bindings: LOSS, params: LOSS_PARAMS, workgroup: LINE, cost: cost::loss,
        bound: "loss: (gamma(depth + 1) + DIV) * loss; dpred: (DIV + 2u) |dpred|",
    }
    huber: {
        bindings: LOSS, params: &["rows", "cols", "upstream_stride", "delta"], workgroup: LINE, cost: cost::loss,
        bound: "loss: (gamma(depth + 7) + DIV) * loss; dpred: (DIV + 4u) |dpred|",
    }
    binary_cross_entropy: {
        bindings: LOSS, params: LOSS_PARAMS, workgroup: LINE, cost: cost::loss,
        bound: "loss: (gamma(depth + 5) + LOG + 2 DIV) * loss; dpred: (2 DIV + 7u) |dpred|",
    }
    bce_with_logits: {
        bindings: LOSS, params: LOSS_PARAMS, workgroup: LINE, cost: cost::loss,
        bound: "loss: (gamma(depth + 5) + EXP + LOG + DIV) * loss; dpred: (2 EXP + 2 DIV + 7u) * upstream / cols * \
            ((1 - t) s(z) + t s(-z))",
    }
    cross_entropy: {
        bindings: CLASS_LOSS, params: LOSS_PARAMS, workgroup: LINE, cost: cost::loss,
        bound: "r_j = EXP + u (max - z_j); loss: (gamma(depth + 2) + mean r + LOG + u) * loss + u (max - z_t); \
            dpred: (gamma(depth + 2) + r_j + mean r + DIV + 3u) |dpred|",
    }
    // The last layer, its loss and the gradient of its input: what cross_entropy stands between.
    dense_cross_entropy: {
        bindings: &[
            read_u32("step"), read_u32("index"), read("x"), read("layer"), read_u32("target_class"), read("upstream"), read("saved"),
            write("loss"), write("dz"), write("dx"),
        ],
        params: &["m", "n", "k", "index_stride", "upstream_stride", "bias_at"], workgroup: [8, 1, 1],
        cost: cost::dense_cross_entropy,
        bound: "as matmul_bias_act, cross_entropy and matmul_act_grad, one after the other",
    }
    hinge: {
        bindings: LOSS, params: LOSS_PARAMS, workgroup: LINE, cost: cost::loss,
        bound: "loss: (gamma(depth + 1) + DIV) * loss + u * mean|t y| (0 for t = 1, -1); dpred: (DIV + 2u) |dpred|",
    }

    // Clipping of gradients.
    square_sum: {
        bindings: &[read("x"), write("y")],
        params: &["n"], workgroup: LINE, cost: cost::square_sum, bound: "gamma(25) * sum x^2",
    }
    clip_norm: {
        bindings: &[read("x"), read("total"), write("y")],
        params: &["n", "max_norm"], workgroup: LINE, cost: cost::clip_norm,
        bound: "(SQRT + DIV + 4u) |y|, and total's error in the factor; u |y| where the factor is 1",
    }
    clip_value: {
        bindings: UNARY, params: &["n", "limit"], workgroup: LINE, cost: cost::unary,
        bound: "u * limit where |x| is not below it, else 0",
    }

    // Optimizer steps over a whole arena.
    sgd_step: {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param")],
        params: &["n", "hyper_stride", "weight_decay"], workgroup: LINE, cost: cost::sgd_step,
        bound: "u |p'| + |lr| (3u |d| + 2u |weight_decay p|)",
    }
    sgd_momentum_step: {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("velocity")],
        params: &["n", "hyper_stride", "nesterov", "weight_decay"],
        workgroup: LINE, cost: cost::sgd_momentum_step,
        bound: "d: u |d| + 2u |weight_decay p|; velocity: that + 2u |momentum v| + u |v'|; param: u |p'| + 2u |lr \
            v'| + |lr| times that",
    }
    adam_step: {
        bindings: ADAM, params: ADAM_PARAMS, workgroup: LINE, cost: cost::adam_step,
        bound: "m: u |m'| + 2u (|beta1 m| + |(1 - beta1) g|); v: u v' + 2u beta2 v + 3u (1 - beta2) g^2; param: u \
            |p'| + (SQRT + DIV + 6u) |step|, and m and v carried through the quotient",
    }
    adamw_step: {
        bindings: ADAM, params: ADAM_PARAMS, workgroup: LINE, cost: cost::adam_step,
        bound: "as adam_step; param: and 2u |p| + 3u |lr weight_decay p| for the shrinkage",
    }
    nadam_step: {
        bindings: ADAM, params: ADAM_PARAMS, workgroup: LINE, cost: cost::nadam_step,
        bound: "m, v: as adam_step; param: u |p'| + (SQRT + DIV + 8u) |step|, and g, m and v carried through the quotient",
    }
    rmsprop_step: {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("square")],
        params: RMSPROP_PARAMS,
        workgroup: LINE, cost: cost::rmsprop_step,
        bound: "square: u s' + 2u alpha s + 3u (1 - alpha) g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and square \
            carried through the quotient",
    }
    rmsprop_momentum_step: {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("square"), update("velocity")],
        params: RMSPROP_PARAMS, workgroup: LINE, cost: cost::rmsprop_momentum_step,
        bound: "square: as rmsprop_step; velocity: u |v'| + 2u |momentum v| + (SQRT + DIV + 2u) |quotient|, and g and square \
            carried through it; param: u |p'| + 2u |lr v'| + |lr| times that",
    }
    rmsprop_centered_step: {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("square"), update("velocity"), update("mean")],
        params: RMSPROP_PARAMS, workgroup: LINE, cost: cost::rmsprop_centered_step,
        bound: "square: as rmsprop_step; mean: u |m'| + 2u (|alpha m| + |(1 - alpha) g|); velocity and param: as \
            rmsprop_momentum_step, with the errors of square and of mean^2 in the quotient",
    }
    adagrad_step: {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("sum")],
        params: &["n", "hyper_stride", "eps", "weight_decay"], workgroup: LINE, cost: cost::adagrad_step,
        bound: "sum: u s' + 2u g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and sum carried through the quotient",
    }
    lion_step: {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("m")],
        params: &["n", "hyper_stride", "beta2", "one_minus_beta2", "weight_decay"],
        workgroup: LINE, cost: cost::lion_step,
        bound: "m: u |m'| + 2u (|beta2 m| + |(1 - beta2) g|); param: u |p'| + 2u |p| + 3u |lr weight_decay p| + u |lr|; 2 |lr| \
            more where the sign is within its error",
    }
}
