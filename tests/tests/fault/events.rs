//! A short run of `cargo xtask chaos events`: some thousand events through two competing hosts that are killed, then every
//! effect is counted and held against its name. The long run is recorded in docs/reliability.md.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tests::{Workplace, guest};

type Outcome = anyhow::Result<()>;

/// What happened, and what an entry of a group of counts sums to.
fn sum(figures: &Value, group: &str) -> u64 {
    let counts = figures.get(group).and_then(Value::as_object);
    counts.map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum())
}

fn play(state: &Path) -> anyhow::Result<Value> {
    Workplace::components()?;
    guest("committer")?;
    let output = Command::new(Workplace::program("xtask")?)
        .args(["chaos", "events", "--no-build", "--json", "--events", "3000", "--kills", "3", "--minutes", "5"])
        .args(["--seed", "3", "--state"])
        .arg(state)
        .current_dir(Workplace::root())
        .output()?;
    let (figures, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let findings = std::fs::read_to_string(state.join("violations.json")).unwrap_or_default();
    ensure!(output.status.success(), "{words}\n{figures}\n{findings}");
    serde_json::from_str(&figures).with_context(|| format!("no figures: {figures}"))
}

#[test]
fn every_event_has_its_effects_once_while_its_workers_are_killed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let figures = play(&folder.path().join("system"))?;
    // A run in which nothing happened would find nothing.
    let letters = figures.get("letters").and_then(Value::as_u64).unwrap_or_default();
    ensure!(sum(&figures, "faults") >= 3 && sum(&figures, "invariants") > 10_000 && letters > 20, "{figures}");
    Ok(())
}
