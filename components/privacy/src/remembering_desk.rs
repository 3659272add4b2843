//! A double of the desk that remembers what was handed in and fails on command.

use crate::{DeskError, ErasurePart, ExportPage, PrivacyDesk, Service, SubjectKey};
use async_trait::async_trait;
use ids::{ErasureId, ExportId, UserId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Memory {
    keys: BTreeMap<UserId, SubjectKey>,
    parts: Vec<(ErasureId, Service, ErasurePart)>,
    pages: Vec<(ExportId, Service, ExportPage)>,
    failing: u32,
    unwanted: bool,
}

/// Remembers. Clones share the memory.
#[derive(Clone, Default)]
pub struct RememberingDesk(Arc<Mutex<Memory>>);

impl RememberingDesk {
    /// Gives out this key from now on.
    pub fn keep_key(&self, subject: UserId, key: SubjectKey) {
        self.memory().keys.insert(subject, key);
    }

    /// Gives out no key of this person any more.
    pub fn shred(&self, subject: UserId) {
        self.memory().keys.remove(&subject);
    }

    /// The next calls fail, this many.
    pub fn fail_next(&self, calls: u32) {
        self.memory().failing = calls;
    }

    /// Nobody wants pages any more.
    pub fn want_no_pages(&self) {
        self.memory().unwanted = true;
    }

    /// What was handed in for erasures, oldest first.
    pub fn parts(&self) -> Vec<(ErasureId, Service, ErasurePart)> {
        self.memory().parts.clone()
    }

    /// What was handed in for exports, oldest first.
    pub fn pages(&self) -> Vec<(ExportId, Service, ExportPage)> {
        self.memory().pages.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answering(&self) -> Result<MutexGuard<'_, Memory>, DeskError> {
        let mut memory = self.memory();
        if memory.failing > 0 {
            memory.failing -= 1;
            return Err(DeskError::Unavailable("switched off".to_owned()));
        }
        Ok(memory)
    }
}

#[async_trait]
impl PrivacyDesk for RememberingDesk {
    async fn subject_key(&self, subject: UserId) -> Result<Option<SubjectKey>, DeskError> {
        Ok(self.answering()?.keys.get(&subject).cloned())
    }

    async fn erased(&self, erasure: ErasureId, service: Service, part: &ErasurePart) -> Result<(), DeskError> {
        self.answering()?.parts.push((erasure, service, part.clone()));
        Ok(())
    }

    async fn exported(
        &self,
        _: UserId,
        export: ExportId,
        service: Service,
        page: &ExportPage,
    ) -> Result<bool, DeskError> {
        let mut memory = self.answering()?;
        if memory.unwanted {
            return Ok(false);
        }
        memory.pages.push((export, service, page.clone()));
        Ok(true)
    }
}
