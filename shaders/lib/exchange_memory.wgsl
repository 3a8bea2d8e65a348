// Words passed between the WIDTH invocations of a workgroup, through workgroup memory. exchange_subgroup.wgsl is the other
// text with the same interface. All invocations must call `share`.
var<workgroup> shared_words: array<vec4<f32>, 8>;

fn share(value: vec4<f32>, local: u32) {
    workgroupBarrier();
    shared_words[local] = value;
    workgroupBarrier();
}

fn word_of(owner: u32) -> vec4<f32> {
    return shared_words[owner];
}

fn word_0() -> vec4<f32> {
    return word_of(0u);
}

fn word_1() -> vec4<f32> {
    return word_of(1u);
}

fn word_2() -> vec4<f32> {
    return word_of(2u);
}

fn word_3() -> vec4<f32> {
    return word_of(3u);
}

fn word_4() -> vec4<f32> {
    return word_of(4u);
}

fn word_5() -> vec4<f32> {
    return word_of(5u);
}

fn word_6() -> vec4<f32> {
    return word_of(6u);
}

fn word_7() -> vec4<f32> {
    return word_of(7u);
}
