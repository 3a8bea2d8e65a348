// Operands and results of the gradients of a dense layer's parameters, with or without gathering: bindings dy, x, dw and db
// of the including shader.
fn a_word(i: u32) -> Word {
    return dy[i];
}

fn b_word(i: u32) -> Word {
    return x[i];
}

fn store(at: u32, sum: Word) {
    dw[at] = sum;
}

fn stored(at: u32) -> Word {
    return dw[at];
}

fn put(row: u32, col: u32, sum: Word) {
    store(word_at(row * params.n + col), sum);
}

fn put_row_sums(row: u32, sums: Word) {
    db[word_at(row)] = sums;
}
