//! Writes docs/asyncapi.json; `cargo xtask asyncapi` calls it. What would break those who read by the committed one is not
//! written.

#[path = "../tests/contexts/mod.rs"]
mod contexts;

use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn core::error::Error>> {
    let described = event_document::document(&event_document::catalogue(), &contexts::groups());
    let mut faults = event_document::misfits(&described);
    if let Ok(committed) = std::fs::read_to_string(contexts::committed()) {
        faults.extend(event_document::incompatible(&serde_json::from_str(&committed)?, &described));
    }
    if !faults.is_empty() {
        eprintln!("docs/asyncapi.json stays as it is: an event may not change so without a new version of its type");
        faults.iter().for_each(|fault| eprintln!("  {fault}"));
        return Ok(ExitCode::FAILURE);
    }
    std::fs::write(contexts::committed(), event_document::text(&described))?;
    Ok(ExitCode::SUCCESS)
}
