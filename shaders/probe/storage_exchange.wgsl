// storage_exchange: matches[i] = rounds in which a neighbour's word came over storage memory as it was written.
// Shapes: slots, matches [groups * SIZE]. As exchange, through a storage buffer and storageBarrier, within a workgroup.

override SIZE: u32 = 64u;
override ROUNDS: u32 = 32u;

@group(0) @binding(0) var<storage, read_write> slots: array<u32>;
@group(0) @binding(1) var<storage, read_write> matches: array<u32>;

fn word(group: u32, round: u32, local: u32) -> u32 {
    return (group * 7919u + round) * 65536u + local + 1u;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let base = group.x * SIZE;
    var count = 0u;
    for (var round = 0u; round < ROUNDS; round++) {
        slots[base + local] = word(group.x, round, local);
        storageBarrier();
        let other = (local + round * 37u + 1u) % SIZE;
        let found = slots[base + other];
        storageBarrier();
        count += select(0u, 1u, found == word(group.x, round, other));
    }
    matches[base + local] = count;
}
