//! The host's own tests: the built program, small guests, real sockets, a real Redis. One file an idea; what is
//! granted is tested beside what is denied.

mod chaining;
mod harness;
mod headers;
mod imports;
mod key_value;
mod lifecycle;
mod outbound;
mod redis;
mod redis_trigger;
mod reuse;
mod sockets;
mod stdio;
mod variables;

/// A guest that no test uses would go unnoticed when it breaks.
#[test]
fn every_guest_has_a_test() {
    let sources: String = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guests"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    for guest in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/guests/examples")).unwrap() {
        let file = guest.unwrap().file_name();
        let name = file.to_str().unwrap().strip_suffix(".rs").unwrap();
        assert!(sources.contains(&format!("\"{name}\"")), "the guest {name} has no test");
    }
}
