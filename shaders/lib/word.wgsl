// What a kernel with a choice of widths loads and stores at once: one number. word4.wgsl is the other width.
//#include arithmetic.wgsl
alias Word = f32;

// The word that holds element `i`.
fn word_at(i: u32) -> u32 {
    return i;
}

fn mul_add_word(a: Word, b: Word, c: Word) -> Word {
    return mul_add(a, b, c);
}

fn quotient_word(a: Word, b: Word) -> Word {
    return quotient(a, b);
}

fn root_word(x: Word) -> Word {
    return root(x);
}
