//! The line itself: written by hand into one string, because it is written for every request.

use crate::{Level, Value};
use ambient::Timestamp;
use core::fmt::{Display, Write};

/// What a secret is replaced by.
const REDACTED: &str = "[redacted]";
/// Parts of field names that promise a secret or a person's address.
const SECRET_PARTS: [&str; 13] = [
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "cookie",
    "credential",
    "signature",
    "api_key",
    "private",
    "email",
    "card",
    "phone",
];

/// Makes one line, ended by a newline.
///
/// **Shape** `{"time":"2026-01-01T00:00:00.000Z","level":"info","service":"payments","message":"answered","trace":
/// "0af7651916cd43dd8448eb211c80319c","status":201}`; the trace is left out where there is none.
pub fn line(
    at: Timestamp,
    level: Level,
    service: &str,
    message: &str,
    trace: &dyn Display,
    fields: &[(&str, Value<'_>)],
) -> String {
    let mut out = String::with_capacity(192 + 32 * fields.len());
    // Writing to a string cannot fail: the results are dropped on purpose.
    let _ = write!(out, "{{\"time\":\"{at}\",\"level\":\"{level}\",\"service\":");
    text(&mut out, service);
    out.push_str(",\"message\":");
    text(&mut out, message);
    let before = out.len();
    out.push_str(",\"trace\":\"");
    let start = out.len();
    let _ = write!(Escaped(&mut out), "{trace}");
    if out.len() == start {
        out.truncate(before);
    } else {
        out.push('"');
    }
    for (name, value) in fields {
        out.push(',');
        text(&mut out, name);
        out.push(':');
        field(&mut out, name, value);
    }
    out.push_str("}\n");
    out
}

/// Whether a field's name promises something that no log may hold.
fn is_secret(name: &str) -> bool {
    SECRET_PARTS
        .iter()
        .any(|part| name.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes())))
}

fn field(out: &mut String, name: &str, value: &Value<'_>) {
    let _ = match value {
        // A count of tokens is no token: only text is hidden.
        Value::Text(_) if is_secret(name) => return text(out, REDACTED),
        Value::Text(found) => return text(out, found),
        Value::Integer(number) => write!(out, "{number}"),
        Value::Unsigned(number) => write!(out, "{number}"),
        Value::Number(number) if number.is_finite() => write!(out, "{number}"),
        Value::Number(_) => out.write_str("null"),
        Value::Flag(flag) => write!(out, "{flag}"),
    };
}

fn text(out: &mut String, plain: &str) {
    out.push('"');
    let _ = Escaped(out).write_str(plain);
    out.push('"');
}

/// Escapes for JSON (RFC 8259, section 7) while writing.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, plain: &str) -> core::fmt::Result {
        for character in plain.chars() {
            match character {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                // The line and paragraph separators end a line for some readers of logs.
                '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    write!(self.0, "\\u{:04x}", u32::from(character))?;
                }
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(message: &str, trace: &str, fields: &[(&str, Value<'_>)]) -> String {
        line(Timestamp::from_unix_ms(1_767_225_600_000), Level::Info, "payments", message, &trace, fields)
    }

    #[test]
    fn a_line_is_one_json_object_with_its_trace() {
        assert_eq!(
            written(
                "answered",
                "0af7",
                &[("status", 201.into()), ("route", "/v1".into()), ("duration_ms", 1.5.into())]
            ),
            "{\"time\":\"2026-01-01T00:00:00.000Z\",\"level\":\"info\",\"service\":\"payments\",\"message\":\"answered\",\
             \"trace\":\"0af7\",\"status\":201,\"route\":\"/v1\",\"duration_ms\":1.5}\n"
        );
    }

    #[test]
    fn nobody_can_forge_a_second_line_or_a_second_member() {
        let hostile = "a\"}\n{\"level\":\"error\u{2028}\u{0}\\";
        let line = written(hostile, hostile, &[(hostile, hostile.into())]);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains("\"level\":\"error"));
        assert!(line.contains("a\\\"}\\n{\\\"level\\\":\\\"error\\u2028\\u0000\\\\"));
    }

    #[test]
    fn a_field_that_promises_a_secret_is_hidden() {
        for name in ["password", "refresh_token", "Authorization", "metrics_TOKEN", "email", "card_number"] {
            let line = written("m", "", &[(name, "hunter2".into())]);
            assert!(!line.contains("hunter2") && line.contains(REDACTED), "{line}");
        }
        assert!(written("m", "", &[("tokens", 3.into())]).contains("\"tokens\":3"));
        assert!(written("m", "", &[("route", "/v1/users".into())]).contains("/v1/users"));
    }

    #[test]
    fn what_is_missing_is_left_out_and_what_is_no_number_is_null() {
        let line = written("m", "", &[("ratio", f64::NAN.into()), ("whole", true.into())]);
        assert!(!line.contains("trace"));
        assert!(line.ends_with("\"ratio\":null,\"whole\":true}\n"));
    }
}
