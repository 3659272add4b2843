//! What `spin.toml` grants, tried from inside: a prober stands in the place of every component, with its grants as they
//! stand, beside a real Redis with the committed rules. It opens what others own, logs in as others, calls whom it was
//! not told of, looks past Spin's imports; and it must find its own, or nothing would be proven.
//!
//! Bugs are planted into copies of the files, to see that each is found.

#[path = "../../contract-guest/src/attempt.rs"]
mod attempt;

mod attack;
mod house;
mod rules;
mod scene;

use anyhow::{Context as _, Result, ensure};
use house::Files;
use scene::Scene;
use std::collections::BTreeMap;

#[test]
fn no_component_reaches_what_is_not_its_own() -> Result<()> {
    let scene = Scene::start(|_| Ok(()))?;
    let mut complaints = Vec::new();
    for id in scene.components() {
        complaints.extend(scene.complaints_about(id)?.into_iter().map(|complaint| format!("{id}: {complaint}")));
    }
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// A bug in one of the files, and how it shows.
struct Planted {
    file: fn(&mut Files) -> &mut String,
    /// What stands in the file, and what stands there with the bug.
    from: &'static str,
    to: &'static str,
    /// Whose attacks find it, and words of their complaints.
    found_by: &'static [(&'static str, &'static str)],
}

fn manifest(files: &mut Files) -> &mut String {
    &mut files.manifest
}

fn rules(files: &mut Files) -> &mut String {
    &mut files.rules
}

/// One a component, so that none hides behind another.
const PLANTED: [Planted; 12] = [
    // A label too many.
    Planted {
        file: manifest,
        from: "key_value_stores = [\"users\"]",
        to: "key_value_stores = [\"users\", \"payments\"]",
        found_by: &[(
            "users",
            "Read { label: \"payments\", key: \"payments:sentinel\" } must be DeniedByHost, but is Done(\"secret of payments\")",
        )],
    },
    // Any host over HTTP.
    Planted {
        file: manifest,
        from: "key_value_stores = [\"queries\"]\nallowed_outbound_hosts = [\"{{ redis_address }}\", \"{{ users_url }}\"]",
        to: "key_value_stores = [\"queries\"]\nallowed_outbound_hosts = [\"{{ redis_address }}\", \"http://*:*\"]",
        found_by: &[("queries", "the listener that nobody is granted had")],
    },
    // A peer that it is not told of.
    Planted {
        file: manifest,
        from: "key_value_stores = [\"notifications\"]\nallowed_outbound_hosts = [\"{{ redis_address }}\", \"{{ users_url }}\"]",
        to: "key_value_stores = [\"notifications\"]\nallowed_outbound_hosts = [\"{{ redis_address }}\", \"{{ users_url }}\", \"{{ payments_url }}\"]",
        found_by: &[("notifications", "Http(\"http://payments.spin.internal/\") must be DeniedByHost, but is Done")],
    },
    // Any port of an address.
    Planted {
        file: manifest,
        from: "\"{{ mail_url }}\", \"{{ sms_url }}\", \"{{ postmark_url }}\", \"{{ twilio_url }}\"]",
        to: "\"{{ mail_url }}\", \"{{ sms_url }}\", \"{{ postmark_url }}\", \"{{ twilio_url }}\", \"http://127.0.0.1:*\"]",
        found_by: &[("notifications-worker", "the listener that nobody is granted had")],
    },
    // A Redis that no variable names.
    Planted {
        file: manifest,
        from: "component/hasher.wasm\"\n",
        to: "component/hasher.wasm\"\nallowed_outbound_hosts = [\"{{ redis_address }}\"]\n",
        found_by: &[("hasher", "command: [\"PING\"] } must be DeniedByHost, but is Done")],
    },
    // Another's login.
    Planted {
        file: manifest,
        from: "redis_url = \"{{ sandbox_redis_url }}\"",
        to: "redis_url = \"{{ notifications_redis_url }}\"",
        found_by: &[(
            "sandbox",
            "[\"GET\", \"{notifications/0}:h:sentinel\"] } must be RefusedByServer, but is Done(\"secret of notifications\")",
        )],
    },
    // A user of every key.
    Planted {
        file: rules,
        from: ">payments-of-this-test ~{payments/*}*",
        to: ">payments-of-this-test ~{payments/*}* ~*",
        found_by: &[
            (
                "payments",
                "[\"GET\", \"{users/0}:h:sentinel\"] } must be RefusedByServer, but is Done(\"secret of users\")",
            ),
            (
                // Also through the worker, and by what is missing afterwards.
                "payments-worker",
                "{users/0}:h:sentinel is not as it was",
            ),
        ],
    },
    // A reader that may write.
    Planted {
        file: rules,
        from: "%R~{*}:events %R~{*}:trial %R~{*}:dead %R~{*}:retry:* %R~{*}:totals:* -@all",
        to: "~{*}:events %R~{*}:trial %R~{*}:dead %R~{*}:retry:* %R~{*}:totals:* -@all +xadd",
        found_by: &[(
            "gateway",
            "[\"XADD\", \"{payments/0}:events\", \"*\", \"e\", \"forged\"] } must be RefusedByServer, but is Done",
        )],
    },
    // A loan that is too large.
    Planted {
        file: rules,
        from: "(~{notifications/*}:groups ~{notifications/*}:rung:* -@all +get",
        to: "(~{notifications/*}:* -@all +get",
        found_by: &[(
            "queries-worker",
            "[\"GET\", \"{notifications/0}:commits\"] } must be RefusedByServer, but is Done(\"secret of notifications\")",
        )],
    },
    // Whoever looks after events looks into records.
    Planted {
        file: rules,
        from: "(~{*}:dead ~{*}:replay:* ~{*}:replays:* -@all",
        to: "(~{*}:* -@all +get",
        found_by: &[(
            "operations",
            "[\"GET\", \"{payments/0}:h:sentinel\"] } must be RefusedByServer, but is Done(\"secret of payments\")",
        )],
    },
    // A user without a password.
    Planted {
        file: rules,
        from: "user pulse on >pulse-of-this-test",
        to: "user pulse on nopass",
        found_by: &[(
            "queries-worker",
            "[\"AUTH\", \"pulse\", \"wrong\"] } must be RefusedByServer, but is Done(\"OK\")",
        )],
    },
    // A store that holds every context's bodies.
    Planted {
        file: rules,
        from: "~sandbox:*",
        to: "~*",
        found_by: &[(
            "sandbox",
            "Read { label: \"sandbox\", key: \"users:sentinel\" } must be RefusedByServer, but is Done(\"secret of users\")",
        )],
    },
];

#[test]
fn finds_each_planted_bug() -> Result<()> {
    let scene = Scene::start(|files| {
        for planted in &PLANTED {
            let text = (planted.file)(files);
            ensure!(text.contains(planted.from), "no file holds {:?} any more", planted.from);
            *text = text.replacen(planted.from, planted.to, 1);
        }
        Ok(())
    })?;
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for id in scene.components() {
        found.insert(id, scene.complaints_about(id)?.join("\n"));
    }
    for planted in &PLANTED {
        for (id, words) in planted.found_by {
            let complaints = found.get(id).with_context(|| format!("no component {id}"))?;
            ensure!(complaints.contains(words), "{id} does not find {:?}, but:\n{complaints}", planted.to);
        }
    }
    Ok(())
}
