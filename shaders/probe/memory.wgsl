// memory: matches[i] = words of workgroup memory that invocation i reads back as another invocation wrote them.
// Shapes: matches [64]; workgroup memory [WORDS], all of which is written before it is read.

override WORDS: u32 = 4096u;

@group(0) @binding(0) var<storage, read_write> matches: array<u32>;

var<workgroup> words: array<u32, WORDS>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    for (var i = local; i < WORDS; i += 64u) {
        words[i] = i * 2654435761u;
    }
    workgroupBarrier();
    var count = 0u;
    for (var i = local; i < WORDS; i += 64u) {
        let mirrored = WORDS - 1u - i;
        count += select(0u, 1u, words[mirrored] == mirrored * 2654435761u);
    }
    matches[local] = count;
}
