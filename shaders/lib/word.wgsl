// What a kernel with a choice of widths loads and stores at once: one number. word4.wgsl is the other width.
alias Word = f32;

// The word that holds element `i`.
fn word_at(i: u32) -> u32 {
    return i;
}
