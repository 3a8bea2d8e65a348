//! `wgrad plan` says what a run takes and which batch size fits; `WGRAD_LIMITS` lowers a target's limits.

use crate::support::program;

use program::{IRIS, Place};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A wide network with activations that outweigh everything else.
fn place() -> Place {
    let place = Place::new();
    place.write_edited("wide.toml", IRIS, "dense = 8\n", "dense = 4096\n");
    place
}

#[test]
fn plan_says_what_a_run_takes_by_its_parts() {
    let place = place();
    let plan = json(&place.good(&["plan", "wide.toml", "--json", "--memory", "1GiB"]));
    let memory = &plan["training_memory"];
    let of = |part: &str| memory[part].as_u64().unwrap();
    // Four features, three classes; momentum has one state.
    let parameters = 4 * (4096 * 4 + 4096 + 3 * 4096 + 3);
    for part in ["parameters_bytes", "gradients_bytes", "states_bytes"] {
        assert!((parameters..parameters + 4 * 256).contains(&of(part)), "{part}: {plan}");
    }
    assert!(of("samples_bytes") >= 150 * (4 + 1) * 4);
    assert_eq!(plan["available_bytes"], 1u64 << 30);
    let text = place.good(&["plan", "wide.toml", "--memory", "1GiB"]);
    for part in ["memory of a training run", "optimizer states", "1.0 GiB (1073741824 bytes)", "largest batch_size"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Nothing is known of the memory of an adapter that is not there.
    let text = place.good(&["plan", "wide.toml"]);
    assert!(text.contains("--memory SIZE"), "{text}");
}

#[test]
fn the_largest_batch_size_fits_and_one_more_sample_does_not() {
    let place = place();
    let memory = ["--memory", "3MiB"];
    let plan = |batch: u64| {
        place.write_edited("b.toml", &place.read("wide.toml"), "batch_size = 4", &format!("batch_size = {batch}"));
        [&["plan", "b.toml", "--json"][..], &memory].concat()
    };
    let largest = json(&place.good(&plan(1)))["largest_batch_size"].as_u64().unwrap();
    // Between one sample and the 120 rows of the training part: neither end is what the search found.
    assert!((2..120).contains(&largest), "{largest}");
    place.good(&plan(largest));
    let more = plan(largest + 1);
    place.refused(&more, &["out of memory", "(3145728 bytes)", &format!("batch_size = {largest} is the largest")]);
    place.refused(&["plan", "wide.toml", "--memory", "300KiB"], &["out of memory", "No batch size fits"]);
    for wrong in ["much", "0", "-1", "1.5GiB", "99999999999999999999", "17179869184GiB"] {
        place.refused(&["plan", "iris.toml", &format!("--memory={wrong}")], &["--memory", "whole number"]);
    }
}

#[test]
fn limits_of_the_environment_divide_the_plan_and_are_refused_when_wrong() {
    let place = place();
    let plan = |limits: &str| {
        let mut command = place.command(&["plan", "wide.toml", "--without", "whole"]);
        command.env("WGRAD_LIMITS", limits);
        command
    };
    let kernels = |text: &str| text.matches("join_columns").count();
    assert_eq!(kernels(&program::ended(&mut plan("")).stdout), 0);
    let small = "max_storage_buffer_binding_size=32768,max_buffer_size=65536,max_compute_workgroups_per_dimension=16";
    let found = program::ended(&mut plan(small));
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(kernels(&found.stdout) > 0, "{}", found.stdout);
    for (wrong, part) in [
        ("max_buffer_size=9999999999", "a limit can only be lowered"),
        ("max_buffer_size=ten", "is not a whole number"),
        ("max_textures=1", "there is no such limit"),
    ] {
        place.refused_by(&mut plan(wrong), &["WGRAD_LIMITS", wrong, part]);
    }
    place.refused_by(&mut plan("max_storage_buffer_binding_size=256"), &["too large", "256 bytes", "Reduce"]);
}
