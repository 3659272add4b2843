//! Which component answers a path, with stock Spin's semantics (its own router crate decides): exact routes, named
//! segments `/a/:id`, trailing wildcards `/a/...`; the longest wins, a trailing slash and doubled slashes are ignored.

use std::borrow::Cow;

use anyhow::anyhow;

use crate::manifest::{HttpTrigger, Route};

/// Paths that Spin answers itself.
pub const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// The routes of an application.
pub struct Routes {
    router: routefinder::Router<Target>,
    /// As written, in the order of the manifest, for the start message.
    listing: Vec<(String, String)>,
}

/// Where a route leads.
#[derive(Clone, Debug)]
pub struct Target {
    /// The component's id.
    pub component: String,
    /// The route as written.
    pub raw_route: String,
    /// The route with a leading and without a trailing slash.
    pub based_route: String,
}

/// A match of a path.
#[derive(Debug)]
pub struct Match<'a> {
    /// What matched.
    pub target: Cow<'a, Target>,
    /// What the trailing wildcard stands for, with its leading slash; empty if the route has none.
    pub trailing: String,
    /// What each named segment stands for.
    pub named: Vec<(String, String)>,
}

impl Routes {
    /// The routes of the triggers. Of two triggers with one route the later wins; the loss is reported on stderr.
    ///
    /// # Errors
    /// A route is malformed.
    pub fn new(triggers: &[HttpTrigger]) -> anyhow::Result<Self> {
        let mut targets: Vec<Target> = Vec::new();
        for trigger in triggers {
            let Route::Pattern(raw) = &trigger.route else { continue };
            let target =
                Target { component: trigger.component.clone(), raw_route: raw.clone(), based_route: based(raw) };
            match targets.iter_mut().find(|other| other.raw_route == *raw) {
                Some(other) => {
                    eprintln!(
                        "The route {raw} of {} is a duplicate and will never be used (duplicate of {})",
                        other.component, target.component
                    );
                    *other = target;
                }
                None => targets.push(target),
            }
        }
        let mut router = routefinder::Router::new();
        let mut listing = Vec::new();
        for target in targets {
            if target.based_route.starts_with(WELL_KNOWN_PREFIX) {
                eprintln!("Routes under {WELL_KNOWN_PREFIX} are handled by the runtime and will never be reached");
            }
            listing.push((target.component.clone(), target.raw_route.clone()));
            let pattern = match target.based_route.strip_suffix("/...") {
                Some(prefix) => format!("{prefix}/*"),
                None => target.based_route.clone(),
            };
            let place = format!("route {} of component {}", target.raw_route, target.component);
            router.add(pattern.as_str(), target).map_err(|error| anyhow!("{place}: {error}"))?;
        }
        Ok(Self { router, listing })
    }

    /// Component and route of every route, in the order of the manifest.
    #[must_use]
    pub fn listing(&self) -> &[(String, String)] {
        &self.listing
    }

    /// The component that answers `path`.
    #[must_use]
    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a>> {
        let best = self.router.best_match(path)?;
        let captures = best.captures();
        let trailing = captures.wildcard().map(|rest| trailing_of(rest, path)).unwrap_or_default();
        let named = captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Match { target: Cow::Borrowed(best.handler()), trailing, named })
    }
}

impl Match<'static> {
    /// The match of a chained request: as if `/...` had matched `path`.
    #[must_use]
    pub fn chained(component: &str, path: &str) -> Self {
        let target = Target { component: component.to_owned(), raw_route: "/...".into(), based_route: "/...".into() };
        Self { target: Cow::Owned(target), trailing: path.to_owned(), named: Vec::new() }
    }
}

/// The router drops slashes around the wildcard's part; Spin has always shown them.
fn trailing_of(rest: &str, path: &str) -> String {
    match (rest.is_empty(), path.ends_with('/')) {
        (true, false) => String::new(),
        (true, true) => "/".into(),
        (false, false) => format!("/{rest}"),
        (false, true) => format!("/{rest}/"),
    }
}

fn based(raw: &str) -> String {
    let absolute = if raw.starts_with('/') { raw.to_owned() } else { format!("/{raw}") };
    absolute.strip_suffix('/').map(str::to_owned).unwrap_or(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&str]) -> Routes {
        let triggers: Vec<_> = patterns
            .iter()
            .map(|pattern| HttpTrigger { route: Route::Pattern((*pattern).into()), component: format!("c:{pattern}") })
            .collect();
        Routes::new(&triggers).unwrap()
    }

    fn found(routes: &Routes, path: &str) -> Option<(String, String)> {
        routes.find(path).map(|found| (found.target.raw_route.clone(), found.trailing))
    }

    #[test]
    fn the_longest_route_wins_and_slashes_at_the_end_or_doubled_do_not_matter() {
        let routes = routes(&["/...", "/a", "/a/...", "/a/b", "/u/:id", "/u/:id/x"]);
        for (path, route, trailing) in [
            ("/", "/...", "/"),
            ("/a", "/a", ""),
            ("/a/", "/a", ""),
            ("//a", "/a", ""),
            ("/a/b", "/a/b", ""),
            ("/a/b/", "/a/b", ""),
            ("/a/c", "/a/...", "/c"),
            ("/a/c/", "/a/...", "/c/"),
            ("/a/b/c", "/a/...", "/b/c"),
            ("/u/7", "/u/:id", ""),
            ("/u/7/x", "/u/:id/x", ""),
            ("/u/7/y", "/...", "/u/7/y"),
            ("/%61", "/...", "/%61"),
        ] {
            assert_eq!(found(&routes, path), Some((route.to_owned(), trailing.to_owned())), "{path}");
        }
    }

    #[test]
    fn a_path_without_a_route_is_not_found() {
        let routes = routes(&["/a", "/b/..."]);
        assert_eq!(found(&routes, "/c"), None);
        assert_eq!(found(&routes, "/a/b"), None);
        assert_eq!(found(&routes, "/b").unwrap().0, "/b/...");
    }

    #[test]
    fn named_segments_are_captured() {
        let routes = routes(&["/u/:id/p/:part"]);
        let mut named = routes.find("/u/7/p/x%20y").unwrap().named;
        named.sort_unstable();
        assert_eq!(named, [("id".to_owned(), "7".to_owned()), ("part".to_owned(), "x%20y".to_owned())]);
    }

    #[test]
    fn private_endpoints_have_no_route() {
        let trigger = HttpTrigger { route: Route::Private { private: true }, component: "a".into() };
        assert!(Routes::new(&[trigger]).unwrap().find("/a").is_none());
    }
}
