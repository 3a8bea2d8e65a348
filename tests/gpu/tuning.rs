//! Tuning on the adapter: what a table decides is verified, a run keeps what it was begun with, and what does not belong
//! here is refused.

use crate::support;
use crate::support::{adapter, program};

use program::{Ended, Place};
use std::path::Path;
use wgrad::exec::Device;
use wgrad::plan::tuning::Table;
use wgrad::testing::tune::Lock;

/// A place with a spec whose train step is of separate dispatches, of widths with and without words of four.
struct Tuned {
    place: Place,
    adapter: String,
}

impl Tuned {
    #[track_caller]
    fn new() -> Option<Tuned> {
        let adapter = adapter::name()?;
        let place = Place::new();
        let wide = "dense = 68\nactivation = \"tanh\"\n\n[[model.layers]]\ndense = 33\nactivation = \"relu\"";
        place.write_edited("net.toml", program::IRIS, "dense = 8\nactivation = \"tanh\"", wide);
        Some(Tuned { place, adapter })
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.place.run(&[args, &["--adapter", &self.adapter, "--without", "whole"]].concat())
    }

    #[track_caller]
    fn good(&self, args: &[&str]) -> Ended {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        ended
    }

    fn tune(&self, more: &[&str]) -> Ended {
        self.good(&[&["tune", "net.toml", "--seconds", "0.02"], more].concat())
    }

    fn lock(&self, name: &str) -> Lock {
        Lock::read(&self.place.path(name)).unwrap()
    }
}

/// Another way for every class, as far as there is one.
fn turned(lock: &Lock, device: &Device) -> Lock {
    let mut table = lock.table();
    for (class, way) in &mut table {
        let ways = device.products().ways(class);
        let at = ways.iter().position(|w| w == way).unwrap();
        *way = ways[(at + 1) % ways.len()];
    }
    Lock::new(device, &table).unwrap()
}

#[test]
fn a_run_has_the_bits_of_its_tuning_and_keeps_it() {
    let (Some(device), Some(on)) = (support::adapter::adapter(), Tuned::new()) else { return };
    let place = &on.place;
    let tuned = on.tune(&["--out", "t.toml"]);
    assert!(tuned.stdout.contains("classes of products") && tuned.stdout.contains("chosen"), "{}", tuned.stdout);
    assert!(!place.path("cache").exists());
    // Every other way than the chosen ones, so that the file decides something.
    let other = turned(&on.lock("t.toml"), device);
    assert!(other.table().len() >= 5, "{}", other.to_toml());
    place.write("other.toml", &other.to_toml());
    let train = |run: &str, tuning: &str, more: &[&str]| {
        on.good(&[&["train", "net.toml", "--run", run, "--tuning", tuning], more].concat()).stderr
    };
    for tuning in ["t.toml", "other.toml"] {
        let said = train(&format!("a-{tuning}"), tuning, &[]);
        assert!(said.contains(&format!("tuning {tuning} (")), "{said}");
        train(&format!("b-{tuning}"), tuning, &[]);
        let [a, b] = ["a", "b"].map(|run| place.bytes(&format!("{run}-{tuning}/model.safetensors")));
        assert!(a == b, "{tuning}: other bits");
        let verified = on.good(&["verify", "net.toml", "--steps", "2", "--tuning", tuning]);
        assert!(verified.stderr.contains(&on.lock(tuning).digest()), "{}", verified.stderr);
    }
    let same = place.bytes("a-t.toml/model.safetensors") == place.bytes("a-other.toml/model.safetensors");
    println!("{}: other ways give {} bits", device.name(), if same { "the same" } else { "other" });
    // The run keeps its tuning, and goes on with it whatever the cache says.
    train("parts", "other.toml", &["--epochs", "1"]);
    on.tune(&[]);
    let resumed = on.good(&["train", "--resume", "parts", "--epochs", "3"]).stderr;
    assert!(resumed.contains(&other.digest()), "{resumed}");
    assert!(place.bytes("parts/model.safetensors") == place.bytes("a-other.toml/model.safetensors"));
    let record: serde_json::Value = serde_json::from_str(&place.read("parts/run.json")).unwrap();
    for part in record["parts"].as_array().unwrap() {
        let kept: Lock = serde_json::from_value(part["tuning"].clone()).unwrap();
        assert_eq!(kept, other);
    }
    let verified = on.good(&["verify", "parts"]).stderr;
    assert!(verified.contains(&other.digest()), "{verified}");
}

#[test]
fn the_cache_is_found_again_and_can_be_left_out() {
    let (Some(_), Some(on)) = (support::adapter::adapter(), Tuned::new()) else { return };
    let verify = ["verify", "net.toml"];
    assert!(!on.good(&verify).stderr.contains("tuning"));
    on.tune(&[]);
    assert!(on.good(&verify).stderr.contains("tuning    "));
    assert!(!on.good(&[&verify[..], &["--tuning", "none"]].concat()).stderr.contains("tuning"));
    // A second spec adds its classes; the first one's stay.
    let file = std::fs::read_dir(on.place.path("cache")).unwrap().next().unwrap().unwrap().path();
    let before = Lock::read(&file).unwrap().table();
    on.place.write("other.toml", &on.place.read("net.toml").replace("dense = 68", "dense = 260"));
    on.good(&["tune", "other.toml", "--seconds", "0.02"]);
    let after = Lock::read(&file).unwrap().table();
    assert!(after.len() > before.len() && before.keys().all(|class| after.contains_key(class)));
    // A cache that cannot be read is told, not passed over; measuring again is the remedy.
    std::fs::write(&file, "format = 1\nadapter = 3\n").unwrap();
    on.run(&verify).is_refusal(&[file.to_str().unwrap(), "invalid type", "wgrad tune", "--tuning none"]);
    on.tune(&[]);
    on.good(&verify);
}

#[test]
fn a_file_that_does_not_belong_here_is_refused_by_naming_both() {
    let Some(device) = support::adapter::adapter() else { return };
    let here = Lock::new(device, &Table::new()).unwrap();
    assert!(here.fit(device, "t.toml").is_ok());
    // The lines before the products, one of them as another machine would have it.
    let text = here.to_toml();
    let edited = |key: &str| -> String {
        let start = format!("{key} = ");
        let other =
            |line: &str| if line.starts_with(&start) { format!("{start}\"Another\"\n") } else { format!("{line}\n") };
        text.lines().map(other).collect()
    };
    let read = |text: &str| Lock::parse(text, Path::new("t.toml")).unwrap();
    for (what, key) in
        [("another adapter", "adapter"), ("another driver", "driver"), ("text of the shaders", "shaders")]
    {
        let other = read(&edited(key));
        let message = other.fit(device, "t.toml").unwrap_err().to_string();
        let parts = ["t.toml", what, "\"Another\"", "wgrad tune"];
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    // Rows that are no words of four cannot be stored so.
    let entry =
        "\n[[product]]\nm = 64\nn = 16\nk = 8\ntrans_a = false\ntrans_b = true\nwords = false\nway = \"broadcast 2\"\n";
    let lock = read(&format!("{}{entry}", text.replace("product = []\n", "")));
    let message = lock.fit(device, "t.toml").unwrap_err().to_string();
    assert!(["t.toml", "broadcast 2", "cannot", device.name()].iter().all(|part| message.contains(part)), "{message}");
}
