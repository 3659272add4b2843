//! Prepares what the front desk hands out as it is: the page of `/docs` in one piece with the policy that lets its own
//! style and script run and nothing else, and all documents compressed, each with the tag of its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?);
    let page = page()?;
    fs::write(out.join("docs.policy"), policy(&page)?)?;
    hand_out(&out, "docs.html", page.as_bytes())?;
    hand_out(&out, "openapi.json", &without_space(&read("../../docs/openapi.json")?))?;
    hand_out(&out, "asyncapi.json", &without_space(&read("../../docs/asyncapi.json")?))
}

/// JSON without the space between its tokens: the committed document is for reading, this one travels.
fn without_space(json: &[u8]) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let keeps = |byte: &&u8| {
        match (in_string, **byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            _ => {}
        }
        in_string || !byte.is_ascii_whitespace()
    };
    json.iter().filter(keeps).copied().collect()
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    println!("cargo::rerun-if-changed={path}");
    fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

fn text(path: &str) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(io::Error::other)
}

/// The page with its style and its script inside: one request, and a policy by hash.
fn page() -> io::Result<String> {
    let (style, script) = (text("page/docs.css")?, text("page/docs.js")?);
    Ok(text("page/docs.html")?.replace("/* docs.css */", &style).replace("/* docs.js */", &script))
}

/// What the page may do (CSP 3): run what it brings, and call this system.
fn policy(page: &str) -> io::Result<String> {
    let hash = |element: &str| {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let inside = page.split_once(&open).and_then(|(_, rest)| rest.split_once(&close)).map(|(inside, _)| inside);
        let inside = inside.ok_or_else(|| io::Error::other(format!("the page has no {element}")))?;
        Ok::<_, io::Error>(STANDARD.encode(Sha256::digest(inside.as_bytes())))
    };
    Ok(format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash("script")?,
        hash("style")?
    ))
}

/// Writes a document, its compressed form, and the tag of its bytes.
fn hand_out(out: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    let digest = Sha256::digest(bytes);
    let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    fs::write(out.join(name), bytes)?;
    fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?;
    fs::write(out.join(format!("{name}.tag")), tag)
}
