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

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "super")] f64);

    #[test]
    fn every_number_comes_back_with_its_bits() {
        for v in [0.0, -0.0, 1.0, 0.1, 5e-324, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&One(v)).unwrap();
            let One(back) = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_bits(), v.to_bits(), "{text}");
        }
        assert!(serde_json::from_str::<One>("null").is_err() && serde_json::from_str::<One>("\"inf\"").is_err());
    }
}
