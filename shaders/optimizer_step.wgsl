// optimizer_step: p = p - what the rule of an optimizer makes of the gradient and its states, over a whole arena. The kernel's
// name is that of its rule in lib/optimizer/, which has Params, the bindings of the states, and `fn update(i: u32, h: Hyper)`
// for a word of four elements.
// Shapes: grad, param and each state [n]; hyper [steps, hyper_stride], see lib/optimizer/hyper.wgsl. No sums.
// Numerics: each operation rounds once; any product may be contracted. What would cancel in f32 (bias corrections, 1 - beta,
// schedules) comes from the host, rounded once. The states start at 0 where the rule does not say otherwise.
// Source: with the rule.
//#include lib/strip.wgsl
//#include lib/optimizer/hyper.wgsl
//#include formula

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<Word>;
@group(0) @binding(4) var<storage, read_write> param: array<Word>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let h = hyper_at(step[0] * params.hyper_stride);
    let first = WORDS * element_index(group, groups, local);
    for (var i = first; i < first + WORDS && 4u * i < params.n; i++) {
        update(i, h);
    }
}
