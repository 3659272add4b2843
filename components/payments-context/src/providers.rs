//! The providers that this deployment has, and which of them is asked for a payment.

use crate::acquirer::Acquirer;
use crate::domain::{Payment, ProviderName, Routes};
use crate::notices::Dialect;
use std::sync::Arc;

/// One provider.
#[derive(Clone)]
pub struct Provider {
    /// Its name, for ever: payments remember it.
    pub name: ProviderName,
    /// Who asks it.
    pub acquirer: Arc<dyn Acquirer>,
    /// How it writes its notices.
    pub dialect: Dialect,
    /// The secrets that sign its notices: the present one, and one that is being exchanged. Without any, none is taken.
    pub notice_secrets: Vec<String>,
}

/// A table that names a provider which is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the routes name the provider {0}, which is not set up")]
pub struct UnknownProvider(pub ProviderName);

/// All of them.
#[derive(Clone)]
pub struct Providers {
    all: Arc<[Provider]>,
    routes: Arc<Routes>,
}

impl Providers {
    /// No provider, for a function that moves no payment and therefore is granted none.
    pub fn none() -> Self {
        Self { all: Arc::new([]), routes: Arc::default() }
    }

    /// The providers and the table that chooses among them. The first one is that of payments from before there was a
    /// choice.
    ///
    /// # Errors
    /// [`UnknownProvider`], so that a mistake in the table is found at the start and not by a payer.
    pub fn new(all: Vec<Provider>, routes: Routes) -> Result<Self, UnknownProvider> {
        let known = |name: &ProviderName| all.iter().any(|provider| provider.name == *name);
        if let Some(unknown) = routes.providers().find(|name| !known(name)) {
            return Err(UnknownProvider(unknown.clone()));
        }
        Ok(Self { all: all.into(), routes: Arc::new(routes) })
    }

    /// The provider of this name.
    pub fn named(&self, name: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.name.as_str() == name)
    }

    /// The provider that has, or will have, a payment's charge.
    pub fn of(&self, payment: &Payment) -> Option<&Provider> {
        match &payment.provider {
            Some(name) => self.named(name.as_str()),
            None => self.all.first(),
        }
    }

    /// The providers that may be asked for a new payment, in order of preference.
    pub fn choices(&self, payment: &Payment) -> impl Iterator<Item = &Provider> {
        self.routes.of(payment).iter().filter_map(|name| self.named(name.as_str()))
    }
}
