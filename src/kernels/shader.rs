//! Shader text: the `.wgsl` file of a row with its `//#include` lines expanded.

use super::definition::Args;

/// How a matrix product works: which library text its shader includes. The kernels' own files hold what goes in and what is
/// done with the sums, and are the same for every engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// Square tiles through workgroup memory, or straight from the operands (`DIRECT`): `lib/matmul_tile.wgsl`.
    #[default]
    Tile,
    /// One subgroup a tile, operands passed between its lanes: `lib/matmul_broadcast.wgsl`. Needs a fixed subgroup size.
    Broadcast,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Engine; 2] = [Engine::Tile, Engine::Broadcast];

    /// The engine of a product with these arguments: the constant `LANES` is the broadcast engine's, `SUBGROUP`
    /// that of `dense_cross_entropy`.
    pub fn of(args: &Args) -> Engine {
        let subgroups = args.constant("LANES") != 0.0 || args.constant("SUBGROUP") != 0.0;
        if subgroups { Engine::Broadcast } else { Engine::Tile }
    }

    /// What stands in place of an included file.
    fn file(self, name: &str) -> &str {
        match (self, name) {
            (Engine::Broadcast, "matmul_tile.wgsl") => "matmul_broadcast.wgsl",
            (Engine::Broadcast, "exchange_memory.wgsl") => "exchange_subgroup.wgsl",
            _ => name,
        }
    }
}

/// The files that shaders may include, by the path that stands in the `//#include` line.
const LIBRARY: &[(&str, &str)] = &[
    ("activation.wgsl", include_str!("../../shaders/lib/activation.wgsl")),
    ("arithmetic.wgsl", include_str!("../../shaders/lib/arithmetic.wgsl")),
    ("adam.wgsl", include_str!("../../shaders/lib/adam.wgsl")),
    ("bias_act.wgsl", include_str!("../../shaders/lib/bias_act.wgsl")),
    ("class_loss.wgsl", include_str!("../../shaders/lib/class_loss.wgsl")),
    ("element.wgsl", include_str!("../../shaders/lib/element.wgsl")),
    ("element_loss.wgsl", include_str!("../../shaders/lib/element_loss.wgsl")),
    ("elementwise.wgsl", include_str!("../../shaders/lib/elementwise.wgsl")),
    ("strip.wgsl", include_str!("../../shaders/lib/strip.wgsl")),
    ("exchange_memory.wgsl", include_str!("../../shaders/lib/exchange_memory.wgsl")),
    ("exchange_subgroup.wgsl", include_str!("../../shaders/lib/exchange_subgroup.wgsl")),
    ("grid.wgsl", include_str!("../../shaders/lib/grid.wgsl")),
    ("loss.wgsl", include_str!("../../shaders/lib/loss.wgsl")),
    ("loss_bindings.wgsl", include_str!("../../shaders/lib/loss_bindings.wgsl")),
    ("math.wgsl", include_str!("../../shaders/lib/math.wgsl")),
    ("matmul_broadcast.wgsl", include_str!("../../shaders/lib/matmul_broadcast.wgsl")),
    ("matmul_tile.wgsl", include_str!("../../shaders/lib/matmul_tile.wgsl")),
    ("philox.wgsl", include_str!("../../shaders/lib/philox.wgsl")),
    ("rows_by_index.wgsl", include_str!("../../shaders/lib/rows_by_index.wgsl")),
    ("rows_in_order.wgsl", include_str!("../../shaders/lib/rows_in_order.wgsl")),
    ("row.wgsl", include_str!("../../shaders/lib/row.wgsl")),
    ("row_moments.wgsl", include_str!("../../shaders/lib/row_moments.wgsl")),
    ("sgd.wgsl", include_str!("../../shaders/lib/sgd.wgsl")),
    ("activation_word.wgsl", include_str!("../../shaders/lib/activation_word.wgsl")),
    ("activation_word4.wgsl", include_str!("../../shaders/lib/activation_word4.wgsl")),
    ("weight_grad.wgsl", include_str!("../../shaders/lib/weight_grad.wgsl")),
    ("optimizer/hyper.wgsl", include_str!("../../shaders/lib/optimizer/hyper.wgsl")),
    ("optimizer/adam_bindings.wgsl", include_str!("../../shaders/lib/optimizer/adam_bindings.wgsl")),
    ("optimizer/rmsprop_bindings.wgsl", include_str!("../../shaders/lib/optimizer/rmsprop_bindings.wgsl")),
    ("word.wgsl", include_str!("../../shaders/lib/word.wgsl")),
    ("word4.wgsl", include_str!("../../shaders/lib/word4.wgsl")),
];

/// Expands `//#include lib/NAME` (and, inside the library, `//#include NAME`), each file once, with the texts of `engine`;
/// `//#include formula` stands for `formula`, `//#include activations` for the switch over all activations.
pub fn expand(text: &str, formula: &str, engine: Engine) -> String {
    let mut done = Vec::new();
    let mut out = String::with_capacity(text.len() * 2);
    expand_into(text, formula, engine, &mut done, &mut out);
    out
}

fn expand_into(text: &str, formula: &str, engine: Engine, done: &mut Vec<&'static str>, out: &mut String) {
    for line in text.lines() {
        if line == "//#include formula" {
            expand_into(formula, "", engine, done, out);
            continue;
        }
        let Some(path) = line.strip_prefix("//#include ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let name = engine.file(path.trim().trim_start_matches("lib/"));
        if name == "activations" {
            expand_into(&super::activation::switches(), formula, engine, done, out);
            continue;
        }
        let Some((name, body)) = LIBRARY.iter().chain(super::activation::TEXTS).find(|(n, _)| *n == name) else {
            unreachable!("a shader includes {name}, which is not in shaders/lib");
        };
        if !done.contains(name) {
            done.push(name);
            expand_into(body, formula, engine, done, out);
        }
    }
}
