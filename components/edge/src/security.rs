//! Headers that tell browsers to take an answer for nothing but what it is.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Whether the caller came over https, as far as the trusted proxies in front say.
pub(crate) fn is_secure(headers: &HeaderMap, trusted_hops: u8) -> bool {
    trusted_hops > 0
        && headers
            .get_all("x-forwarded-proto")
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.rsplit(',').next())
            .is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
}

/// Completes an answer; what a route has set itself stays.
pub(crate) fn finish(answer: &mut HeaderMap, secure: bool, authenticated: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        answer.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(header::REFERRER_POLICY, "no-referrer");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if authenticated {
        default(header::CACHE_CONTROL, "no-store");
    }
    if secure {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_believed_from_the_last_trusted_proxy_only() {
        let secure = |values: &[&'static str], hops| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-proto", HeaderValue::from_static(value));
            }
            is_secure(&headers, hops)
        };
        assert!(secure(&["https"], 1));
        assert!(!secure(&["https"], 0));
        assert!(!secure(&["https, http"], 1));
        assert!(!secure(&["https", "http"], 1));
        assert!(secure(&["http, https"], 1));
        assert!(!secure(&[], 1));
    }
}
