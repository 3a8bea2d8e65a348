//! Shader text: the `.wgsl` file of a row with its `//#include` lines expanded.

/// The files that shaders may include, by the path that stands in the `//#include` line.
const LIBRARY: &[(&str, &str)] = &[
    ("activation.wgsl", include_str!("../../shaders/lib/activation.wgsl")),
    ("adam.wgsl", include_str!("../../shaders/lib/adam.wgsl")),
    ("element_loss.wgsl", include_str!("../../shaders/lib/element_loss.wgsl")),
    ("elementwise.wgsl", include_str!("../../shaders/lib/elementwise.wgsl")),
    ("grid.wgsl", include_str!("../../shaders/lib/grid.wgsl")),
    ("loss.wgsl", include_str!("../../shaders/lib/loss.wgsl")),
    ("math.wgsl", include_str!("../../shaders/lib/math.wgsl")),
    ("matmul_tile.wgsl", include_str!("../../shaders/lib/matmul_tile.wgsl")),
];

/// Expands `//#include lib/NAME` (and, inside the library, `//#include NAME`), each file once.
pub fn expand(text: &str) -> String {
    let mut done = Vec::new();
    let mut out = String::with_capacity(text.len() * 2);
    expand_into(text, &mut done, &mut out);
    out
}

fn expand_into(text: &str, done: &mut Vec<&'static str>, out: &mut String) {
    for line in text.lines() {
        let Some(path) = line.strip_prefix("//#include ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let name = path.trim().trim_start_matches("lib/");
        let Some((name, body)) = LIBRARY.iter().find(|(n, _)| *n == name) else {
            unreachable!("a shader includes {name}, which is not in shaders/lib");
        };
        if !done.contains(name) {
            done.push(name);
            expand_into(body, done, out);
        }
    }
}
