//! The front desk alone in the host, granted what the manifest grants it, with a real Redis and no other service.

use anyhow::{Context as _, bail, ensure};
use std::io::{BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;
use support::{RedisServer, free_port};
use tests::{Application, Plan, Workplace};
use toml::{Table, Value};

type Outcome = anyhow::Result<()>;

/// How often a test looks before it gives up, a glance apart.
const MOST_LOOKS: u32 = 6_000;
const GLANCE: Duration = Duration::from_millis(20);

/// One front desk and its Redis; both end when it is dropped.
struct FrontDesk {
    _host: Application,
    port: u16,
    _redis: RedisServer,
}

impl FrontDesk {
    fn start() -> anyhow::Result<Self> {
        let rules = Workplace::root().join("infra/redis/users.acl").canonicalize()?;
        let redis = RedisServer::start_with(&["--aclfile", &rules.to_string_lossy()])?;
        let port = free_port()?;
        let nobody = format!("http://127.0.0.1:{}", free_port()?);
        let redis_host = format!("127.0.0.1:{}", redis.port());
        let (redis_address, login) =
            (format!("redis://{redis_host}"), format!("redis://gateway:gateway-development@{redis_host}"));
        let variables: [(&str, &str); 11] = [
            ("redis_address", &redis_address),
            ("gateway_redis_url", &login),
            ("service_token_key", "a key of at least 32 bytes, for this test"),
            ("metrics_token", "a metrics token"),
            ("cors_origins", "https://app.example"),
            ("users_url", &nobody),
            ("payments_url", &nobody),
            ("notifications_url", &nobody),
            ("queries_url", &nobody),
            ("webhooks_url", &nobody),
            ("operations_url", &nobody),
        ];
        let host = Application::start(&Plan {
            port,
            manifest: &toml::to_string(&manifest_of_the_front_desk()?)?,
            runtime_config: "",
            variables: &variables,
            compiled: Path::new(env!("CARGO_TARGET_TMPDIR")),
        })?;
        Ok(Self { _host: host, port, _redis: redis })
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(stream)
    }

    /// One request on a connection of its own.
    fn get(&self, path: &str, headers: &str) -> anyhow::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"))
    }

    fn send(&self, request: &str) -> anyhow::Result<Answer> {
        let mut stream = self.connect()?;
        stream.write_all(request.as_bytes())?;
        Answer::read(&mut BufReader::new(stream))
    }
}

/// The manifest cut down to the front desk; its grants are the manifest's own.
fn manifest_of_the_front_desk() -> anyhow::Result<Table> {
    let mut manifest: Table = std::fs::read_to_string(Workplace::root().join("spin.toml"))?.parse()?;
    let source = Workplace::components()?.join("gateway.wasm").canonicalize()?;
    let components = manifest.get_mut("component").and_then(Value::as_table_mut).context("no components")?;
    components.retain(|name, _| name == "gateway");
    let gateway = components.get_mut("gateway").and_then(Value::as_table_mut).context("no gateway")?;
    gateway.insert("source".to_owned(), source.to_string_lossy().into_owned().into());
    gateway.remove("build");
    let granted: Vec<String> = gateway
        .get("variables")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(|variables| variables.values().map(ToString::to_string))
        .collect();
    // A required variable that nobody asks for would have to be set all the same.
    let granted = granted.join(" ") + " redis_address";
    let variables = manifest.get_mut("variables").and_then(Value::as_table_mut).context("no variables")?;
    variables.retain(|name, _| granted.contains(name));
    let triggers = manifest.get_mut("trigger").and_then(Value::as_table_mut).context("no triggers")?;
    triggers.retain(|kind, _| kind == "http");
    if let Some(Value::Array(routes)) = triggers.get_mut("http") {
        routes.retain(|route| route.get("component").and_then(Value::as_str) == Some("gateway"));
    }
    Ok(manifest)
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn read(from: &mut impl std::io::BufRead) -> anyhow::Result<Self> {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let status = line.split(' ').nth(1).with_context(|| format!("no status in {line:?}"))?.parse()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Self { status, headers, body: String::new() };
        let length = answer.header("content-length").parse().context("no content-length")?;
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        answer.body = String::from_utf8(body)?;
        Ok(answer)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

const OPEN: &str = "authorization: Bearer a metrics token\r\n";

#[test]
fn a_whole_answer_leaves_in_one_piece_also_after_a_call_to_the_host() -> Outcome {
    let desk = FrontDesk::start()?;
    let mut stream = desk.connect()?;
    let mut buffer = vec![0; 256 * 1024];
    // The last three wait for other hosts before they answer.
    for path in ["/", "/livez", "/problems", "/nothing", "/problems/none", "/metrics", "/readyz"] {
        for _ in 0..20 {
            write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n{OPEN}\r\n")?;
            let first = stream.read(&mut buffer)?;
            let piece = buffer.get(..first).unwrap_or_default();
            // Reads past the end of the piece fail: then the answer came in more than one.
            let answer = Answer::read(&mut BufReader::new(piece)).with_context(|| format!("{path} came in pieces"))?;
            ensure!(!answer.body.is_empty(), "{path}: {}", answer.status);
        }
    }
    Ok(())
}

#[test]
fn requests_are_counted_over_all_instances() -> Outcome {
    let desk = FrontDesk::start()?;
    // More than one instance serves in its life.
    for _ in 0..300 {
        ensure!(desk.get("/livez", "")?.status == 200);
    }
    let counted = r#"spindrift_http_requests_total{service="gateway",method="GET",route="/livez",status="200"} 300"#;
    let mut last = String::new();
    for _ in 0..MOST_LOOKS / 20 {
        let metrics = desk.get("/metrics", OPEN)?;
        ensure!(metrics.status == 200, "{}", metrics.body);
        if metrics.body.lines().any(|line| line == counted) {
            return Ok(());
        }
        last = metrics.body;
        std::thread::sleep(GLANCE);
    }
    bail!("300 requests were not counted:\n{last}")
}

#[test]
fn without_its_services_it_is_alive_and_not_ready() -> Outcome {
    let desk = FrontDesk::start()?;
    ensure!(desk.get("/livez", "")?.status == 200);
    let ready = desk.get("/readyz", "")?;
    ensure!(ready.status == 503 && ready.header("retry-after") == "1", "{}", ready.body);
    let problem: serde_json::Value = serde_json::from_str(&ready.body)?;
    for place in 0..4 {
        let status = problem.pointer(&format!("/dependencies/{place}/status")).and_then(serde_json::Value::as_str);
        ensure!(status == Some("unreachable"), "{}", ready.body);
    }
    ensure!(desk.get("/metrics", "")?.status == 401);
    Ok(())
}

#[test]
fn hostile_requests_are_answered_with_problems_and_harm_nobody() -> Outcome {
    let desk = FrontDesk::start()?;
    let long = "x".repeat(8 * 1024);
    for request in [
        "GET /%zz HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        "GET /problems/%ff HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        "GET /../../etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        "BREW / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        "GET /livez HTTP/1.1\r\nhost: a\r\nx-request-timeout: never\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1048577\r\ncontent-type: application/json\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi".to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\nidempotency-key: \u{1}\r\n\r\n".replace('\u{1}', "two words"),
        format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("GET /metrics HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {long}\r\n\r\n"),
    ] {
        let shown: String = request.chars().take(60).collect();
        let mut answer = desk.send(&request).with_context(|| shown.clone())?;
        // Where Redis is slow, on a machine that is busy, requests are shed before they are looked at.
        for _ in 0..MOST_LOOKS / 60 {
            if answer.status != 503 {
                break;
            }
            std::thread::sleep(GLANCE);
            answer = desk.send(&request).with_context(|| shown.clone())?;
        }
        ensure!((400..500).contains(&answer.status), "{shown}: {}", answer.status);
        ensure!(answer.header("content-type") == "application/problem+json", "{shown}: {}", answer.body);
        ensure!(answer.header("x-request-id").len() == 32, "{shown}");
    }
    ensure!(desk.get("/livez", "traceparent: nonsense\r\norigin: null\r\n")?.status == 200);
    Ok(())
}
