//! Philox4x32-10: four random words for a counter, the same on every machine. Twin of `shaders/lib/philox.wgsl`.
//!
//! Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.

/// Multipliers of the two halves of the counter (Salmon et al., Philox4x32).
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// Weyl increments of the key: the golden ratio and sqrt(3) - 1, each times 2^32 (Salmon et al.).
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Rounds of the bijection; 10 is the number the authors recommend.
const ROUNDS: usize = 10;

/// One block of four random words for a 128-bit counter and a 64-bit key.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    let mut k = key;
    for _ in 0..ROUNDS {
        let product0 = u64::from(MULTIPLIERS[0]) * u64::from(c[0]);
        let product1 = u64::from(MULTIPLIERS[1]) * u64::from(c[2]);
        let (high0, low0) = ((product0 >> 32) as u32, product0 as u32);
        let (high1, low1) = ((product1 >> 32) as u32, product1 as u32);
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    c
}
