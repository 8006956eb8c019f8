//! AWS's query protocol: form bodies in, XML out.

/// XML namespace and protocol version of a service.
pub(crate) fn namespace(service: &str) -> &'static str {
    if service == "iam" {
        "https://iam.amazonaws.com/doc/2010-05-08/"
    } else {
        "https://sts.amazonaws.com/doc/2011-06-15/"
    }
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// `<tag>text</tag>`, the text escaped.
pub(crate) fn text(tag: &str, text: &str) -> String {
    format!("<{tag}>{}</{tag}>", escape(text))
}

/// `<tag>` around elements.
pub(crate) fn element(tag: &str, inner: impl IntoIterator<Item = String>) -> String {
    let inner: String = inner.into_iter().collect();
    format!("<{tag}>{inner}</{tag}>")
}

/// The answer to `action`; no `result` where AWS sends none.
pub(crate) fn answer(service: &str, action: &str, result: Option<&str>, request_id: &str) -> String {
    let ns = namespace(service);
    let result = result.map(|r| format!("  <{action}Result>{r}</{action}Result>\n")).unwrap_or_default();
    format!(
        "<{action}Response xmlns=\"{ns}\">\n{result}  <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\n  \
         </ResponseMetadata>\n</{action}Response>\n"
    )
}

pub(crate) fn error(service: &str, kind: &str, code: &str, message: &str, request_id: &str) -> String {
    let ns = namespace(service);
    let message = escape(message);
    format!(
        "<ErrorResponse xmlns=\"{ns}\">\n  <Error>\n    <Type>{kind}</Type>\n    <Code>{code}</Code>\n    \
         <Message>{message}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n"
    )
}

/// Decodes `a=b&c=%20d`, in the order sent. `None` if an escape or the UTF-8 behind it is broken.
pub(crate) fn form(body: &str) -> Option<Vec<(String, String)>> {
    body.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent_decode(key, true)?, percent_decode(value, true)?))
        })
        .collect()
}

/// Decodes `%XX` and, in forms, `+`.
pub(crate) fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'%' => {
                let hex = std::str::from_utf8(bytes.get(i + 1..i + 3)?).ok()?;
                out.push(u8::from_str_radix(hex, 16).ok()?);
                i += 2;
            }
            b'+' if plus_is_space => out.push(b' '),
            b => out.push(b),
        }
        i += 1;
    }
    String::from_utf8(out).ok()
}

/// RFC 3986, as SigV4 wants it: everything but letters, digits and `-._~`.
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_decode_and_broken_escapes_are_refused() {
        assert_eq!(
            form("a=1+2&b=%C3%A9&c").unwrap(),
            [("a".to_owned(), "1 2".to_owned()), ("b".into(), "é".into()), ("c".into(), String::new())]
        );
        assert_eq!(form("a=%4"), None);
        assert_eq!(form("a=%ff"), None);
        assert_eq!(percent_encode("a b/é~"), "a%20b%2F%C3%A9~");
    }

    #[test]
    fn text_from_a_request_cannot_open_an_element() {
        assert_eq!(text("Arn", "<b>&\""), "<Arn>&lt;b&gt;&amp;&quot;</Arn>");
    }
}
