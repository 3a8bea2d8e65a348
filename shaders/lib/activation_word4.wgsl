// The activation of a fused epilogue, and its derivative, for words of four numbers.
//#include activation.wgsl
//#include word4.wgsl

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
