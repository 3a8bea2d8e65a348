// Operands and results of a dense layer forward, with or without gathering: bindings x, w, b, y and z of the including
// shader.
fn a_word(i: u32) -> Word {
    return x[i];
}

fn b_word(i: u32) -> Word {
    return w[i];
}

fn store(at: u32, sum: Word) {
    y[at] = sum;
}

fn stored(at: u32) -> Word {
    return y[at];
}

fn put(row: u32, col: u32, sum: Word) {
    let at = word_at(row * params.n + col);
    let value = sum + b[word_at(col)];
    y[at] = activate_word(value);
    if (KEEP_Z) {
        z[at] = value;
    }
}

fn put_row_sums(row: u32, sums: Word) {}
