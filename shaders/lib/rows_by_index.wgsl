// Rows of a matrix product's operand taken from a data set by this step's row of the index table. The including shader binds
// `step` and `index`, has `index_stride` in its params, and says by `a_line`, `b_line` and B_INDEXED which operand this is.
var<private> first_index: u32;

fn begin_rows() {
    first_index = step[0] * params.index_stride;
}

fn indexed_row(i: u32) -> u32 {
    return index[first_index + i];
}
