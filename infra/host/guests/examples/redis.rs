//! Uses every operation of the Redis import at the address in the header `x-address`; answers with the results.
#![cfg(target_family = "wasm")]

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service,
    redis::{Connection, Error, RedisParameter, RedisResult},
};

#[http_service]
async fn redis(request: Request) -> impl IntoResponse {
    let address =
        request.headers().get("x-address").and_then(|address| address.to_str().ok()).unwrap_or_default().to_owned();
    let connection = match Connection::open(&address).await {
        Ok(connection) => connection,
        Err(error) => return guests::text(StatusCode::FORBIDDEN, format!("{error:?}")),
    };
    match request.uri().path() {
        "/all" => guests::outcome(all(&connection).await),
        "/wrong-type" => guests::outcome(wrong_type(&connection).await),
        "/map" => guests::outcome(map(&connection).await),
        path => guests::text(StatusCode::NOT_FOUND, path),
    }
}

/// Every operation once, on keys of its own; the answers joined.
async fn all(connection: &Connection) -> Result<String, Error> {
    connection.del(["text", "number", "set"]).await?;
    let mut answers = Vec::new();
    answers.push(format!("{:?}", connection.get("text").await?));
    connection.set("text", b"value").await?;
    answers.push(String::from_utf8_lossy(&connection.get("text").await?.unwrap_or_default()).into_owned());
    connection.incr("number").await?;
    answers.push(connection.incr("number").await?.to_string());
    answers.push(connection.sadd("set", ["a", "b"]).await?.to_string());
    answers.push(connection.srem("set", ["b", "c"]).await?.to_string());
    answers.push(connection.smembers("set").await?.join(","));
    connection.publish("nobody", b"listens").await?;
    answers.push(connection.del(["text", "number", "set", "nothing"]).await?.to_string());
    let script = "return {1, 'two', {3, false}, redis.status_reply('four')}";
    let results = connection.execute("EVAL", [parameter(script), RedisParameter::Int64(0)]).await?;
    answers.extend(results.iter().map(shown));
    Ok(answers.join(" "))
}

async fn wrong_type(connection: &Connection) -> Result<u32, Error> {
    connection.set("text", b"value").await?;
    connection.sadd("text", ["a"]).await
}

async fn map(connection: &Connection) -> Result<usize, Error> {
    connection.execute("HELLO", [parameter("3")]).await.map(|results| results.len())
}

fn parameter(text: &str) -> RedisParameter {
    RedisParameter::Binary(text.as_bytes().to_vec())
}

fn shown(result: &RedisResult) -> String {
    match result {
        RedisResult::Nil => "nil".into(),
        RedisResult::Status(status) => format!("status:{status}"),
        RedisResult::Int64(number) => format!("int:{number}"),
        RedisResult::Binary(bytes) => format!("binary:{}", String::from_utf8_lossy(bytes)),
    }
}
