//! Shader text: the `.wgsl` file of a row with its `//#include` lines expanded.

use super::definition::Args;

/// How a matrix product works: which library text its shader includes. The kernels' own files hold what goes in and what is
/// done with the sums, and are the same for every tiling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tiling {
    /// Square tiles through workgroup memory, or straight from the operands (`DIRECT`): `lib/matmul_tile.wgsl`.
    #[default]
    Tile,
    /// One subgroup a tile, operands passed between its lanes: `lib/matmul_broadcast.wgsl`. Needs a fixed subgroup size.
    Broadcast,
}

impl Tiling {
    /// Every tiling.
    pub const ALL: [Tiling; 2] = [Tiling::Tile, Tiling::Broadcast];

    /// The tiling of a product with these arguments: the constant `LANES` is the broadcast tiling's, `SUBGROUP`
    /// that of `dense_cross_entropy`.
    pub fn of(args: &Args) -> Tiling {
        let subgroups = args.constant("LANES") != 0.0 || args.constant("SUBGROUP") != 0.0;
        if subgroups { Tiling::Broadcast } else { Tiling::Tile }
    }

    /// What stands in place of an included file.
    fn file(self, name: &str) -> &str {
        match (self, name) {
            (Tiling::Broadcast, "matmul_tile.wgsl") => "matmul_broadcast.wgsl",
            (Tiling::Broadcast, "exchange_memory.wgsl") => "exchange_subgroup.wgsl",
            _ => name,
        }
    }
}

/// The text of the kernel `name` in a file that holds several: what stands in front of the first line `//#kernel`, and what follows the
/// kernel's own. A file without such lines is one kernel's.
pub fn section(text: &str, name: &str) -> String {
    let mut own = true;
    let lines = text.lines().filter(|line| match line.strip_prefix("//#kernel ") {
        Some(of) => {
            own = of == name;
            false
        }
        None => own,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Names and texts of files below `shaders/lib`.
macro_rules! library {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../../shaders/lib/", $name)))),*] };
}

/// The files that shaders may include, by the path that stands in the `//#include` line.
const LIBRARY: &[(&str, &str)] = library! {
    "activation.wgsl" "activation_word.wgsl" "activation_word4.wgsl" "adam.wgsl" "arithmetic.wgsl"
    "bias_act.wgsl" "class_loss.wgsl" "element.wgsl" "element_loss.wgsl" "elementwise.wgsl"
    "exchange_memory.wgsl" "exchange_subgroup.wgsl" "grid.wgsl" "loss.wgsl" "loss_bindings.wgsl" "math.wgsl"
    "matmul_broadcast.wgsl" "matmul_tile.wgsl" "philox.wgsl" "row.wgsl" "row_moments.wgsl" "row_scale.wgsl"
    "rows_by_index.wgsl" "rows_in_order.wgsl" "sgd.wgsl" "strip.wgsl" "weight_grad.wgsl" "word.wgsl"
    "word4.wgsl" "optimizer/adam_bindings.wgsl" "optimizer/hyper.wgsl" "optimizer/rmsprop_bindings.wgsl"
};

/// Expands `//#include lib/NAME` (and, inside the library, `//#include NAME`), each file once, with the texts of `tiling`;
/// `//#include formula` stands for `formula`, `//#include activations` for the switch over all activations.
pub fn expand(text: &str, formula: &str, tiling: Tiling) -> String {
    let mut done = Vec::new();
    let mut out = String::with_capacity(text.len() * 2);
    expand_into(text, formula, tiling, &mut done, &mut out);
    out
}

fn expand_into(text: &str, formula: &str, tiling: Tiling, done: &mut Vec<&'static str>, out: &mut String) {
    for line in text.lines() {
        let Some(path) = line.strip_prefix("//#include ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        match tiling.file(path.trim().trim_start_matches("lib/")) {
            "formula" => expand_into(formula, "", tiling, done, out),
            "activations" => expand_into(&super::activation::switches(), formula, tiling, done, out),
            name => {
                let Some((name, body)) = LIBRARY.iter().chain(super::activation::TEXTS).find(|(n, _)| *n == name)
                else {
                    // A user's text may name anything; the compiler's message shows this line.
                    out.push_str(&format!("const_assert false; // there is no file {name} to include\n"));
                    continue;
                };
                if !done.contains(name) {
                    done.push(name);
                    expand_into(body, formula, tiling, done, out);
                }
            }
        }
    }
}
