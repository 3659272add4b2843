//! Tasks of one instance: a bell is a stream of the component model whose two ends both lie in this instance, so that
//! the host wakes the one task when the other writes.

use async_trait::async_trait;
use core::pin::pin;
use core::task::{Context, Waker};
use futures::future::BoxFuture;
use instance_tasks::{Rest, Ring, Tasks};
use spin_sdk::wasip3::wit_stream;
use spin_sdk::wit_bindgen::{self, StreamReader, StreamWriter};

/// The tasks of the instance in which this code runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinTasks;

impl Tasks for SpinTasks {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        wit_bindgen::spawn(work);
    }

    fn bell(&self) -> (Box<dyn Ring>, Box<dyn Rest>) {
        let (writer, reader) = wit_stream::new::<u8>();
        (Box::new(SpinRing(writer)), Box::new(SpinRest(reader)))
    }
}

/// The end that wakes.
struct SpinRing(StreamWriter<u8>);

impl Ring for SpinRing {
    /// A write that is not taken at once finds nobody waiting; dropped, it is cancelled.
    fn ring(&mut self) {
        let mut write = pin!(self.0.write(vec![1]));
        let _ = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

/// The end that waits.
struct SpinRest(StreamReader<u8>);

#[async_trait]
impl Rest for SpinRest {
    async fn rung(&mut self) {
        self.0.read(Vec::with_capacity(1)).await;
    }
}
