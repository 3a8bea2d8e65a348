// What a kernel with a choice of widths loads and stores at once: four numbers, the first at a multiple of four.
alias Word = vec4<f32>;

// The word that begins with element `i`.
fn word_at(i: u32) -> u32 {
    return i / 4u;
}
