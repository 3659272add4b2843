//! Where one operation is tried: a router, who asks, and what an example cannot know.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Map, Value};
use std::rc::Rc;

/// Prepares a request as the edge would: puts the caller into its extensions.
type Prepare = Rc<dyn Fn(&mut Request<Body>)>;

/// What answers where no route does.
async fn missed() -> StatusCode {
    StatusCode::IM_A_TEAPOT
}

/// The scene of one operation.
#[derive(Clone)]
pub struct Scene {
    pub(crate) router: Router,
    prepare: Prepare,
    pub(crate) known: Map<String, Value>,
}

impl Scene {
    /// A router, asked by nobody in particular.
    pub fn new(router: Router) -> Self {
        let router = router.fallback(missed).method_not_allowed_fallback(missed);
        Self { router, prepare: Rc::new(|_| ()), known: Map::new() }
    }

    /// Asked by this caller.
    #[must_use]
    pub fn by(mut self, prepare: impl Fn(&mut Request<Body>) + 'static) -> Self {
        self.prepare = Rc::new(prepare);
        self
    }

    /// What takes the place of the example's value under this name, in the path or in the body: names and codes that are
    /// made while the test runs.
    #[must_use]
    pub fn knowing(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.known.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn prepared(&self, mut request: Request<Body>) -> Request<Body> {
        (self.prepare)(&mut request);
        request
    }
}
