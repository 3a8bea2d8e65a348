//! A short name for a tensor's bits.

/// 64-bit FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv) of the values' bits as f32, little endian, in 16 hexadecimal
/// digits. Equal bits give equal digests; among n tensors an accident of two different ones is as likely as n^2 / 2^65.
pub fn digest(values: &[f64]) -> String {
    let bytes = values.iter().flat_map(|v| (*v as f32).to_bits().to_le_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn the_hash_is_fnv_1a() {
        // Two of the draft's test vectors: the empty text, and "foob", whose four bytes are those of one f32.
        assert_eq!(digest(&[]), "cbf29ce484222325");
        assert_eq!(digest(&[f64::from(f32::from_le_bytes(*b"foob"))]), "dd120e790c2512af");
    }

    #[test]
    fn one_bit_and_the_order_and_the_sign_of_zero_count() {
        assert_ne!(digest(&[1.0, 2.0]), digest(&[1.0, 2.0 + 2f64.powi(-22)]));
        assert_ne!(digest(&[1.0, 2.0]), digest(&[2.0, 1.0]));
        assert_ne!(digest(&[0.0]), digest(&[-0.0]));
        assert_eq!(digest(&[0.1]), digest(&[f64::from(0.1f32)]), "rounded to f32 first");
    }
}
