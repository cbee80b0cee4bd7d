//! Segments are invariant in the type of their bodies, and stay `Send` and `Sync`.
//!
//! `Filling` and `Segment` are not public, so a `compile_fail` example cannot reach them. Instead
//! this compiles the module itself, with a few lines beside it, once for each claim; and once
//! without what makes it invariant, which must compile where the real one must not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What makes it invariant.
const MARKER: &str = "PhantomData<fn(T) -> T>";

const SHORTER_FILLING: &str = "
pub fn shorter<'a>(
    filling: segment::Filling<&'static str, ()>,
) -> segment::Filling<&'a str, ()> {
    filling
}";

const SHORTER_SEGMENT: &str = "
pub fn shorter<'a, 'b>(
    segment: &'b segment::Segment<&'static str, ()>,
) -> &'b segment::Segment<&'a str, ()> {
    segment
}";

const SENT_AND_SHARED: &str = "
fn is_both<T: Send + Sync>() {}
pub fn check() {
    is_both::<segment::Filling<String, ()>>();
    is_both::<segment::Segment<String, ()>>();
    is_both::<segment::View<String, ()>>();
}";

/// What is not `Sync` is not shared.
const SHARES_A_CELL: &str = "
fn is_sync<T: Sync>() {}
pub fn check() {
    is_sync::<segment::Segment<std::cell::Cell<u8>, ()>>();
}";

/// Compiles the module with `beside`; the error if it does not compile.
fn compile(name: &str, beside: &str, marker: &str) -> Result<(), String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("variance-{name}"));
    fs::create_dir_all(&to).expect("the directory of tests is writable");
    let read = |file: &str| fs::read_to_string(source.join(file)).expect("it is there");
    let segment = read("segment.rs").replace(MARKER, marker);
    let write = |file: &str, text: &str| fs::write(to.join(file), text).expect("it is writable");
    write("segment.rs", &segment);
    write("sync.rs", &read("sync.rs"));
    write("main.rs", &format!("mod segment;\nmod sync;\n{beside}\nfn main() {{}}\n"));
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "--emit", "metadata", "--cap-lints", "allow", "--out-dir"])
        .args([&to, &to.join("main.rs")])
        .output()
        .expect("the compiler that built this test is there");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_segment_is_invariant() {
    for (name, beside) in [("filling", SHORTER_FILLING), ("segment", SHORTER_SEGMENT)] {
        let error = compile(name, beside, MARKER).expect_err("it would read what is gone");
        assert!(error.contains("lifetime may not live long enough"), "{error}");
    }
}

/// The opposite: without the marker it is covariant, and the same lines compile.
#[test]
fn a_covariant_segment_is_caught() {
    for (name, beside) in [("bad-filling", SHORTER_FILLING), ("bad-segment", SHORTER_SEGMENT)] {
        assert_eq!(compile(name, beside, "PhantomData<T>"), Ok(()));
    }
}

#[test]
fn a_segment_may_be_sent_and_shared_if_its_bodies_may() {
    assert_eq!(compile("shared", SENT_AND_SHARED, MARKER), Ok(()));
    let error = compile("cell", SHARES_A_CELL, MARKER).expect_err("cells are not shared");
    assert!(error.contains("cannot be shared between threads"), "{error}");
}
