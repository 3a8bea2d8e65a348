// The activation of a fused epilogue, and its derivative, for words of one number.
//#include activation.wgsl
//#include word.wgsl

fn activate_word(x: Word) -> Word {
    return activate(x);
}

fn derivative_word(x: Word) -> Word {
    return activate_derivative(x);
}
