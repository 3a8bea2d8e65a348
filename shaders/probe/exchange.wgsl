// exchange: matches[i] = rounds in which a neighbour's word came over workgroup memory as it was written.
// Shapes: matches [groups * SIZE]. Each round every invocation writes a word, and after the barrier reads the word of
// another invocation, at a distance that changes from round to round.

override SIZE: u32 = 64u;
override ROUNDS: u32 = 32u;

@group(0) @binding(0) var<storage, read_write> matches: array<u32>;

var<workgroup> slots: array<u32, SIZE>;

fn word(group: u32, round: u32, local: u32) -> u32 {
    return (group * 7919u + round) * 65536u + local + 1u;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var count = 0u;
    for (var round = 0u; round < ROUNDS; round++) {
        slots[local] = word(group.x, round, local);
        workgroupBarrier();
        let other = (local + round * 37u + 1u) % SIZE;
        let found = slots[other];
        workgroupBarrier();
        count += select(0u, 1u, found == word(group.x, round, other));
    }
    matches[group.x * SIZE + local] = count;
}
