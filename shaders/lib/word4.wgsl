// What a kernel with a choice of widths loads and stores at once: four numbers, the first at a multiple of four.
//#include arithmetic.wgsl
alias Word = vec4<f32>;

// The word that begins with element `i`.
fn word_at(i: u32) -> u32 {
    return i / 4u;
}

fn mul_add_word(a: Word, b: Word, c: Word) -> Word {
    return mul_add4(a, b, c);
}

fn quotient_word(a: Word, b: Word) -> Word {
    return quotient4(a, b);
}

fn root_word(x: Word) -> Word {
    return root4(x);
}
