// What a kernel with a choice of widths loads and stores at once: four numbers, the first at a multiple of four.
//#include activation.wgsl
alias Word = vec4<f32>;

// The word that begins with element `i`.
fn word_at(i: u32) -> u32 {
    return i / 4u;
}

fn activate_word(x: Word) -> Word {
    return Word(activate(x.x), activate(x.y), activate(x.z), activate(x.w));
}

fn derivative_word(x: Word) -> Word {
    return Word(
        activate_derivative(x.x),
        activate_derivative(x.y),
        activate_derivative(x.z),
        activate_derivative(x.w),
    );
}
