// Mean and 1 / sqrt(variance + eps) of a row of x. The variance is the mean of the squared distances from the mean (two
// passes): the mean of the squares minus the square of the mean would lose all digits where the mean is large.
// Source: Chan, Golub and LeVeque, "Algorithms for computing the sample variance", The American Statistician 37 (1983).
//#include row.wgsl

struct Moments {
    mean: f32,
    rstd: f32,
}

// `cols` is 0 for a row out of range, whose invocations still meet every barrier.
fn row_moments(base: u32, cols: u32, local: u32) -> Moments {
    var sum = 0.0;
    for (var j = local % LANES; j < cols; j += LANES) {
        sum += x[base + j];
    }
    let mean = quotient(row_sum(sum, local), f32(params.cols));
    var squares = 0.0;
    for (var j = local % LANES; j < cols; j += LANES) {
        let distance = x[base + j] - mean;
        squares = mul_add(distance, distance, squares);
    }
    let variance = quotient(row_sum(squares, local), f32(params.cols));
    return Moments(mean, inverse_root(variance + params.eps));
}
