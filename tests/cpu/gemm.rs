//! Matrix products: how they are cut into parts for threads, and that the threads leave no mark on the result.

use wgrad::kernels::cpu::gemm::gemm;
use wgrad::testing::kernels::parts;

#[test]
fn parts_cover_every_element_once() {
    for sizes in [[1, 1, 1], [64, 128, 784], [10, 1024, 256], [1024, 10, 256], [257, 1025, 600], [1024, 1024, 1024]] {
        let mut seen = vec![0u8; sizes[0] * sizes[1]];
        for [rows, columns] in parts(sizes) {
            for i in rows {
                seen[i * sizes[1]..][columns.clone()].iter_mut().for_each(|s| *s += 1);
            }
        }
        assert!(seen.iter().all(|s| *s == 1), "{sizes:?}");
    }
    assert!(parts([32, 32, 64]).len() == 1 && parts([256, 1024, 1024]).len() > 8);
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() -> Result<(), rayon::ThreadPoolBuildError> {
    for (sizes @ [m, n, k], trans_a, trans_b) in [
        ([64, 128, 784], false, true),
        ([256, 700, 784], false, false),
        ([500, 129, 300], true, false),
        ([900, 10, 400], false, true),
    ] {
        let number = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 504.0 - 1.0;
        let a: Vec<f32> = (0..m * k).map(number).collect();
        let b: Vec<f32> = (0..k * n).map(|i| number(i + 7)).collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            let mut y = vec![f32::NAN; m * n];
            pool.install(|| gemm(&mut y, &a, &b, sizes, trans_a, trans_b));
            Ok::<_, rayon::ThreadPoolBuildError>(y.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        };
        let one = run(1)?;
        assert!(parts(sizes).len() > 1);
        for threads in [2, 3, 4, 4, 7] {
            assert_eq!(run(threads)?, one, "{sizes:?} on {threads} threads");
        }
    }
    Ok(())
}
