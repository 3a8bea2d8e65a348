// The root of a second moment, for words of four (lib/word4.wgsl). sqrt is the built-in, within 4.5 ULP by the WGSL
// specification (1 / inverseSqrt); 0 is kept out of it, because 1 / inverseSqrt(0) divides by an infinity.
fn root(x: Word) -> Word {
    return select(sqrt(x), Word(), x == Word());
}
