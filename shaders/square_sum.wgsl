// square_sum: y[part] = sum over the part's 4096 elements of x^2: what the norm of all gradients is made of.
// Shapes: x [n], y [ceil(n / 4096)]. What lies between n and the next multiple of four is read and not counted.
// Order of sums: invocation j adds words j, j + 64, ... of its part in rising order, then its four sums; then a tree over the
// 64 invocations. The parts are added by col_sum.
// Numerics: gamma(25) * sum x^2: a product, 16 sums of words, 2 of their elements, 6 of the tree.
// Source: Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2.
//#include lib/grid.wgsl
//#include lib/word4.wgsl

const LANES: u32 = 64u;
const WORDS: u32 = 1024u;

struct Params {
    n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Word>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let part = group_index(group, groups);
    let first = part * WORDS;
    let last = min(first + WORDS, (params.n + 3u) / 4u);
    var total = Word();
    for (var i = first + local; i < last; i += LANES) {
        let inside = 4u * i + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.n);
        let word = select(Word(), x[i], inside);
        total = mul_add4(word, word, total);
    }
    sums[local] = (total.x + total.y) + (total.z + total.w);
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (local < half) {
            sums[local] += sums[local + half];
        }
        workgroupBarrier();
    }
    // Groups that only fill the grid have no part.
    if (local == 0u && 4u * first < params.n) {
        y[part] = sums[0];
    }
}
