//! The secrets that the script makes.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value lacks reads as null")]

use crate::cluster::{name_of, root};
use crate::render::documents;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::process::Command;

/// Values by secret and key.
pub type Secrets = BTreeMap<String, BTreeMap<String, String>>;

/// Runs the script as its documentation says.
pub fn make(arguments: &[&str]) -> Result<Secrets> {
    let script = root().join("infra/k8s/make-secrets.sh");
    let output = Command::new("sh").arg(&script).args(arguments).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut secrets = Secrets::new();
    for document in documents(&String::from_utf8(output.stdout)?)? {
        ensure!(document["kind"] == "Secret" && document["type"] == "Opaque", "{document}");
        let data = document["data"].as_object().context("a secret without data")?;
        let decoded = data.iter().map(|(key, value)| {
            let bytes = STANDARD.decode(value.as_str().context("a value that is no text")?)?;
            Ok((key.clone(), String::from_utf8(bytes)?))
        });
        secrets.insert(name_of(&document).to_owned(), decoded.collect::<Result<_>>()?);
    }
    Ok(secrets)
}
