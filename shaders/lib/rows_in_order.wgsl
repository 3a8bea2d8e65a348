// Which rows of its operands a matrix product reads: all of them, in order. rows_by_index.wgsl is the other text.
const B_INDEXED: bool = false;

fn begin_rows() {}

// The row of a that is row `a_row` of the product's operand; only where a is not transposed.
fn a_line(a_row: u32) -> u32 {
    return a_row;
}

// The same for b.
fn b_line(b_row: u32) -> u32 {
    return b_row;
}
