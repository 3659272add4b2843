//! What the edge must know of a route before the route is run: whom its limits protect, what happens to it when there
//! is too much to do, and whether a bearer token is looked at.
//!
//! What lives here: the words that a context's route table and the edge share. What does not: quotas (`edge`), paths
//! (each context lists its own beside its route table). A route that no list names has the class of its method.
//!
//! ```
//! use route_policy::{Class, RoutePolicy};
//!
//! pub const POLICIES: &[RoutePolicy] = &[
//!     RoutePolicy::new("POST", "/v1/sessions", Class::Credentials).ignoring_bearer(),
//!     RoutePolicy::new("POST", "/v1/payments", Class::Money),
//! ];
//! ```

use http::Method;

/// What kind of work a route does. Limits, priority and the behaviour without Redis follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Answers from memory: cheaper to serve than to count.
    Free,
    /// Reads.
    Read,
    /// Changes something.
    Write,
    /// Moves money, or decides whether it moves.
    Money,
    /// Takes a password, a code or a token from somebody who is not known yet.
    Credentials,
    /// Hears another system that proves each message by a signature and repeats what was not taken.
    Notice,
}

/// What a request gets when nobody can say whether its caller is within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutLimiter {
    /// It is carried out: the limit protects capacity, and what is gone with Redis protects it already.
    Open,
    /// It is refused with 503: the limit protects somebody, and an attacker must not be able to switch it off.
    Closed,
}

impl Class {
    /// Every class, in the order in which documents list them.
    pub const ALL: [Self; 6] = [Self::Free, Self::Read, Self::Write, Self::Money, Self::Credentials, Self::Notice];

    /// The class of a route that no list names.
    pub fn of_method(method: &Method) -> Self {
        if method.is_safe() { Self::Read } else { Self::Write }
    }

    /// The word for it in policies and configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Read => "read",
            Self::Write => "write",
            Self::Money => "money",
            Self::Credentials => "credentials",
            Self::Notice => "notice",
        }
    }

    /// What happens without a limiter.
    pub const fn without_limiter(self) -> WithoutLimiter {
        match self {
            Self::Free | Self::Read | Self::Write | Self::Money | Self::Notice => WithoutLimiter::Open,
            Self::Credentials => WithoutLimiter::Closed,
        }
    }
}

/// One route, by method and template, and how the edge treats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutePolicy {
    /// The method, such as `POST`. A policy for `GET` holds for `HEAD` too.
    pub method: &'static str,
    /// The template of the route table, such as `/v1/payments/{id}`.
    pub path: &'static str,
    /// What kind of work it does.
    pub class: Class,
    /// Whether an `Authorization` header is left unread.
    pub ignores_bearer: bool,
    /// Whether a body may be an HTML form instead of JSON.
    pub takes_forms: bool,
}

impl RoutePolicy {
    /// A route of this class that reads bearer tokens.
    pub const fn new(method: &'static str, path: &'static str, class: Class) -> Self {
        Self { method, path, class, ignores_bearer: false, takes_forms: false }
    }

    /// The route proves who the caller is by other means: a client that still sends an expired token along with its
    /// password or its refresh token must reach it.
    #[must_use]
    pub const fn ignoring_bearer(mut self) -> Self {
        self.ignores_bearer = true;
        self
    }

    /// The route is called by somebody who sends `application/x-www-form-urlencoded`: a page's form, a mail program that
    /// unsubscribes (RFC 8058), a provider. JSON is taken as well.
    #[must_use]
    pub const fn taking_forms(mut self) -> Self {
        self.takes_forms = true;
        self
    }

    /// Whether this is the policy of a request.
    pub fn is_for(&self, method: &Method, path: &str) -> bool {
        let asked = if *method == Method::HEAD { "GET" } else { method.as_str() };
        self.method == asked && self.path == path
    }
}

/// What an API key must be allowed to do for the routes of a context.
///
/// A person's token is judged by each route alone; a key, which lies in files and pipelines for months, by this table as
/// well. A route that no scope opens is not for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyScopes {
    /// All of these for a route that only reads; none: keys read nothing here.
    pub read: &'static [&'static str],
    /// All of these for every other route; none: keys change nothing here.
    pub write: &'static [&'static str],
}

impl KeyScopes {
    /// The scopes that a request asks for; `None` where no key may make it.
    pub fn of(&self, method: &Method) -> Option<&'static [&'static str]> {
        let scopes = if method.is_safe() { self.read } else { self.write };
        (!scopes.is_empty()).then_some(scopes)
    }
}

/// The policy of a request among those of a context; where none names it, the one of its method.
pub fn of(policies: &[RoutePolicy], method: &Method, path: &str) -> RoutePolicy {
    let named = policies.iter().find(|policy| policy.is_for(method, path)).copied();
    named.unwrap_or(RoutePolicy::new("", "", Class::of_method(method)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICIES: &[RoutePolicy] = &[
        RoutePolicy::new("POST", "/v1/sessions", Class::Credentials).ignoring_bearer(),
        RoutePolicy::new("GET", "/livez", Class::Free),
    ];

    #[test]
    fn a_route_is_found_by_method_and_template_and_else_classed_by_its_method() {
        let class = |method: Method, path: &str| of(POLICIES, &method, path).class;
        assert_eq!(class(Method::POST, "/v1/sessions"), Class::Credentials);
        assert_eq!(class(Method::DELETE, "/v1/sessions"), Class::Write);
        assert_eq!(class(Method::HEAD, "/livez"), Class::Free);
        assert_eq!(class(Method::GET, "/v1/payments"), Class::Read);
        assert!(of(POLICIES, &Method::POST, "/v1/sessions").ignores_bearer);
        assert!(!of(POLICIES, &Method::GET, "/livez").ignores_bearer);
        assert!(!of(POLICIES, &Method::POST, "/v1/sessions").takes_forms);
        assert!(RoutePolicy::new("POST", "/v1/forms", Class::Notice).taking_forms().takes_forms);
    }

    #[test]
    fn a_key_reads_and_writes_by_different_scopes_or_not_at_all() {
        let scopes = KeyScopes { read: &["payments:read", "notifications:read"], write: &[] };
        assert_eq!(scopes.of(&Method::HEAD), Some(["payments:read", "notifications:read"].as_slice()));
        assert_eq!(scopes.of(&Method::POST), None, "an empty row opens nothing");
    }

    #[test]
    fn only_what_guards_somebody_is_closed_without_a_limiter() {
        let closed: Vec<_> =
            Class::ALL.into_iter().filter(|class| class.without_limiter() == WithoutLimiter::Closed).collect();
        assert_eq!(closed, [Class::Credentials]);
    }
}
