//! Foreign XML as a small tree, safe to build from anything: no DTD, no entities, bounds everywhere.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// Elements within elements at most; a signed alert needs nine.
pub const DEPTH_MAX: usize = 32;
/// Elements of one document at most.
pub const ELEMENTS_MAX: usize = 200_000;

/// Why bytes are not XML we take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Larger than the caller's bound.
    #[error("{bytes} bytes are more than the {max} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// An encoding we do not read.
    #[error("encoding {0:?} is not read: send UTF-8 or ISO-8859-1")]
    Encoding(String),
    /// Bytes that are not the encoding they say.
    #[error("byte {0} is not UTF-8")]
    NotUtf8(usize),
    /// A document type can define entities that expand or fetch: refused, never read.
    #[error("a document type declaration (<!DOCTYPE) is refused: send plain XML")]
    Dtd,
    /// An entity beyond the five of XML and character numbers.
    #[error("entity &{0}; is not defined: write the character itself")]
    Entity(String),
    /// Too deep.
    #[error("elements are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// Too many.
    #[error("more than {ELEMENTS_MAX} elements")]
    TooMany,
    /// Not well-formed.
    #[error("not well-formed at byte {at}: {why}")]
    Malformed {
        /// Where.
        at: u64,
        /// What the parser says.
        why: String,
    },
    /// Nothing there.
    #[error("there is no element")]
    Empty,
}

/// Which vocabulary an element belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// CAP 1.0, 1.1 or 1.2.
    Cap,
    /// Atom (RFC 4287).
    Atom,
    /// Anything else, signatures included.
    Other,
}

/// An element with its text and children.
#[derive(Clone, Debug)]
pub struct Element {
    /// Vocabulary.
    pub vocabulary: Vocabulary,
    /// Name without prefix.
    pub name: String,
    /// Attributes without prefix.
    pub attributes: Vec<(String, String)>,
    /// Text of its own, references resolved.
    pub text: String,
    /// Children in order.
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of that name in the same vocabulary.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children
            .iter()
            .find(|c| c.name == name && c.vocabulary == self.vocabulary)
    }

    /// Every child of that name in the same vocabulary.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        let vocabulary = self.vocabulary;
        self.children
            .iter()
            .filter(move |c| c.name == name && c.vocabulary == vocabulary)
    }

    /// The trimmed text of the first child of that name; empty where there is none.
    pub fn value(&self, name: &str) -> &str {
        self.child(name).map_or("", |c| c.text.trim())
    }

    /// An attribute's value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads a document of at most `max` bytes.
///
/// # Errors
/// See [`TreeError`]; nothing is fetched, nothing expands.
pub fn parse(bytes: &[u8], max: usize) -> Result<Element, TreeError> {
    if bytes.len() > max {
        return Err(TreeError::TooLarge {
            bytes: bytes.len(),
            max,
        });
    }
    let text = decode(bytes)?;
    let mut reader = NsReader::from_str(&text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        let event = reader.read_event().map_err(|error| TreeError::Malformed {
            at: reader.error_position(),
            why: error.to_string(),
        })?;
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                count += 1;
                if count > ELEMENTS_MAX {
                    return Err(TreeError::TooMany);
                }
                if open.len() >= DEPTH_MAX {
                    return Err(TreeError::TooDeep);
                }
                let element = element(&reader, start)?;
                if matches!(event, Event::Start(_)) {
                    open.push(element);
                } else {
                    place(&mut open, &mut root, element);
                }
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    place(&mut open, &mut root, element);
                }
            }
            Event::Text(part) => add(&mut open, &part.xml10_content()),
            Event::CData(part) => add(&mut open, &part.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content().into_owned();
                let undefined = || TreeError::Entity(name.chars().take(40).collect());
                match reference.resolve_char_ref() {
                    Ok(Some(c)) => add(&mut open, c.encode_utf8(&mut [0; 4])),
                    Ok(None) => add(&mut open, resolve_xml_entity(&name).ok_or_else(undefined)?),
                    Err(_) => return Err(undefined()),
                }
            }
            Event::DocType(_) => return Err(TreeError::Dtd),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        Some(_) | None if !open.is_empty() => Err(TreeError::Malformed {
            at: bytes.len() as u64,
            why: "it ends inside an element".into(),
        }),
        Some(_) | None => Err(TreeError::Empty),
    }
}

fn place(open: &mut [Element], root: &mut Option<Element>, element: Element) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => {}
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, TreeError> {
    let malformed = |why: String| TreeError::Malformed {
        at: reader.buffer_position(),
        why,
    };
    let (namespace, local) = reader.resolver().resolve_element(start.name());
    let vocabulary = match namespace {
        ResolveResult::Bound(namespace) => vocabulary(namespace.0),
        // Some senders forget the namespace; the names say what is meant.
        ResolveResult::Unbound => Vocabulary::Cap,
        ResolveResult::Unknown(_) => Vocabulary::Other,
    };
    let name = local.as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| malformed(e.to_string()))?;
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_err(|e| malformed(e.to_string()))?;
        attributes.push((
            attribute.key.local_name().as_ref().to_owned(),
            value.into_owned(),
        ));
    }
    Ok(Element {
        vocabulary,
        name,
        attributes,
        text: String::new(),
        children: Vec::new(),
    })
}

fn vocabulary(namespace: &str) -> Vocabulary {
    match namespace.trim() {
        "urn:oasis:names:tc:emergency:cap:1.2"
        | "urn:oasis:names:tc:emergency:cap:1.1"
        | "http://www.incident.com/cap/1.0" => Vocabulary::Cap,
        "http://www.w3.org/2005/Atom" => Vocabulary::Atom,
        _ => Vocabulary::Other,
    }
}

/// UTF-8, or what the declaration says where that is ISO-8859-1.
pub(super) fn decode(bytes: &[u8]) -> Result<String, TreeError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.starts_with(b"\xFE\xFF") || bytes.starts_with(b"\xFF\xFE") {
        return Err(TreeError::Encoding("UTF-16".into()));
    }
    let named = declared(bytes);
    match named.to_ascii_lowercase().as_str() {
        "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|error| TreeError::NotUtf8(error.valid_up_to())),
        // Each byte is the code point of the same number.
        "iso-8859-1" | "iso8859-1" | "latin1" => {
            Ok(bytes.iter().copied().map(char::from).collect())
        }
        _ => Err(TreeError::Encoding(named)),
    }
}

/// The encoding of `<?xml … encoding="…"?>`, as written; empty where none is named.
fn declared(bytes: &[u8]) -> String {
    let head: String = bytes.iter().take(200).copied().map(char::from).collect();
    let inside = head
        .trim_start()
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split("?>").next())
        .unwrap_or("");
    inside
        .split_once("encoding")
        .and_then(|(_, rest)| rest.trim_start().strip_prefix('='))
        .map(str::trim_start)
        .and_then(|rest| {
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            rest.get(1..)?.split(quote).next()
        })
        .unwrap_or("")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 1 << 20;

    #[test]
    fn entity_expansion_is_refused_before_it_starts() {
        let bomb = br#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>"#;
        assert_eq!(parse(bomb, MAX).unwrap_err(), TreeError::Dtd);
        let error = parse(b"<x>&xxe;</x>", MAX).unwrap_err();
        assert_eq!(error, TreeError::Entity("xxe".into()));
    }

    #[test]
    fn bounds_hold() {
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        assert_eq!(parse(deep.as_bytes(), MAX).unwrap_err(), TreeError::TooDeep);
        let wide = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
        assert_eq!(parse(wide.as_bytes(), MAX).unwrap_err(), TreeError::TooMany);
        assert!(matches!(
            parse(b"<a/>", 3).unwrap_err(),
            TreeError::TooLarge { bytes: 4, max: 3 }
        ));
    }

    #[test]
    fn encodings() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>caf\xe9</a>";
        assert_eq!(parse(latin, MAX).unwrap().text, "café");
        let gbk = b"<?xml version=\"1.0\" encoding=\"GB2312\"?><a/>";
        assert_eq!(
            parse(gbk, MAX).unwrap_err(),
            TreeError::Encoding("GB2312".into())
        );
        assert!(matches!(
            parse(b"<a>\xff</a>", MAX).unwrap_err(),
            TreeError::NotUtf8(3)
        ));
        assert_eq!(
            parse("\u{feff}<a>暴雨 &lt;&#x4e2d;</a>".as_bytes(), MAX)
                .unwrap()
                .text,
            "暴雨 <中"
        );
    }

    #[test]
    fn half_a_document_is_an_error() {
        for text in ["", "<a>", "<a><b></a>", "<a", "text", "<a></a></b>"] {
            assert!(parse(text.as_bytes(), MAX).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, MAX);
        }

        #[test]
        fn never_panics_on_markup(text in r#"(<|>|/|a|&|;|#|x|!|\[|\]|-|"|=| |\?|CDATA|DOCTYPE|xmlns){0,60}"#) {
            let _ = parse(text.as_bytes(), MAX);
        }
    }
}
