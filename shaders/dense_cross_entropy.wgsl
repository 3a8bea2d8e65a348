// dense_cross_entropy: the end of a classifier in one pass over its samples. z = x · wᵀ + b are the logits of the last layer,
// loss_i = -log softmax(z_i)[t_i] with t_i = target[index[i]], dz = upstream * (softmax(z) - onehot(t)), and
// dx = (dz · w) * activation'(saved), the gradient through this layer and the activation before it.
// Shapes: x, saved, dx [m, k]; params: w [n, k] at its start and b [n] at element bias_at; index [steps, index_stride],
// target [any]; upstream [steps, upstream_stride]; loss [m], dz [m, n]. n is 1 to 16, k a multiple of 4.
// A workgroup computes WIDTH rows, 4 or 8. For the logits an invocation has a row; for dx it has four columns of all rows.
// Order of sums: z rising k, then the bias; the loss as cross_entropy with one lane; dx rising n.
// Numerics: as matmul_bias_act, cross_entropy and matmul_act_grad, one after the other.
// Source: as those three.
//#include lib/class_loss.wgsl
//#include lib/activation_word4.wgsl
//#include lib/rows_by_index.wgsl
//#include lib/exchange_memory.wgsl

override WIDTH: u32 = 8u;
// The constant n, so that loops over columns are as long as they must be.
override COLS: u32 = 16u;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    index_stride: u32,
    upstream_stride: u32,
    bias_at: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> layer: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> target_class: array<u32>;
@group(0) @binding(6) var<storage, read> upstream: array<f32>;
@group(0) @binding(7) var<storage, read> saved: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> loss: array<f32>;
@group(0) @binding(9) var<storage, read_write> dz: array<f32>;
@group(0) @binding(10) var<storage, read_write> dx: array<vec4<f32>>;

// Logits and their gradient of this invocation's row, which begins at element `row_begin` of dz.
var<private> logits: array<f32, 16>;
var<private> slopes: array<f32, 16>;
var<private> row_begin: u32;

fn pred_at(i: u32) -> f32 {
    return logits[i - row_begin];
}

fn dpred_at(i: u32) -> f32 {
    return slopes[i - row_begin];
}

fn set_dpred(i: u32, value: f32) {
    slopes[i - row_begin] = value;
}

fn class_at(row: u32) -> u32 {
    return target_class[indexed_row(row)];
}

fn row_upstream(row: u32) -> f32 {
    return upstream[step[0] * params.upstream_stride + row];
}

fn set_loss(row: u32, value: f32) {
    loss[row] = value;
}

// Four terms of four columns' sums, of which every fourth invocation loads one column.
fn add_terms(sums: vec4<f32>, column: u32, q: u32, terms: vec4<f32>, local: u32) -> vec4<f32> {
    let mine = min(column + local % 4u, COLS - 1u);
    share(layer[(mine * params.k + q) / 4u], local);
    let w = transpose(mat4x4<f32>(word_0(), word_1(), word_2(), word_3()));
    var s = mul_add4(vec4<f32>(terms.x), w[0], sums);
    s = mul_add4(vec4<f32>(terms.y), w[1], s);
    s = mul_add4(vec4<f32>(terms.z), w[2], s);
    return mul_add4(vec4<f32>(terms.w), w[3], s);
}

fn find_logits(row: u32, local: u32) {
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var q = 0u; q < params.k; q += 4u) {
        let terms = x[(row * params.k + q) / 4u];
        s0 = add_terms(s0, 0u, q, terms, local);
        if (COLS > 4u) {
            s1 = add_terms(s1, 4u, q, terms, local);
        }
        if (COLS > 8u) {
            s2 = add_terms(s2, 8u, q, terms, local);
        }
        if (COLS > 12u) {
            s3 = add_terms(s3, 12u, q, terms, local);
        }
    }
    logits = array<f32, 16>(
        s0.x, s0.y, s0.z, s0.w, s1.x, s1.y, s1.z, s1.w, s2.x, s2.y, s2.z, s2.w, s3.x, s3.y, s3.z, s3.w,
    );
    for (var c = 0u; c < COLS; c++) {
        let at = params.bias_at + c;
        logits[c] += layer[at / 4u][at % 4u];
    }
}

// Four columns of w, one word for each of its rows.
var<private> w_words: array<vec4<f32>, 16>;

fn add_slopes(sum: vec4<f32>, column: u32, slope: vec4<f32>) -> vec4<f32> {
    var s = mul_add4(vec4<f32>(slope.x), w_words[column], sum);
    s = mul_add4(vec4<f32>(slope.y), w_words[column + 1u], s);
    s = mul_add4(vec4<f32>(slope.z), w_words[column + 2u], s);
    return mul_add4(vec4<f32>(slope.w), w_words[column + 3u], s);
}

// dz · w for the rows from `row0` on, four columns from `col` on. The other rows' slopes come from their owners, four columns
// of z at a time.
struct RowSums {
    rows: array<vec4<f32>, 8>,
}

fn add_four(sums: ptr<function, RowSums>, column: u32, local: u32) {
    share(vec4<f32>(slopes[column], slopes[column + 1u], slopes[column + 2u], slopes[column + 3u]), local);
    (*sums).rows[0] = add_slopes((*sums).rows[0], column, word_0());
    (*sums).rows[1] = add_slopes((*sums).rows[1], column, word_1());
    (*sums).rows[2] = add_slopes((*sums).rows[2], column, word_2());
    (*sums).rows[3] = add_slopes((*sums).rows[3], column, word_3());
    if (WIDTH > 4u) {
        (*sums).rows[4] = add_slopes((*sums).rows[4], column, word_4());
        (*sums).rows[5] = add_slopes((*sums).rows[5], column, word_5());
        (*sums).rows[6] = add_slopes((*sums).rows[6], column, word_6());
        (*sums).rows[7] = add_slopes((*sums).rows[7], column, word_7());
    }
}

fn gradient_columns(row0: u32, col: u32, local: u32) {
    // Columns past the end repeat the last ones and are not stored.
    let begin = min(col, params.k - 4u);
    for (var c = 0u; c < COLS; c++) {
        w_words[c] = layer[(c * params.k + begin) / 4u];
    }
    var sums: RowSums;
    add_four(&sums, 0u, local);
    if (COLS > 4u) {
        add_four(&sums, 4u, local);
    }
    if (COLS > 8u) {
        add_four(&sums, 8u, local);
    }
    if (COLS > 12u) {
        add_four(&sums, 12u, local);
    }
    for (var r = 0u; r < WIDTH; r++) {
        let row = row0 + r;
        if (row < params.m && col < params.k) {
            let at = (row * params.k + col) / 4u;
            dx[at] = sums.rows[r] * derivative_word(saved[at]);
        }
    }
}

@compute @workgroup_size(WIDTH)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    begin_rows();
    let row0 = group_index(group, groups) * WIDTH;
    let row = row0 + local;
    let inside = row < params.m;
    row_begin = row * COLS;
    // A row past the end repeats the last one.
    find_logits(min(row, params.m - 1u), local);
    class_loss_row(RowLane(row, 0u), inside, COLS, local);
    if (inside) {
        for (var c = 0u; c < COLS; c++) {
            dz[row_begin + c] = slopes[c];
        }
    }
    for (var col = 0u; col < params.k; col += 4u * WIDTH) {
        gradient_columns(row0, col + 4u * local, local);
    }
}
