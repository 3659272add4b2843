//! Writes docs/openapi.json; `cargo xtask openapi` calls it.

#[path = "../tests/contexts/mod.rs"]
mod contexts;

fn main() -> std::io::Result<()> {
    std::fs::write(contexts::committed(), api_document::text(&api_document::whole(contexts::parts())))
}
