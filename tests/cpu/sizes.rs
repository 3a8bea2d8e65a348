//! Sizes in bytes, as a spec has them.

use wgrad::spec::Spec;

/// A spec that states `memory` so.
fn with_memory(written: &str) -> wgrad::Result<Spec> {
    let data = format!("[data]\ntrain = \"a.csv\"\ntarget = \"y\"\nmemory = \"{written}\"\n");
    let rest = "[[model.layers]]\ndense = 1\n[train]\nloss = \"mse\"\noptimizer = { sgd = { lr = 0.1 } }\n";
    Spec::parse(&(data + rest), "spec.toml")
}

#[test]
fn sizes_are_written_as_they_are_read() {
    for (bytes, written) in [(0, "0 B"), (1, "1 B"), (1536, "1536 B"), (2048, "2 KiB"), (3 << 30, "3 GiB")] {
        let spec = with_memory(written).unwrap();
        assert_eq!(spec.data.reading.memory, bytes);
        assert!(spec.to_toml().contains(&format!("\nmemory = \"{written}\"\n")), "{}", spec.to_toml());
    }
    assert_eq!(with_memory("256MiB").unwrap().data.reading.memory, 256 << 20);
    for wrong in ["", "MiB", "1.5 GiB", "-1 B", "12", "9999999999 TiB", "1 MB", "1 MiB x"] {
        let message = with_memory(wrong).unwrap_err().to_string();
        assert!(message.contains("`memory` must be a size"), "{wrong}: {message}");
    }
}
