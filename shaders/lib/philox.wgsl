// Philox4x32-10: four random words for a counter of 128 bits and a key of 64, the same on every machine.
// Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.

// The upper word of the product of two words: WGSL has the lower one alone.
fn product_high(a: u32, b: u32) -> u32 {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let low_high = a_low * b_high;
    let high_low = a_high * b_low;
    // Three numbers below 2^16: the sum keeps its carry.
    let middle = ((a_low * b_low) >> 16u) + (low_high & 0xffffu) + (high_low & 0xffffu);
    return a_high * b_high + (low_high >> 16u) + (high_low >> 16u) + (middle >> 16u);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var k = key;
    for (var round = 0u; round < 10u; round++) {
        let high0 = product_high(0xd2511f53u, c.x);
        let low0 = 0xd2511f53u * c.x;
        let high1 = product_high(0xcd9e8d57u, c.z);
        let low1 = 0xcd9e8d57u * c.z;
        c = vec4<u32>(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0);
        k = k + vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}
