//! Port: what the requests of one instance do for each other: work that goes on beside an answer, and one request that
//! wakes another.
//!
//! An instance of a component serves many requests, each a task of its own. They share memory, but a task that waits for
//! nothing but memory is never woken on Spin: a waker that crosses from one request to another ends the instance. So a
//! request that waits for another waits for a [`Rest`], and the other one rings.
//!
//! **Invariant** a ring that nobody waits for is lost: whoever waits looks at the memory before each wait, and whoever
//! rings has written there before. Between the look and the wait no other task runs.

use async_trait::async_trait;
use futures::future::BoxFuture;

/// The tasks of one instance.
pub trait Tasks: Send + Sync {
    /// Lets work go on beside the request that calls this, also after its answer has ended. It keeps the instance alive
    /// until it ends, and dies with it.
    fn spawn(&self, work: BoxFuture<'static, ()>);

    /// A bell: its two ends belong to one request each.
    fn bell(&self) -> (Box<dyn Ring>, Box<dyn Rest>);
}

/// The end that wakes.
pub trait Ring: Send {
    /// Wakes whoever waits at the other end; does nothing where nobody does. Never blocks.
    fn ring(&mut self);
}

/// The end that waits.
#[async_trait]
pub trait Rest: Send + Sync {
    /// Comes back when the other end rang, or was dropped. May come back without either; dropping the future is safe.
    async fn rung(&mut self);
}
