//! Accounts whose rows were shredded: which of their pages are the present ones, and what becomes of the others.
//!
//! The newest name tells how often the rows were shredded, with or without a page. What is older was left by whoever
//! died while it shredded, or was written late by a sealer that slept; neither comes back with anything personal.

use super::names::AccountPages;
use super::{Mode, Rebuild};
use crate::closed;
use crate::pages::AccountPage;
use records::{AccountKey, ChainRow, RecordsError, TrailRow};
use std::collections::BTreeMap;

impl Rebuild<'_> {
    /// Puts back how often each account's rows were shredded; writes anew what is there of older generations only, and
    /// deletes those.
    pub(super) async fn settle_generations(
        &self,
        accounts: &BTreeMap<AccountKey, AccountPages>,
    ) -> Result<(), RecordsError> {
        let (records, pages, target) = (self.records, self.records.keys.of_trail(), self.target.of_trail());
        for (account, AccountPages { generation, found }) in accounts.iter().filter(|(_, pages)| pages.generation > 0) {
            let fields = vec![target.balance(account).into(), "generation".into(), generation.to_string().into()];
            self.command("HSET", fields).await?;
            if self.report.mode == Mode::Dry {
                continue;
            }
            let older = || found.iter().filter(|(_, of)| of < generation);
            for &(page, of) in older() {
                // In the order of generations: the last that is written is of the newest.
                let key = pages.account_page(account, of, page);
                if found.contains(&(page, *generation)) {
                    continue;
                }
                let Some(before) = records.read_page_at::<AccountPage>(&key).await? else { continue };
                let rows = before.rows.iter().map(|line| TrailRow::impersonal(line).to_owned()).collect();
                let anew = serde_json::to_vec(&AccountPage::new(account.clone(), page, rows))
                    .map_err(|error| RecordsError::Invalid(error.to_string()))?;
                records.bodies.set(&pages.account_page(account, *generation, page), anew).await.map_err(closed)?;
            }
            for &(page, of) in older() {
                records.bodies.delete(&pages.account_page(account, of, page)).await.map_err(closed)?;
            }
            // Whoever slept through all of this may still write.
            let now = records.clock.now().unix_ms().to_string();
            let member = pages.generation(account, generation);
            self.command("ZADD", vec![self.target.of("garbage").into(), "NX".into(), now.into(), member.into()])
                .await?;
        }
        Ok(())
    }
}
