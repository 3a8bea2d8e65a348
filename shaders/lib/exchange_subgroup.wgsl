// Words passed between the WIDTH invocations of a workgroup that is one subgroup: taken only where the adapter fixes the
// subgroup size to WIDTH. exchange_memory.wgsl is the other text. WGSL wants the lane as a constant: a function each.
// Says to the plan which text this is.
override SUBGROUP: u32 = 8u;
var<private> own_word: vec4<f32>;

fn share(value: vec4<f32>, local: u32) {
    own_word = value;
}

fn word_0() -> vec4<f32> {
    return subgroupBroadcast(own_word, 0u);
}

fn word_1() -> vec4<f32> {
    return subgroupBroadcast(own_word, 1u);
}

fn word_2() -> vec4<f32> {
    return subgroupBroadcast(own_word, 2u);
}

fn word_3() -> vec4<f32> {
    return subgroupBroadcast(own_word, 3u);
}

fn word_4() -> vec4<f32> {
    return subgroupBroadcast(own_word, 4u);
}

fn word_5() -> vec4<f32> {
    return subgroupBroadcast(own_word, 5u);
}

fn word_6() -> vec4<f32> {
    return subgroupBroadcast(own_word, 6u);
}

fn word_7() -> vec4<f32> {
    return subgroupBroadcast(own_word, 7u);
}
