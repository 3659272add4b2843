//! A double that answers by a function of the test's and remembers what it was asked.

use crate::{HttpClient, HttpError, PeekingClient};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

type Script = dyn Fn(&http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> + Send + Sync;

/// Answers each request by calling a closure; keeps the requests in order. Clones share the memory.
#[derive(Clone)]
pub struct ScriptedHttp {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl ScriptedHttp {
    /// A client that answers as `script` says.
    pub fn new(
        script: impl Fn(&http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> + Send + Sync + 'static,
    ) -> Self {
        Self { script: Arc::new(script), asked: Arc::default() }
    }

    /// The requests so far, oldest first.
    pub fn asked(&self) -> Vec<http::Request<Bytes>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HttpClient for ScriptedHttp {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        _timeout: Duration,
    ) -> Result<http::Response<Bytes>, HttpError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        (self.script)(&request)
    }
}

#[async_trait]
impl PeekingClient for ScriptedHttp {
    async fn send_peeking(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
        most_bytes: usize,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let response = self.send(request, timeout).await?;
        Ok(response.map(|body| body.slice(..most_bytes.min(body.len()))))
    }
}
