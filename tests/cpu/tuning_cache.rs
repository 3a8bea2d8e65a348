//! Where tunings are kept.

use std::ffi::OsString;
use wgrad::testing::tune::cache::folder;

#[test]
fn the_folder_follows_the_environment() {
    let with = |set: &'static [(&str, &str)]| {
        folder(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)))
    };
    assert_eq!(with(&[("WGRAD_CACHE", "here"), ("HOME", "/h")]), Some("here".into()));
    assert_eq!(with(&[("WGRAD_CACHE", "")]), None);
    if cfg!(all(unix, not(target_os = "macos"))) {
        assert_eq!(with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), Some("/c/wgrad".into()));
        // The base directories' specification has relative paths ignored.
        assert_eq!(with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "c")]), Some("/h/.cache/wgrad".into()));
    }
}
