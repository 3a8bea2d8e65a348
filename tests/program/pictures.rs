//! Folders of pictures as data: what pixels become, held against Pillow; from `wgrad new` to predictions; what is refused.

#![cfg(feature = "images")]

use crate::support::program;

use program::Place;
use serde_json::Value;
use std::path::{Path, PathBuf};
use wgrad::data::pictures::{Filter, Images};
use wgrad::spec::DataFile;
use wgrad::testing::data::source;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures")
}

fn fixture(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join(name)).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The rows of a folder, in its order.
fn rows(path: &Path, images: Images) -> wgrad::Result<Vec<Vec<f64>>> {
    let mut source = source::open_file(&DataFile::at(path).with_images(Some(images)))?;
    let columns: Vec<usize> = source
        .header()
        .columns
        .iter()
        .zip(0..)
        .filter(|(name, _)| name.starts_with("pixel"))
        .map(|(_, at)| at)
        .collect();
    let mut rows = Vec::new();
    while let Some(chunk) = source.next_chunk()? {
        let mut block = chunk()?;
        if let Some(fault) = block.take_faults().into_iter().next() {
            return Err(fault.error);
        }
        for row in 0..block.rows() {
            rows.push(columns.iter().map(|&column| block.number(row, column)).collect::<wgrad::Result<_>>()?);
        }
    }
    Ok(rows)
}

#[test]
fn pixels_of_every_kind_are_those_that_pillow_reads() {
    let expected = fixture("kinds.json");
    let expected = expected.as_object().unwrap();
    assert_eq!(expected.len(), 15);
    for (channels, key) in [(1, "gray"), (3, "colours")] {
        let found = rows(&fixtures().join("kinds"), Images { channels, ..Images::default() }).unwrap();
        assert_eq!(found.len(), expected.len());
        // A JSON object has its keys in the order of their bytes, as the folder has.
        for (row, (name, expected)) in found.iter().zip(expected) {
            // PNG: one rounding to f32. JPEG: each decoder's transform may be off by one level in each component (IEEE 1180),
            // and blue has 1 of luma, 1.772 of a chroma; another level is the rounding of the sum.
            let bound = if name.ends_with(".png") { f64::from(f32::EPSILON) } else { (1.0 + 1.772 + 1.0) / 255.0 };
            let expected = numbers(&expected[key]);
            assert_eq!(row.len(), expected.len(), "{name}");
            for (at, (found, expected)) in row.iter().zip(&expected).enumerate() {
                assert!((found - expected).abs() <= bound, "{name}, {key} {at}: {found}, Pillow {expected}");
            }
        }
    }
}

#[test]
fn resizing_is_that_of_pillow() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixtures().join("resize.png"), folder.path().join("a.png")).unwrap();
    let cases = fixture("resize.json");
    assert_eq!(cases.as_array().unwrap().len(), 20);
    for case in cases.as_array().unwrap() {
        let (name, size) = (case["filter"].as_str().unwrap(), numbers(&case["size"]));
        let images = Images {
            size: Some([size[0] as usize, size[1] as usize]),
            channels: 1,
            filter: Filter::by_name(name).unwrap(),
            ..Images::default()
        };
        let found = rows(folder.path(), images).unwrap().remove(0);
        let expected = numbers(&case["values"]);
        assert_eq!(found.len(), expected.len());
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            // Both round to f32 after each direction, values below 2 in between; sines may differ in the last bit of f64.
            let bound = 2.0 * f64::from(f32::EPSILON);
            assert!((found - expected).abs() <= bound, "{name} to {size:?}, {at}: {found}, Pillow {expected}");
        }
    }
}

#[test]
fn normalising_is_by_channel() {
    let plain = rows(&fixtures().join("kinds"), Images::default()).unwrap();
    let images = Images { mean: [0.5, 0.25, 0.0], std: [0.5, 2.0, 1.0], ..Images::default() };
    let normal = rows(&fixtures().join("kinds"), images).unwrap();
    for (plain, normal) in plain.iter().flatten().zip(normal.iter().flatten()).collect::<Vec<_>>().chunks(3).map(|p| {
        let [(a, x), (b, y), (c, z)] = p else { panic!() };
        ([(*a - 0.5) / 0.5, (*b - 0.25) / 2.0, **c], [**x, **y, **z])
    }) {
        assert_eq!(plain, normal);
    }
}

/// Writes a gray PNG.
fn png(path: PathBuf, rows: usize, columns: usize, pixels: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), columns as u32, rows as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
}

/// Pictures of 8 x 8: bright on the left in the folder `left`, on the right in `right`.
fn pictures(place: &Place, folder: &str, from: usize, to: usize) {
    for i in from..to {
        for (class, side) in [("left", 0), ("right", 4)] {
            let pixel = |at: usize| {
                let bright = (side..side + 4).contains(&(at % 8));
                ((i * 31 + at * 17) % 64 + if bright { 160 } else { 0 }) as u8
            };
            png(place.path(&format!("{folder}/{class}/{i:03}.png")), 8, 8, &(0..64).map(pixel).collect::<Vec<_>>());
        }
    }
}

const MODEL: &str = "\n[[model.layers]]\ndense = 2\n[train]\nloss = \"cross_entropy\"\noptimizer = { adam = { lr = 0.01 } \
                     }\nbatch_size = 8\nepochs = 8\nseed = 1\n";

fn spec(data: &str) -> String {
    format!("[data]\n{data}{MODEL}")
}

#[test]
fn a_folder_is_looked_at_trained_on_and_predicted() {
    let place = Place::new();
    pictures(&place, "pics", 0, 30);
    pictures(&place, "more", 30, 34);
    let new = place.run(&["new", "pics", "--out", "s.toml"]);
    assert_eq!(new.code, Some(0), "{new:?}");
    for words in ["60 pictures, 60 in gray, all of one size", "2 classes: left 30 (50.0 %), right 30 (50.0 %)"] {
        assert!(new.stderr.contains(words), "{}", new.stderr);
    }
    assert!(place.read("s.toml").contains("images = { size = [8, 8], channels = 1 }"), "{}", place.read("s.toml"));
    let trained = place.run(&["train", "s.toml", "--run", "r", "--device", "cpu", "--epochs", "8"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(trained.stderr.contains("classes     left ") && trained.stderr.contains("right "), "{}", trained.stderr);
    assert!(trained.stdout.contains("validation accuracy  100.00 %"), "{}", trained.stdout);
    // The worst samples are pictures of their size.
    let report: Value = serde_json::from_str(&place.read("r/report.json")).unwrap();
    let worst = &report["portrait"]["worst"][0]["picture"];
    assert_eq!((&worst["width"], worst["pixels"].as_array().map(Vec::len)), (&Value::from(8), Some(64)), "{worst}");

    assert!(place.good(&["eval", "r", "--data", "more", "--device", "cpu"]).contains("accuracy  100.00 %"));
    let predict = |data: &str| place.good(&["predict", "r", "--data", data, "--device", "cpu"]);
    let by_class = predict("more");
    let lines: Vec<&str> = by_class.lines().collect();
    assert_eq!((lines[0], lines.len()), ("file,class,p(left),p(right)", 9));
    assert!(lines[1].starts_with("left/030.png,left,") && lines[8].starts_with("right/033.png,right,"), "{by_class}");
    let flat = predict("more/right");
    assert_eq!(flat.lines().nth(1), lines[5].strip_prefix("right/"));
    for args in [&["verify", "r"][..], &["gradcheck", "s.toml"], &["init", "s.toml", "--out", "w.safetensors"]] {
        place.good(args);
    }
    place.good(&["grad", "s.toml", "--weights", "w.safetensors", "--data", "more", "--out", "g.safetensors"]);
}

#[test]
fn a_run_notices_changed_added_and_removed_pictures() {
    let place = Place::new();
    pictures(&place, "pics", 0, 8);
    place.write("s.toml", &spec("train = \"pics/\""));
    place.good(&["train", "s.toml", "--run", "r", "--device", "cpu", "--epochs", "1"]);
    let resume = ["train", "--resume", "r", "--device", "cpu", "--epochs", "2"];
    let refused = || place.refused(&resume, &["no longer those that this run was trained on", "pics"]);
    let kept = place.bytes("pics/left/003.png");
    png(place.path("pics/left/003.png"), 8, 8, &[7; 64]);
    refused();
    std::fs::remove_file(place.path("pics/left/003.png")).unwrap();
    refused();
    std::fs::write(place.path("pics/left/003.png"), &kept).unwrap();
    std::fs::write(place.path("pics/left/009.png"), &kept).unwrap();
    refused();
    std::fs::remove_file(place.path("pics/left/009.png")).unwrap();
    place.write("other.toml", &spec("train = \"pics/\"\nimages = { channels = 1 }"));
    let changed = ["train", "other.toml", "--resume", "r", "--device", "cpu", "--epochs", "2"];
    place.refused(&changed, &["another spec", "channels = 1"]);
    place.good(&resume);
}

#[test]
fn pictures_beyond_memory_are_kept_in_a_file_and_a_folder_validates() {
    let place = Place::new();
    pictures(&place, "pics", 0, 16);
    pictures(&place, "rest", 20, 24);
    let data =
        "train = \"pics/\"\nvalidation = \"rest\"\nimages = { size = [4, 4], channels = 1, mean = 0.4, std = 0.3 }\n";
    let train = |name: &str, more: &str| {
        place.write("s.toml", &spec(&format!("{data}{more}")));
        let ended = place.run(&["train", "s.toml", "--run", name, "--device", "cpu"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("validation accuracy  100.00 %"), "{}", ended.stdout);
        ended.stderr
    };
    let whole = train("whole", "");
    let streamed = train("streamed", "memory = \"1 KiB\"\n");
    for (text, in_file) in [(&whole, false), (&streamed, true)] {
        assert!(text.contains("classes     left 16 (50 %), right 16 (50 %)"), "{text}");
        assert_eq!(text.contains("in a file without a name"), in_file, "{text}");
    }
    place.good(&["eval", "streamed", "--data", "rest", "--device", "cpu"]);
}

#[test]
fn colours_of_unequal_sizes_are_resized() {
    let place = Place::new();
    for (i, size) in [(0, 6), (1, 9), (2, 12), (3, 20)] {
        for (class, at) in [("blue", 2), ("red", 0)] {
            let path = place.path(&format!("pics/{class}/{i}.png"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), size, size);
            encoder.set_color(png::ColorType::Rgb);
            let pixels: Vec<u8> = (0..size * size * 3).map(|n| if n % 3 == at { 230 } else { 20 }).collect();
            encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        }
    }
    place.write("s.toml", &spec("train = \"pics\"\nimages = { size = [5, 7], filter = \"lanczos\" }"));
    place.good(&["train", "s.toml", "--run", "r", "--device", "cpu"]);
    let report: Value = serde_json::from_str(&place.read("r/report.json")).unwrap();
    assert_eq!(report["portrait"]["worst"][0]["picture"]["width"], 7);
    let predictions = place.good(&["predict", "r", "--data", "pics", "--device", "cpu"]);
    assert_eq!(predictions.lines().filter(|line| line.contains("/0.png")).count(), 2);
    assert!(predictions.lines().skip(1).all(|l| l[..3] == l.split(',').nth(1).unwrap()[..3]), "{predictions}");
    let without = "train = \"pics\"";
    place.write("s.toml", &spec(without));
    let parts =
        ["pics/blue/1.png", "the picture has 9 x 9 pixels, the first one of the folder has 6 x 6", "size = [6, 6]"];
    place.refused(&["train", "s.toml", "--device", "cpu"], &parts);
    // Other sizes than those of the training, where none are resized.
    place.write("s.toml", &spec("train = \"small\"\nimages = { channels = 1 }"));
    pictures(&place, "small", 0, 3);
    place.good(&["train", "s.toml", "--run", "small.run", "--device", "cpu"]);
    png(place.path("large/x.png"), 9, 9, &[0; 81]);
    let parts = ["large", "9 x 9 pixels in gray, the network takes those of 8 x 8 pixels in gray"];
    place.refused(&["predict", "small.run", "--data", "large", "--device", "cpu"], &parts);
    place.write("iris.toml", program::IRIS);
    place.good(&["train", "iris.toml", "--run", "iris", "--device", "cpu"]);
    place.refused(&["predict", "iris", "--data", "pics", "--device", "cpu"], &["pics", "was not trained on one"]);
}

/// A PNG of which nothing but the head is true.
fn head(rows: u32, columns: u32) -> Vec<u8> {
    let mut bytes = std::fs::read(fixtures().join("kinds/gray_16.png")).unwrap();
    bytes[16..20].copy_from_slice(&columns.to_be_bytes());
    bytes[20..24].copy_from_slice(&rows.to_be_bytes());
    let mut check = flate2::Crc::new();
    check.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&check.sum().to_be_bytes());
    bytes
}

#[test]
fn what_is_no_picture_is_refused_by_its_name_or_passed_over() {
    let kinds = fixtures().join("kinds");
    let jpeg = std::fs::read(kinds.join("rgb.jpg")).unwrap();
    let whole = std::fs::read(kinds.join("rgb.png")).unwrap();
    let mut flipped = whole.clone();
    flipped[60] ^= 1;
    for (bytes, expected) in [
        (b"some words".to_vec(), "this is no picture"),
        (Vec::new(), "the file is empty"),
        (b"RIFF....WEBPVP8 ".to_vec(), "this is a WebP file"),
        (whole[..whole.len() - 30].to_vec(), "the picture is damaged"),
        (flipped, "the picture is damaged"),
        (jpeg[..jpeg.len() - 40].to_vec(), "the picture is damaged"),
        (head(60_000, 60_000), "60000 x 60000 pixels"),
        (head(16_000, 16_000), "33554432 in all"),
        (head(4096, 4096), "the picture is damaged"),
        (head(0, 5), "the picture is damaged"),
    ] {
        let place = Place::new();
        pictures(&place, "pics", 0, 4);
        std::fs::write(place.path("pics/right/zz.png"), &bytes).unwrap();
        let data = "train = \"pics\"\nimages = { size = [8, 8], channels = 1 }\n";
        place.write("s.toml", &spec(data));
        place.refused(&["train", "s.toml", "--device", "cpu"], &["pics/right/zz.png", expected]);
        place.write("s.toml", &spec(&format!("{data}skip_bad_rows = 1")));
        let out = place.good(&["train", "s.toml", "--run", "r", "--device", "cpu"]);
        assert!(out.contains("bad rows skipped     1"), "{out}");
        place.refused(&["predict", "r", "--data", "pics", "--device", "cpu"], &["pics/right/zz.png", expected]);
    }
}

#[test]
fn folders_that_teach_nothing_are_refused() {
    let place = Place::new();
    place.write("s.toml", &spec("train = \"pics\""));
    let refused = |parts: &[&str]| {
        place.refused(&["train", "s.toml", "--device", "cpu"], parts);
        place.refused(&["new", "pics"], parts);
    };
    std::fs::create_dir_all(place.path("pics")).unwrap();
    refused(&["pics", "the folder is empty"]);
    png(place.path("pics/a.png"), 8, 8, &[1; 64]);
    refused(&["pics", "the pictures lie in no sub-folders"]);
    std::fs::create_dir_all(place.path("pics/cat")).unwrap();
    refused(&["pics", "a.png lies beside the folders of classes"]);
    std::fs::remove_file(place.path("pics/a.png")).unwrap();
    refused(&["pics/cat", "the folder of this class holds no picture"]);
    png(place.path("pics/cat/a.png"), 8, 8, &[1; 64]);
    refused(&["pics", "there is one class, \"cat\""]);
    place.refused(&["new", "pics", "--target", "x"], &["the target of pictures is \"class\""]);
    png(place.path("pics/dog/a.png"), 8, 8, &[1; 64]);
    place.write("s.toml", &spec("train = \"pics\"\ntarget = \"kind\""));
    place
        .refused(&["train", "s.toml", "--device", "cpu"], &["no target column \"kind\"", "the name of the sub-folder"]);
}

#[test]
fn faults_of_the_settings_are_told_with_their_place() {
    let place = Place::new();
    pictures(&place, "pics", 0, 2);
    for (images, expected) in [
        ("{ channels = 2 }", "`channels` must be 1 (gray) or 3 (red, green, blue), found 2"),
        ("{ size = 28 }", "`size` must be the rows and columns"),
        ("{ size = [2049, 2] }", "up to 2048 each"),
        ("{ size = [2048, 2048] }", "4194304 numbers in all channels"),
        ("{ filter = \"bilinar\" }", "did you mean \"bilinear\""),
        ("{ mean = [0.5, 0.5] }", "`mean` lists 2 numbers for 3 channels"),
        ("{ std = 0 }", "`std` must be a finite number above 0"),
        ("{ crop = true }", "unknown key `crop`"),
        ("[28, 28]", "`images` must be a table"),
    ] {
        place.write("s.toml", &spec(&format!("train = \"pics\"\nimages = {images}")));
        place.refused(&["train", "s.toml", "--device", "cpu"], &["s.toml:3:", expected]);
    }
    place.write("s.toml", &spec("train = { x = \"a.npy\", y = \"b.npy\" }\nimages = { channels = 1 }"));
    place.refused(&["train", "s.toml", "--device", "cpu"], &["`train` names files of arrays"]);
    place.write("s.toml", &spec("train = \"pics\"\nimages = { channels = 1 }\nimage = [7, 9]"));
    place.refused(&["train", "s.toml", "--run", "r", "--device", "cpu"], &["image = [7, 9]"]);
}
