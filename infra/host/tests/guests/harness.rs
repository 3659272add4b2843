//! Writes a manifest into a temporary folder, runs the host on it and talks to it.
//!
//! The guests are built once a test process, or taken from `SPINDRIFT_GUESTS_DIR`; compiled ones are kept in cargo's
//! folder for tests.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};

/// How long anything may take that is expected to happen.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The wasm file of a guest.
pub fn guest(name: &str) -> anyhow::Result<PathBuf> {
    static DIR: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let dir = DIR.get_or_init(|| build_guests().map_err(|error| format!("{error:#}")));
    let file = dir.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?.join(format!("{name}.wasm"));
    ensure!(file.exists(), "there is no guest {}", file.display());
    Ok(file)
}

fn build_guests() -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("SPINDRIFT_GUESTS_DIR") {
        return Ok(dir.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "guests", "--examples", "--profile", "guest"])
        .args(["--target", "wasm32-wasip2"])
        // The guests belong to the workspace around this one and are built in its folder.
        .env_remove("CARGO_TARGET_DIR")
        .current_dir(&root)
        .status()?;
    ensure!(status.success(), "the guests do not build");
    Ok(root.join("target/wasm32-wasip2/guest/examples").canonicalize()?)
}

/// An application to be.
#[derive(Default)]
pub struct App {
    manifest: String,
    triggers: usize,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    runtime_config: Option<String>,
    state_dir: Option<PathBuf>,
}

impl App {
    /// An application without components.
    pub fn new() -> Self {
        Self {
            manifest: "spin_manifest_version = 2\n[application]\nname = \"test\"\nversion = \"1.2.3\"\n".into(),
            ..Self::default()
        }
    }

    /// Adds a component `id` made of `guest` and granted `grants` (lines of TOML), reached at `route`.
    pub fn http(self, route: &str, id: &str, guest: &str, grants: &str) -> anyhow::Result<Self> {
        self.trigger(&format!("[[trigger.http]]\nroute = \"{route}\"\ncomponent = \"{id}\"\n"))
            .component(id, guest, grants)
    }

    /// As [`App::http`], reached by chaining only.
    pub fn private(self, id: &str, guest: &str, grants: &str) -> anyhow::Result<Self> {
        self.trigger(&format!("[[trigger.http]]\nroute = {{ private = true }}\ncomponent = \"{id}\"\n"))
            .component(id, guest, grants)
    }

    /// As [`App::http`], woken by messages on `channel` of the server at `address`.
    pub fn redis(self, address: &str, channel: &str, id: &str, guest: &str, grants: &str) -> anyhow::Result<Self> {
        self.trigger(&format!(
            "[[trigger.redis]]\naddress = \"{address}\"\nchannel = \"{channel}\"\ncomponent = \"{id}\"\n"
        ))
        .component(id, guest, grants)
    }

    fn trigger(mut self, lines: &str) -> Self {
        self.triggers += 1;
        self.manifest.push_str(lines);
        self
    }

    fn component(mut self, id: &str, name: &str, grants: &str) -> anyhow::Result<Self> {
        self.manifest.push_str(&format!("[component.{id}]\nsource = \"{}\"\n{grants}\n", guest(name)?.display()));
        Ok(self)
    }

    /// Adds lines to the manifest, `[variables]` for instance.
    pub fn lines(mut self, lines: &str) -> Self {
        self.manifest.push_str(lines);
        self.manifest.push('\n');
        self
    }

    /// Adds a flag.
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Adds a flag without a value.
    pub fn switch(mut self, name: &str) -> Self {
        self.arguments.push(name.to_owned());
        self
    }

    /// Sets a variable of the host's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives a runtime configuration file.
    pub fn runtime_config(mut self, text: &str) -> Self {
        self.runtime_config = Some(text.to_owned());
        self
    }

    /// Uses a state folder that outlives the application.
    pub fn state_dir(mut self, dir: &Path) -> Self {
        self.state_dir = Some(dir.to_owned());
        self
    }

    fn spawn(&self) -> anyhow::Result<(Child, tempfile::TempDir)> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("spin.toml"), &self.manifest)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
        command.args(["up", "--from", "spin.toml"]);
        if !self.arguments.iter().any(|argument| argument == "--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !self.arguments.iter().any(|argument| argument == "--cache-dir") {
            command.arg("--cache-dir").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests"));
        }
        if let Some(text) = &self.runtime_config {
            std::fs::write(dir.path().join("runtime-config.toml"), text)?;
            command.args(["--runtime-config-file", "runtime-config.toml"]);
        }
        if let Some(state) = &self.state_dir {
            command.arg("--state-dir").arg(state);
        }
        let errors = std::fs::File::create(dir.path().join("stderr"))?;
        let child = command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()?;
        Ok((child, dir))
    }

    /// Runs the host until it serves, or, if it has only Redis triggers, until its channels are active.
    pub fn start(self) -> anyhow::Result<Running> {
        let (mut child, dir) = self.spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut running = Running { child, dir, url: String::new() };
        let (lines, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    // Nobody listens any more; the pipe is read on so that the host never blocks on it.
                }
            }
        });
        let serves = self.manifest.contains("[[trigger.http]]");
        let mut waited_for = if serves { 1 } else { self.triggers };
        while let Ok(line) = heard.recv_timeout(LIMIT) {
            if let Some(url) = line.strip_prefix("Serving ") {
                running.url = url.to_owned();
            }
            if line.starts_with("Serving ") || (!serves && line.starts_with('\t')) {
                waited_for -= 1;
                if waited_for == 0 {
                    return Ok(running);
                }
            }
        }
        bail!("the host does not serve:\n{}", running.errors()?)
    }

    /// Runs the host, which must refuse to; what it says of it.
    pub fn refused(self) -> anyhow::Result<String> {
        let (mut child, dir) = self.spawn()?;
        let status = wait(&mut child)?;
        let errors = std::fs::read_to_string(dir.path().join("stderr"))?;
        ensure!(!status.success(), "the host ended well:\n{errors}");
        Ok(errors)
    }
}

/// A running host; killed when dropped.
pub struct Running {
    child: Child,
    dir: tempfile::TempDir,
    url: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl Running {
    /// GET without headers of one's own.
    pub fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.get_with(path, &[])
    }

    /// GET with headers.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.call()?)
    }

    /// POST.
    pub fn post(&self, path: &str, body: &[u8]) -> anyhow::Result<Answer> {
        read(agent().post(format!("{}{path}", self.url)).send(body)?)
    }

    /// Sends bytes and reads until the host closes the connection.
    pub fn raw(&self, bytes: &[u8]) -> anyhow::Result<String> {
        let mut stream = self.connect()?;
        stream.write_all(bytes)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// A connection of one's own.
    pub fn connect(&self) -> anyhow::Result<TcpStream> {
        let stream = TcpStream::connect(self.authority())?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(stream)
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The folder of manifest and state.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Everything on stderr so far.
    pub fn errors(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("stderr"))?)
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(status.success(), "kill failed");
        Ok(())
    }

    /// Waits for the end.
    pub fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        wait(&mut self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until `look` finds something.
pub fn eventually<A>(mut look: impl FnMut() -> anyhow::Result<Option<A>>) -> anyhow::Result<A> {
    for _ in 0..LIMIT.as_millis() / 20 {
        if let Some(found) = look()? {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("it did not happen in {} s", LIMIT.as_secs())
}

fn wait(child: &mut Child) -> anyhow::Result<ExitStatus> {
    let ended = eventually(|| Ok(child.try_wait()?));
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    ended
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(LIMIT))
        .max_idle_connections(0)
        .build()
        .into()
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> anyhow::Result<Answer> {
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_vec()?;
    Ok(Answer { status: response.status().as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() })
}
