//! A short run of `cargo xtask chaos payments`: clients pay while host, Redis and acquirer fail, then everything is
//! checked. The long run is recorded in docs/reliability.md.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::process::Command;
use tests::Workplace;

type Outcome = anyhow::Result<()>;

#[test]
fn nothing_that_was_promised_is_lost_or_doubled_while_everything_around_fails() -> Outcome {
    Workplace::components()?;
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("system");
    let output = Command::new(Workplace::program("xtask")?)
        .args(["chaos", "payments", "--no-build", "--json", "--kills", "6", "--minutes", "10", "--clients", "3"])
        .arg("--state")
        .arg(&state)
        .current_dir(Workplace::root())
        .output()?;
    let (figures, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let findings = std::fs::read_to_string(state.join("violations.json")).unwrap_or_default();
    ensure!(output.status.success(), "{words}\n{figures}\n{findings}");
    let figures: Value = serde_json::from_str(&figures).with_context(|| format!("no figures: {figures}"))?;
    // A run in which nothing happened would find nothing.
    let sum = |group: &str| -> u64 {
        let counts = figures.get(group).and_then(Value::as_object);
        counts.map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum())
    };
    let kills = figures.get("host_kills").and_then(Value::as_u64);
    ensure!(kills == Some(6) && sum("acknowledged") > 20 && sum("invariants") > 200, "{figures}");
    Ok(())
}
