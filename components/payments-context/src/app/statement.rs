//! `GET /v1/ledger/accounts/{account}/statement` and `…/statement.csv`: what happened to an account, row by row.
//!
//! A page costs the same however long the history is: the cursor is a row number, and where a row lies follows from its
//! number. Only the ends of a time range are searched for.

use super::{QueryError, StoreError, account_key};
use crate::Payments;
use crate::domain::Account;
use crate::wire::{BalanceAnswer, StatementItem, StatementPage, StatementQuery, statement_csv};
use ambient::Timestamp;
use futures::future::try_join;
use records::{AccountKey, Balance, LedgerRow};

/// The most rows of a page.
const MAX_LIMIT: u32 = 100;
/// What a page holds where nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// The rows of one piece of an export.
const EXPORT_ROWS: u64 = 1000;

/// One piece of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The lines, with a heading where the piece is the first.
    pub csv: String,
    /// Where the next piece starts; `None` on the last one.
    pub next_cursor: Option<String>,
}

/// The rows that a query is about.
struct Range {
    key: AccountKey,
    account: Account,
    /// The first row, if the range had one.
    first: u64,
    /// The last one; smaller than `first` where there is none.
    last: u64,
    opening: Balance,
    closing: Balance,
    cursor: Option<u64>,
}

/// A page of an account's statement, newest first.
///
/// # Errors
/// [`QueryError::NotFound`] for a name that is not in the chart; [`QueryError::Invalid`] for a range, limit or cursor
/// that is none; [`QueryError::Store`].
pub async fn statement(payments: &Payments, name: &str, query: StatementQuery) -> Result<StatementPage, QueryError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(QueryError::Invalid { field: "limit", why: "a page has 1 to 100 entries" });
    }
    let range = range(payments, name, &query).await?;
    let from = range.cursor.map_or(range.last, |cursor| cursor.min(range.last));
    let rows = rows(payments, &range, from, u64::from(limit)).await?;
    let next = rows.last().map(|row| row.number.saturating_sub(1)).filter(|next| *next >= range.first);
    Ok(StatementPage {
        account: range.account.to_string(),
        currency: range.account.currency.to_string(),
        opening: BalanceAnswer::from(range.opening),
        closing: BalanceAnswer::from(range.closing),
        items: rows.iter().map(StatementItem::from).collect(),
        total: (range.last + 1).saturating_sub(range.first),
        next_cursor: next.map(|next| next.to_string()),
    })
}

/// A piece of an account's statement as CSV, oldest first; the pieces one after the other are the whole file.
///
/// # Errors
/// As [`statement`].
pub async fn export(payments: &Payments, name: &str, query: StatementQuery) -> Result<Export, QueryError> {
    let range = range(payments, name, &query).await?;
    let first = range.cursor.map_or(range.first, |cursor| cursor.max(range.first));
    let last = range.last.min(first.saturating_add(EXPORT_ROWS - 1));
    let mut found = rows(payments, &range, last, (last + 1).saturating_sub(first)).await?;
    found.reverse();
    let csv =
        statement_csv(&found, range.cursor.is_none()).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    Ok(Export { csv, next_cursor: (last < range.last).then(|| (last + 1).to_string()) })
}

/// Rows of a range from a number downwards, in pages of the port.
async fn rows(payments: &Payments, range: &Range, from: u64, wanted: u64) -> Result<Vec<LedgerRow>, QueryError> {
    let least = range.first.max(from.saturating_add(1).saturating_sub(wanted));
    let (mut rows, mut next) = (Vec::new(), from);
    while next >= least && next > 0 {
        let limit = u32::try_from((next + 1).saturating_sub(least)).unwrap_or(u32::MAX).min(MAX_LIMIT);
        let page = payments.journal.account_rows(&range.key, Some(next), limit).await?;
        let Some(last) = page.last() else { break };
        next = last.number.saturating_sub(1);
        rows.extend(page);
    }
    Ok(rows)
}

async fn range(payments: &Payments, name: &str, query: &StatementQuery) -> Result<Range, QueryError> {
    let account = Account::named(name).ok_or(QueryError::NotFound)?;
    let key = account_key(account)?;
    let cursor = match query.cursor.as_deref() {
        None => None,
        Some(text) => match text.parse() {
            Ok(number) if number > 0 && !text.starts_with('+') => Some(number),
            _ => {
                let why = "a cursor is the `next_cursor` of the page before, unchanged";
                return Err(QueryError::Invalid { field: "cursor", why });
            }
        },
    };
    let from = moment("from", query.from.as_deref())?;
    let to = moment("to", query.to.as_deref())?;
    if from.is_some_and(|from| to.is_some_and(|to| to < from)) {
        return Err(QueryError::Invalid { field: "to", why: "a range ends after it begins" });
    }
    let before = |at: Timestamp| Timestamp::from_unix_ms(at.unix_ms().saturating_sub(1));
    let opening = async {
        match from {
            Some(from) => payments.journal.account_row_at(&key, before(from)).await,
            None => Ok(None),
        }
    };
    let closing = async {
        match to {
            Some(to) => payments.journal.account_row_at(&key, before(to)).await,
            None => Ok(payments.journal.account_rows(&key, None, 1).await?.pop()),
        }
    };
    let (opening, closing) = try_join(opening, closing).await?;
    let number = |row: &Option<LedgerRow>| row.as_ref().map_or(0, |row| row.number);
    let balance = |row: &Option<LedgerRow>| row.as_ref().map(|row| row.after).unwrap_or_default();
    Ok(Range {
        first: number(&opening) + 1,
        last: number(&closing),
        opening: balance(&opening),
        closing: balance(&closing),
        key,
        account,
        cursor,
    })
}

/// A moment of a query.
pub(crate) fn moment(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, QueryError> {
    let why = "a moment is written like 2026-01-31T09:30:00.000Z";
    text.map(|text| text.parse().map_err(|_| QueryError::Invalid { field, why })).transpose()
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;
    use serde_json::Value;

    /// Five captures of 10.00, 20.00 … EUR, one a second.
    async fn with_history() -> House {
        let house = House::new();
        for number in 1..=5 {
            let path = house.created(&format!("k{number}"), "tok_visa", "automatic").await;
            house.confirm(&path, &format!("c{number}")).await;
            house.later(1);
        }
        house.as_operator()
    }

    const STATEMENT: &str = "/v1/ledger/accounts/acquirer:EUR/statement";

    fn column(page: &Value, name: &str) -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|item| item[name].as_i64().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_statement_goes_from_the_newest_row_to_the_oldest_with_the_balance_after_each() {
        let house = with_history().await;
        let page = house.get(&format!("{STATEMENT}?limit=2")).await.json();
        assert_eq!(column(&page, "posted_after_minor"), [-5000, -4000]);
        assert_eq!((page["total"].as_u64(), &page["closing"]["posted_minor"]), (Some(5), &Value::from(-5000)));
        let cursor = page["next_cursor"].as_str().unwrap();
        let page = house.get(&format!("{STATEMENT}?limit=2&cursor={cursor}")).await.json();
        assert_eq!(column(&page, "posted_after_minor"), [-3000, -2000]);
        let cursor = page["next_cursor"].as_str().unwrap();
        let page = house.get(&format!("{STATEMENT}?limit=2&cursor={cursor}")).await.json();
        assert_eq!((column(&page, "posted_after_minor"), page.get("next_cursor")), (vec![-1000], None));
        let item = &page["items"][0];
        assert_eq!(
            (item["kind"].as_str(), item["posted_at"].as_str()),
            (Some("payment"), Some("2026-01-01T00:00:00.000Z"))
        );
        assert!(item["reference"].as_str().unwrap().starts_with("pay_"));
    }

    #[tokio::test]
    async fn a_range_has_the_rows_from_its_beginning_to_just_before_its_end() {
        let house = with_history().await;
        let range = "from=2026-01-01T00:00:01.000Z&to=2026-01-01T00:00:03.000Z";
        let page = house.get(&format!("{STATEMENT}?{range}")).await.json();
        assert_eq!(column(&page, "posted_after_minor"), [-3000, -2000]);
        assert_eq!((&page["opening"]["posted_minor"], page["total"].as_u64()), (&Value::from(-1000), Some(2)));
        assert_eq!(page["closing"]["posted_minor"], -3000);
        let empty = house.get(&format!("{STATEMENT}?to=2026-01-01T00:00:00.000Z")).await.json();
        assert_eq!((empty["items"].as_array().map(Vec::len), empty["total"].as_u64()), (Some(0), Some(0)));
        let later = house.get(&format!("{STATEMENT}?from=2027-01-01T00:00:00.000Z")).await.json();
        assert_eq!((later["total"].as_u64(), &later["opening"]["posted_minor"]), (Some(0), &Value::from(-5000)));
    }

    #[tokio::test]
    async fn an_account_that_nothing_was_posted_to_has_an_empty_statement() {
        let house = House::new().as_operator();
        let page = house.get("/v1/ledger/accounts/payouts:JPY/statement").await.json();
        assert_eq!((page["total"].as_u64(), page["items"].as_array().map(Vec::len)), (Some(0), Some(0)));
        let csv = house.get("/v1/ledger/accounts/payouts:JPY/statement.csv").await;
        assert_eq!((csv.status, csv.text.lines().count(), csv.header("link")), (200, 1, None));
    }

    #[tokio::test]
    async fn pieces_of_an_export_one_after_the_other_are_the_whole_file() {
        let house = with_history().await;
        let whole = house.get(&format!("{STATEMENT}.csv")).await;
        assert_eq!(whole.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(whole.header("content-disposition"), Some("attachment; filename=\"acquirer-EUR.csv\""));
        let lines: Vec<&str> = whole.text.lines().collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(
            lines[0],
            "row,posted_at,entry,leg,kind,reference,currency,posted_minor,held_minor,posted_after_minor,held_after_minor"
        );
        assert!(lines[1].starts_with("1,2026-01-01T00:00:00.000Z,1,0,payment,pay_"), "{}", lines[1]);
        assert!(lines[1].ends_with(",EUR,-1000,0,-1000,0"), "{}", lines[1]);
        let rest = house.get(&format!("{STATEMENT}.csv?cursor=3")).await;
        assert_eq!(rest.text.lines().collect::<Vec<_>>(), lines[3..]);
    }

    #[tokio::test]
    async fn an_export_of_many_rows_links_its_next_piece() {
        let house = House::new().as_operator();
        house.post_entries(1100).await;
        let first = house.get("/v1/ledger/accounts/payouts:EUR/statement.csv?from=2026-01-01T00:00:00.000Z").await;
        assert_eq!(first.text.lines().count(), 1001);
        let link = first.header("link").unwrap();
        let path = link.trim_start_matches('<').split('>').next().unwrap();
        assert_eq!(
            link,
            "</v1/ledger/accounts/payouts:EUR/statement.csv?cursor=1001&from=2026-01-01T00:00:00.000Z>; rel=\"next\""
        );
        let second = house.get(path).await;
        assert_eq!((second.text.lines().count(), second.header("link")), (100, None));
        assert!(second.text.starts_with("1001,"));
    }

    #[tokio::test]
    async fn refuses_ranges_and_cursors_that_are_none_and_strangers() {
        let house = House::new().as_operator();
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("cursor=0", "cursor"),
            ("cursor=-1", "cursor"),
            ("cursor=%2B1", "cursor"),
            ("from=yesterday", "from"),
            ("to=2026", "to"),
            ("from=2026-01-02T00:00:00.000Z&to=2026-01-01T00:00:00.000Z", "to"),
        ] {
            let seen = house.get(&format!("{STATEMENT}?{query}")).await;
            assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some(field)), "{query}");
        }
        assert_eq!(house.get(&format!("{STATEMENT}?limit=x")).await.status, 400);
        assert_eq!(house.get("/v1/ledger/accounts/mine:EUR/statement").await.status, 404);
        for path in [STATEMENT.to_owned(), format!("{STATEMENT}.csv")] {
            assert_eq!(House::new().get(&path).await.status, 403);
        }
    }
}
