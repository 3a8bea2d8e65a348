//! Numbers in JSON that may be no finite ones: JSON has neither NaN nor infinity, and `null` would not say which it was.
//! They are written as the strings "NaN", "Infinity" and "-Infinity", as protobuf's JSON mapping does.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// For `#[serde(with = "number")]`.
pub fn serialize<S: Serializer>(v: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *v {
        v if v.is_finite() => serializer.serialize_f64(v),
        v if v.is_nan() => serializer.serialize_str("NaN"),
        v if v > 0.0 => serializer.serialize_str("Infinity"),
        _ => serializer.serialize_str("-Infinity"),
    }
}

/// For `#[serde(with = "number")]`.
///
/// # Errors
/// Anything but a number or one of the three strings.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Found {
        Number(f64),
        Word(String),
    }
    match Found::deserialize(deserializer)? {
        Found::Number(v) => Ok(v),
        Found::Word(word) => match word.as_str() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(D::Error::custom(format!("\"{word}\" is neither a number nor NaN, Infinity or -Infinity"))),
        },
    }
}
