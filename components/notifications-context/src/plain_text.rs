//! The plain text of a letter that is written as HTML.
//!
//! For our own templates, not for anybody's pages: paragraphs, line breaks, lists and links. Values were escaped when they
//! were filled in, so that no bracket of theirs is taken for a tag, and each comes out as it went in.

/// The text that a reader of plain letters sees.
pub fn plain_text(html: &str) -> String {
    let mut text = Writer::default();
    let mut link = None;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        text.words(&decoded(before));
        let end = tag.find('>').unwrap_or(tag.len());
        let name = tag.get(1..end).unwrap_or_default();
        match name.split(|c: char| c.is_whitespace()).next().unwrap_or_default() {
            "p" | "/p" | "ul" | "/ul" | "h1" | "/h1" => text.gap(2),
            "br" | "/li" => text.gap(1),
            "li" => {
                text.gap(1);
                text.words("- ");
            }
            "a" => link = attribute(name, "href").map(decoded),
            "/a" => {
                if let Some(address) = link.take() {
                    text.words(&format!(" ({address})"));
                }
            }
            _ => {}
        }
        rest = tag.get(end.saturating_add(1)..).unwrap_or_default();
    }
    text.words(&decoded(rest));
    text.finish()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

/// Puts words together: any space between them is one blank, gaps are line breaks, none at the ends.
#[derive(Default)]
struct Writer {
    out: String,
    gap: usize,
    blank: bool,
}

impl Writer {
    fn words(&mut self, text: &str) {
        for symbol in text.chars() {
            if symbol.is_whitespace() || symbol.is_control() {
                self.blank = true;
                continue;
            }
            if self.gap > 0 {
                if !self.out.is_empty() {
                    self.out.extend(core::iter::repeat_n('\n', self.gap));
                }
            } else if self.blank && !self.out.is_empty() {
                self.out.push(' ');
            }
            (self.gap, self.blank) = (0, false);
            self.out.push(symbol);
        }
    }

    fn gap(&mut self, lines: usize) {
        (self.gap, self.blank) = (self.gap.max(lines), false);
    }

    fn finish(self) -> String {
        self.out
    }
}

/// The characters that stand escaped in a text; anything else that begins like that stays as it is.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        out.push_str(before);
        let known = ENTITIES.iter().find(|(name, _)| entity.starts_with(name));
        let (symbol, length) = known.map_or(("&", 1), |(name, symbol)| (*symbol, name.len()));
        out.push_str(symbol);
        rest = entity.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What the templates' escaping makes, and what their authors write.
const ENTITIES: [(&str, &str); 8] = [
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#x27;", "'"),
    ("&#x2f;", "/"),
    ("&#39;", "'"),
    ("&nbsp;", " "),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paragraphs_breaks_lists_and_links_become_lines() {
        let html = "<p>Hello  <strong>Ada</strong>,</p>\n<ul>\n<li>one</li>\n<li>two &amp; three</li>\n</ul>\n<p>Date: 1<br>\nTime: 2 <a href=\"https:&#x2f;&#x2f;x.example\">look</a></p>\n";
        assert_eq!(plain_text(html), "Hello Ada,\n\n- one\n- two & three\n\nDate: 1\nTime: 2 look (https://x.example)");
        assert_eq!(plain_text(""), "");
        assert_eq!(plain_text("a < b"), "a", "what is no tag of ours is none of the reader's business");
    }

    #[test]
    fn what_was_escaped_is_decoded_once() {
        assert_eq!(plain_text("<p>&amp;lt;b&amp;gt; & &copy;</p>"), "&lt;b&gt; & &copy;");
    }

    proptest! {
        #[test]
        fn nothing_panics(html in ".{0,200}") {
            plain_text(&html);
        }
    }
}
