//! Who may do how much: a table, and a variable that changes its rows.

use limiter::Quota;
use route_policy::Class;
use std::sync::Arc;

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Requests of one network without a token that holds.
    Address,
    /// Requests of one account.
    User,
    /// Requests by one API key of an account.
    Key,
}

impl Who {
    const ALL: [Self; 3] = [Self::Address, Self::User, Self::Key];

    const fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::User => "user",
            Self::Key => "key",
        }
    }
}

/// Whether limits are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What exceeds a limit is refused.
    Enforce,
    /// What exceeds a limit passes and is logged: a dry run of new numbers.
    Observe,
    /// Nothing is counted.
    Off,
}

/// The rows that hold unless the variable `rate_limits` says otherwise: class of the route, whose requests, plan, units,
/// seconds. Numbers are for one service; an account has them in each.
const ROWS: [(Class, Who, &str, u32, u32); 17] = [
    // Without a token. An office or a school shares one address.
    (Class::Read, Who::Address, "", 1_200, 60),
    (Class::Write, Who::Address, "", 300, 60),
    (Class::Money, Who::Address, "", 300, 60),
    // A person logs in a few times a day; each try costs 50 ms of a core. Guessing at one account is throttled by users.
    (Class::Credentials, Who::Address, "", 300, 60),
    // A provider sends all of its notices from few addresses.
    (Class::Notice, Who::Address, "", 12_000, 60),
    // An account.
    (Class::Read, Who::User, "", 6_000, 60),
    (Class::Write, Who::User, "", 1_200, 60),
    (Class::Money, Who::User, "", 600, 60),
    // An account on the plan `business`.
    (Class::Read, Who::User, "business", 60_000, 60),
    (Class::Write, Who::User, "business", 12_000, 60),
    (Class::Money, Who::User, "business", 6_000, 60),
    // One API key: half of its account, whose limit counts as well.
    (Class::Read, Who::Key, "", 3_000, 60),
    (Class::Write, Who::Key, "", 600, 60),
    (Class::Money, Who::Key, "", 300, 60),
    (Class::Read, Who::Key, "business", 30_000, 60),
    (Class::Write, Who::Key, "business", 6_000, 60),
    (Class::Money, Who::Key, "business", 3_000, 60),
];

/// A table of limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitTable {
    mode: Mode,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    class: Class,
    who: Who,
    /// Empty where the row holds for every plan without a row of its own.
    plan: String,
    /// The policy's name on the wire, in the log and in Redis: `read.user` or `read.user@business`.
    name: Arc<str>,
    quota: Quota,
}

/// A word of the variable that is neither a mode nor a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidLimits {
    /// The word.
    pub word: String,
}

impl core::fmt::Display for InvalidLimits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "`{}` is no rate limit: enforce, observe, off, or rows such as read.user=6000/60, \
             money.user@business=6000/60, write.address=none",
            self.word
        )
    }
}

impl core::error::Error for InvalidLimits {}

impl Default for LimitTable {
    fn default() -> Self {
        let rows = ROWS.into_iter().filter_map(|(class, who, plan, units, window_s)| {
            Quota::new(units, window_s).map(|quota| Row::new(class, who, plan, quota))
        });
        Self { mode: Mode::Enforce, rows: rows.collect() }
    }
}

impl Row {
    fn new(class: Class, who: Who, plan: &str, quota: Quota) -> Self {
        let at = if plan.is_empty() { "" } else { "@" };
        let name = format!("{}.{}{at}{plan}", class.word(), who.word()).into();
        Self { class, who, plan: plan.to_owned(), name, quota }
    }

    fn is(&self, class: Class, who: Who, plan: &str) -> bool {
        self.class == class && self.who == who && self.plan == plan
    }
}

impl LimitTable {
    /// The table as the variable `rate_limits` changes it: words apart by spaces, first to last.
    ///
    /// **Shape** `observe read.user=100/60 money.user@business=6000/60 write.address=none`: a mode (`enforce` where there
    /// is none, `observe` to log only, `off`), and rows as units and seconds or without a limit.
    ///
    /// # Errors
    /// [`InvalidLimits`] with the first word that is something else: a limit with a slip in it must not be no limit.
    pub fn parse(text: &str) -> Result<Self, InvalidLimits> {
        let mut table = Self::default();
        for word in text.split_ascii_whitespace() {
            match word {
                "enforce" => table.mode = Mode::Enforce,
                "observe" => table.mode = Mode::Observe,
                "off" => table.mode = Mode::Off,
                row => table.set(row).ok_or_else(|| InvalidLimits { word: row.to_owned() })?,
            }
        }
        Ok(table)
    }

    /// Sets or removes one row; `None` where the word is none.
    fn set(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=')?;
        let (name, plan) = name.split_once('@').map_or((name, ""), |(name, plan)| (name, plan));
        let is_plan = plan.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !is_plan || (plan.is_empty() && word.contains('@')) {
            return None;
        }
        let (class, who) = name.split_once('.')?;
        let class = Class::ALL.into_iter().find(|own| *own != Class::Free && own.word() == class)?;
        let who = Who::ALL.into_iter().find(|own| own.word() == who)?;
        let quota = if value == "none" {
            None
        } else {
            let (units, window_s) = value.split_once('/')?;
            Some(Quota::new(units.parse().ok()?, window_s.parse().ok()?)?)
        };
        self.rows.retain(|row| !row.is(class, who, plan));
        self.rows.extend(quota.map(|quota| Row::new(class, who, plan, quota)));
        Some(())
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// The policy's name and the quota; the plan's own row before the one for all.
    pub(crate) fn find(&self, class: Class, who: Who, plan: Option<&str>) -> Option<(Arc<str>, Quota)> {
        let row = |plan: &str| self.rows.iter().find(|row| row.is(class, who, plan));
        plan.and_then(row).or_else(|| row("")).map(|row| (Arc::clone(&row.name), row.quota))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_quota_and_every_class_that_counts_has_one_for_strangers() {
        let table = LimitTable::default();
        assert_eq!(table.rows.len(), ROWS.len(), "a row that is no quota would be no limit");
        for class in Class::ALL.into_iter().filter(|class| *class != Class::Free) {
            assert!(table.find(class, Who::Address, None).is_some(), "{class:?}");
        }
    }

    #[test]
    fn a_plan_has_its_own_row_or_that_of_all() {
        let table = LimitTable::default();
        let name = |plan| table.find(Class::Money, Who::User, plan).unwrap().0.to_string();
        assert_eq!(name(None), "money.user");
        assert_eq!(name(Some("business")), "money.user@business");
        assert_eq!(name(Some("unheard-of")), "money.user");
    }

    #[test]
    fn the_variable_changes_rows_adds_some_and_takes_some_away() {
        let table = LimitTable::parse(" observe read.user=7/2 read.user@gold=9/3  write.address=none ").unwrap();
        assert_eq!(table.mode(), Mode::Observe);
        assert_eq!(table.find(Class::Read, Who::User, None), Some(("read.user".into(), Quota::new(7, 2).unwrap())));
        assert_eq!(table.find(Class::Read, Who::User, Some("gold")).unwrap().0.to_string(), "read.user@gold");
        assert_eq!(table.find(Class::Write, Who::Address, None), None);
        assert_eq!(LimitTable::parse(""), Ok(LimitTable::default()));
    }

    #[test]
    fn a_slip_is_refused_and_never_taken_for_no_limit() {
        for word in [
            "on",
            "read.user",
            "read.user=",
            "read.user=0/60",
            "read.user=5",
            "read.user=5/0",
            "read.user=-1/60",
            "read.user=1e3/60",
            "read.users=5/60",
            "reed.user=5/60",
            "free.user=5/60",
            "read.user@=5/60",
            "read.user@a b=5/60",
            "read.user@ü=5/60",
            "read.user=None",
        ] {
            assert!(LimitTable::parse(word).is_err(), "{word}");
        }
    }
}
