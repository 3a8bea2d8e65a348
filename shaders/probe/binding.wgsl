// binding: writes (PHASE 0) or checks (PHASE 1) 64 words, evenly spaced from the first to the last of a binding.
// Shapes: words [n], found [64]: the words as read, found[0] the binding's length instead.

override PHASE: u32 = 0u;

@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> found: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    let n = arrayLength(&words);
    let place = select((n / 64u) * local, n - 1u, local == 63u);
    if (PHASE == 0u) {
        words[place] = local * 2654435761u + 1u;
    } else {
        found[local] = select(words[place], n, local == 0u);
    }
}
