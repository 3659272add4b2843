//! What an operator decides of a group's retries, without building anything: one text for all groups.
//!
//! What lives here: the grammar and what it changes of a worker's bounds. What does not: which failures are worth a retry,
//! which the consumer knows and says ([`crate::Verdict`]).

use crate::WorkerConfig;
use core::str::FromStr;
use core::time::Duration;

/// A text that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {wanted}")]
pub struct InvalidPolicy {
    /// The part that is wrong.
    pub found: String,
    /// What it should be.
    pub wanted: &'static str,
}

fn invalid(found: &str, wanted: &'static str) -> InvalidPolicy {
    InvalidPolicy { found: found.to_owned(), wanted }
}

/// One thing that is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting {
    Deliveries(u32),
    Retries(Option<u32>),
    First(Duration),
    Cap(Duration),
    Jitter(u32),
    Concurrency(u32),
}

/// What is decided of each group.
///
/// **Shape** `notifications-worker=deliveries:10,first:2s,cap:30m queries-worker=retries:100 *=jitter:100`: groups, `=`, and
/// settings by comma; groups by white space, `*` for those that are not named. Settings:
///
/// | setting | value | what |
/// |---|---|---|
/// | `deliveries` | 1 to 1000 | how often an entry is handed out without an answer before it is a dead letter |
/// | `retries` | 1 to 100000, or `unlimited` | how often it may be put off because something else was gone |
/// | `first` | a time | the shortest first wait, whatever the consumer asks for |
/// | `cap` | a time, at most 1h | the longest wait |
/// | `jitter` | 0 to 1000 | thousandths by which a wait may be lengthened |
/// | `concurrency` | 1 to 64 | how many first deliveries are handled at once |
///
/// A time is a number and `ms`, `s`, `m` or `h`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkerPolicies(Vec<(String, Vec<Setting>)>);

impl WorkerPolicies {
    /// The bounds of a group: what is decided of it, or of `*`, upon these.
    pub fn apply(&self, group: &str, config: WorkerConfig) -> WorkerConfig {
        let of = |name: &str| self.0.iter().find(|(own, _)| own == name);
        let settings = of(group).or_else(|| of("*"));
        settings.iter().flat_map(|(_, settings)| settings).fold(config, |config, setting| match *setting {
            Setting::Deliveries(max_deliveries) => WorkerConfig { max_deliveries, ..config },
            Setting::Retries(max_retries) => WorkerConfig { max_retries, ..config },
            Setting::First(least_wait) => WorkerConfig { least_wait, ..config },
            Setting::Cap(retry_cap) => WorkerConfig { retry_cap, ..config },
            Setting::Jitter(jitter_permille) => WorkerConfig { jitter_permille, ..config },
            Setting::Concurrency(hands) => WorkerConfig { concurrency: hands as usize, ..config },
        })
    }
}

impl FromStr for WorkerPolicies {
    type Err = InvalidPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut policies: Vec<(String, Vec<Setting>)> = Vec::new();
        for policy in text.split_whitespace() {
            let wanted = "a group and its settings, such as queries-worker=deliveries:10";
            let (group, settings) = policy.split_once('=').ok_or_else(|| invalid(policy, wanted))?;
            let is_name = !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            if !is_name && group != "*" {
                return Err(invalid(group, "the name of a group, or *"));
            }
            if policies.iter().any(|(known, _)| known == group) {
                return Err(invalid(group, "named once"));
            }
            policies.push((group.to_owned(), settings.split(',').map(setting).collect::<Result<_, _>>()?));
        }
        Ok(Self(policies))
    }
}

fn setting(text: &str) -> Result<Setting, InvalidPolicy> {
    let wanted = "one of deliveries, retries, first, cap, jitter, concurrency, a colon, and a value";
    let (name, value) = text.split_once(':').ok_or_else(|| invalid(text, wanted))?;
    match name {
        "deliveries" => number(value, 1, 1000, "a number from 1 to 1000").map(Setting::Deliveries),
        "retries" if value == "unlimited" => Ok(Setting::Retries(None)),
        "retries" => {
            let retries = number(value, 1, 100_000, "a number from 1 to 100000, or unlimited");
            retries.map(|retries| Setting::Retries(Some(retries)))
        }
        "first" => time(value).map(Setting::First),
        "cap" => time(value).map(Setting::Cap),
        "jitter" => number(value, 0, 1000, "a number from 0 to 1000").map(Setting::Jitter),
        "concurrency" => number(value, 1, 64, "a number from 1 to 64").map(Setting::Concurrency),
        _ => Err(invalid(text, wanted)),
    }
}

fn number(text: &str, least: u32, most: u32, wanted: &'static str) -> Result<u32, InvalidPolicy> {
    // `parse` would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (least..=most).contains(number));
    number.ok_or_else(|| invalid(text, wanted))
}

/// Not longer than an hour: an entry that waits for more than two has lost its row among the waits (`events-redis`).
fn time(text: &str) -> Result<Duration, InvalidPolicy> {
    const WANTED: &str = "a time of 1ms to 1h, such as 250ms, 2s, 5m";
    let end = text.find(|symbol: char| !symbol.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(invalid(text, WANTED)),
    };
    let ms = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms));
    let ms = ms.filter(|ms| (1..=3_600_000).contains(ms)).ok_or_else(|| invalid(text, WANTED))?;
    Ok(Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(text: &str, group: &str) -> WorkerConfig {
        text.parse::<WorkerPolicies>().unwrap().apply(group, WorkerConfig::default())
    }

    #[test]
    fn a_group_has_what_is_decided_of_it_and_keeps_the_rest() {
        let text = "notifications-worker=deliveries:3,first:2s,cap:30m,jitter:0 *=retries:7,concurrency:2";
        let default = WorkerConfig::default();
        let wanted = WorkerConfig {
            max_deliveries: 3,
            least_wait: Duration::from_secs(2),
            retry_cap: Duration::from_secs(1800),
            jitter_permille: 0,
            ..default
        };
        assert_eq!(bounds(text, "notifications-worker"), wanted);
        assert_eq!(bounds(text, "queries-worker"), WorkerConfig { max_retries: Some(7), concurrency: 2, ..default });
        assert_eq!(bounds("", "queries-worker"), default);
        assert_eq!(bounds("*=retries:7 queries-worker=retries:unlimited", "queries-worker"), default);
    }

    #[test]
    fn what_is_no_policy_is_named() {
        for (text, found) in [
            ("queries-worker", "queries-worker"),
            ("=deliveries:1", ""),
            ("Queries=deliveries:1", "Queries"),
            ("a=deliveries:1 a=deliveries:2", "a"),
            ("a=", ""),
            ("a=deliveries", "deliveries"),
            ("a=deliveries:0", "0"),
            ("a=deliveries:+5", "+5"),
            ("a=deliveries:", ""),
            ("a=retries:never", "never"),
            ("a=first:0s", "0s"),
            ("a=cap:2h", "2h"),
            ("a=cap:10", "10"),
            ("a=cap:99999999999999999999h", "99999999999999999999h"),
            ("a=jitter:1001", "1001"),
            ("a=patience:1", "patience:1"),
        ] {
            assert_eq!(text.parse::<WorkerPolicies>().unwrap_err().found, found, "{text}");
        }
    }
}
