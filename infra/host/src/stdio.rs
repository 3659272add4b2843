//! What components print: to `<log dir>/<component>_stdout.txt` and `_stderr.txt`, and, unless silenced, to the
//! host's stderr; both in one write, so that lines of different components do not mix.

use std::{
    collections::HashSet,
    fs::File,
    io::Write as _,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError, StreamResult},
};

/// Whose output is also shown on the host's stderr.
#[derive(Clone, Debug)]
pub enum Follow {
    /// Everybody's.
    All,
    /// Nobody's: `--quiet`.
    None,
    /// That of `--follow`.
    Only(HashSet<String>),
}

/// Stdout or stderr of one component, shared by its instances.
#[derive(Clone)]
pub struct Output {
    file: Option<Arc<File>>,
    follow: bool,
}

impl Output {
    /// Opens the file `<component>_<stream>.txt` in `log_dir` for appending. Without a log folder all is shown,
    /// whatever `follow` says, as in stock Spin.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(
        component: &str,
        stream: &str,
        log_dir: Option<&Path>,
        follow: &Follow,
        truncate: bool,
    ) -> anyhow::Result<Self> {
        let Some(log_dir) = log_dir else {
            return Ok(Self { file: None, follow: true });
        };
        let path = log_dir.join(format!("{component}_{stream}.txt"));
        if truncate && path.exists() {
            File::create(&path).with_context(|| format!("cannot truncate {}", path.display()))?;
        }
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let follow = match follow {
            Follow::All => true,
            Follow::None => false,
            Follow::Only(ids) => ids.contains(component),
        };
        Ok(Self { file: Some(Arc::new(file)), follow })
    }

    fn put(&self, bytes: &[u8]) -> std::io::Result<()> {
        if let Some(file) = &self.file {
            (&**file).write_all(bytes)?;
        }
        if self.follow {
            std::io::stderr().write_all(bytes)?;
        }
        Ok(())
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(self.put(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes).map_err(|error| StreamError::LastOperationFailed(error.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}
