//! Numbers and text as a reader wants to see them in the page.

use std::fmt::{self, Display, Formatter, Write};

/// Text escaped for HTML and XML, in element content and in quoted attributes.
///
/// Control characters that XML forbids (a class name may hold any byte of a CSV file) become U+FFFD.
pub struct Esc<'a>(pub &'a str);

impl Display for Esc<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(c)?,
                '\u{FFFE}' | '\u{FFFF}' => f.write_char('\u{FFFD}')?,
                c if c.is_control() => f.write_char('\u{FFFD}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A loss to four significant digits: "0.08312", "1.204e-7", "NaN".
pub fn value(v: f64) -> String {
    if !v.is_finite() {
        return non_finite(v).to_owned();
    }
    if v == 0.0 {
        return "0".to_owned();
    }
    let exponent = v.abs().log10().floor() as i32;
    if (-4..6).contains(&exponent) {
        let decimals = (3 - exponent).max(0) as usize;
        format!("{v:.decimals$}")
    } else {
        format!("{v:.3e}")
    }
}

/// A share of one as a percentage: "97.22 %".
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2} %", share * 100.0) } else { "none".to_owned() }
}

/// A whole number with its thousands apart: "1,797".
pub fn count(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A count that came as a float (a rate): whole from 100 up, else to three digits; from a million on in short, "1.182 M".
pub fn rate(v: f64) -> String {
    if !v.is_finite() {
        non_finite(v).to_owned()
    } else if v >= 1e9 {
        format!("{:.3} G", v / 1e9)
    } else if v >= 1e6 {
        format!("{:.3} M", v / 1e6)
    } else if v >= 100.0 {
        count(v.round() as u64)
    } else {
        format!("{v:.1}")
    }
}

/// A number below a thousand or so to three significant digits, without idle zeros: "9", "96.4", "0.012".
pub fn short(v: f64) -> String {
    if !v.is_finite() {
        return non_finite(v).to_owned();
    }
    if v.abs() >= 100.0 {
        return rate(v);
    }
    let exponent = if v == 0.0 { 0.0 } else { v.abs().log10().floor() };
    let decimals = (2.0 - exponent).clamp(0.0, 9.0) as usize;
    let text = format!("{v:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes in binary units: "9.4 KiB".
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut scaled = n as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would be printed as "1024.0".
    while scaled >= 1023.95 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

/// A time span in the unit that suits it: "340 µs", "1.52 s", "2 min 5 s", "3 h 12 min".
pub fn seconds(s: f64) -> String {
    if !s.is_finite() {
        return non_finite(s).to_owned();
    }
    let whole = s.round() as u64;
    if s < 0.999_5e-3 {
        format!("{} µs", short(s * 1e6))
    } else if s < 0.999_5 {
        format!("{} ms", short(s * 1e3))
    } else if s < 9.995 {
        format!("{s:.2} s")
    } else if s < 59.95 {
        format!("{s:.1} s")
    } else if whole < 3600 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{} h {} min", whole / 3600, whole % 3600 / 60)
    }
}

/// What JSON, too, would have to say in words.
fn non_finite(v: f64) -> &'static str {
    if v.is_nan() {
        "NaN"
    } else if v > 0.0 {
        "infinite"
    } else {
        "-infinite"
    }
}
