//! Numbers and text as the pages write them.

use wgrad::testing::report::format::{Esc, bytes, count, percent, rate, seconds, short, value};

#[test]
fn text_is_escaped_and_control_characters_are_replaced() {
    assert_eq!(Esc("a<b>&\"c'\n\0\u{1b}é").to_string(), "a&lt;b&gt;&amp;&quot;c&#39;\n\u{FFFD}\u{FFFD}é");
}

#[test]
fn numbers_read_well() {
    assert_eq!([value(0.083_123), value(1.203_99e-7), value(0.0)], ["0.08312", "1.204e-7", "0"]);
    assert_eq!([value(123_456.0), value(f64::NAN), value(f64::INFINITY)], ["123456", "NaN", "infinite"]);
    assert_eq!([percent(0.972_222), percent(f64::NAN)], ["97.22 %", "none"]);
    assert_eq!([count(0), count(999), count(1_797), count(1_000_000)], ["0", "999", "1,797", "1,000,000"]);
    assert_eq!([short(9.0), short(96.428), short(0.012), short(0.0), short(450.0)], ["9", "96.4", "0.012", "0", "450"]);
    assert_eq!([rate(12.34), rate(123_456.7), rate(f64::INFINITY)], ["12.3", "123,457", "infinite"]);
    assert_eq!([rate(1_182_055.0), rate(2.4e9)], ["1.182 M", "2.400 G"]);
}

#[test]
fn units_change_where_they_should() {
    assert_eq!([bytes(0), bytes(1023), bytes(1024), bytes(1_048_575)], ["0 B", "1023 B", "1.0 KiB", "1.0 MiB"]);
    assert_eq!([seconds(0.000_34), seconds(0.25), seconds(0.9999)], ["340 µs", "250 ms", "1.00 s"]);
    assert_eq!([seconds(0.0), seconds(0.009_304), seconds(0.000_999_9)], ["0 µs", "9.3 ms", "1 ms"]);
    assert_eq!([seconds(59.99), seconds(125.0), seconds(11_520.0)], ["1 min 0 s", "2 min 5 s", "3 h 12 min"]);
    assert_eq!(bytes(u64::MAX), "16384.0 PiB");
}
