//! The packing of a script's answer: one string of fields, each as `<length>:<bytes>`, because stock Spin flattens
//! nested replies and every element crosses the component boundary on its own.

use redis_client::Reply;

/// The fields of a packed answer; `None` where it is not one.
pub(crate) fn fields(replies: &[Reply]) -> Option<Vec<&str>> {
    let mut rest = match replies {
        [Reply::Bytes(bytes)] => core::str::from_utf8(bytes).ok()?,
        [Reply::Status(text)] => text.as_str(),
        _ => return None,
    };
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_once(':')?;
        let (field, tail) = tail.split_at_checked(length.parse().ok()?)?;
        fields.push(field);
        rest = tail;
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_hold_anything_and_garbage_is_refused() {
        let packed = |text: &str| [Reply::Bytes(text.as_bytes().to_vec())];
        assert_eq!(fields(&packed("3:a:b0:2:ü")), Some(vec!["a:b", "", "ü"]));
        assert_eq!(fields(&packed("")), Some(vec![]));
        for garbage in ["x", "4:abc", "-1:a", "1:ü"] {
            assert_eq!(fields(&packed(garbage)), None, "{garbage}");
        }
        assert_eq!(fields(&[Reply::Nil]), None);
    }
}
