//! XML as canonical bytes, which signatures are made over: Canonical XML 1.0 and Exclusive XML
//! Canonicalization 1.0 (both W3C), without comments.
//!
//! A whole document, or one element out of it. What `xml:` attributes an element would inherit in the
//! inclusive form is left out: such a signature is refused rather than believed.

use super::tree::{DEPTH_MAX, ELEMENTS_MAX, TreeError, decode};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use std::collections::{BTreeMap, BTreeSet};

/// The namespace of the prefix `xml`, which nobody declares.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Which namespaces an element carries along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// All that hold there.
    Inclusive,
    /// Those that it uses.
    Exclusive,
}

/// A document with everything that a signature is about.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    before: Vec<String>,
    /// The root.
    pub(super) root: Element,
    after: Vec<String>,
}

/// An element as it was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    name: Name,
    /// Declarations by prefix; the empty one is the default.
    declared: BTreeMap<String, String>,
    attributes: Vec<(Name, String)>,
    /// What is in it, in order.
    pub(super) children: Vec<Node>,
}

/// What is in an element.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// An element.
    Element(Element),
    /// Text with its references resolved.
    Text(String),
    /// A processing instruction as it is written.
    Instruction(String),
}

#[derive(Clone, Debug, Default)]
struct Name {
    prefix: String,
    local: String,
    namespace: String,
}

/// Prefixes and what they stand for.
type Scope = BTreeMap<String, String>;

impl Name {
    fn qualified(&self) -> String {
        match self.prefix.as_str() {
            "" => self.local.clone(),
            prefix => format!("{prefix}:{}", self.local),
        }
    }
}

impl Element {
    /// True where it is `local` of `namespace`.
    pub(super) fn is(&self, namespace: &str, local: &str) -> bool {
        self.name.namespace == namespace && self.name.local == local
    }

    /// Child elements.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Instruction(_) => None,
        })
    }

    /// The only child `local` of `namespace`; nothing where there is none, or more.
    pub(super) fn only(&self, namespace: &str, local: &str) -> Option<&Self> {
        let mut found = self.elements().filter(|child| child.is(namespace, local));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    /// The value of an attribute without a prefix.
    pub(super) fn attribute(&self, local: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(name, _)| name.prefix.is_empty() && name.local == local);
        found.map(|(_, value)| value.as_str())
    }

    /// All of its own text.
    pub(super) fn text(&self) -> String {
        let text = self.children.iter().map(|child| match child {
            Node::Text(text) => text.as_str(),
            Node::Element(_) | Node::Instruction(_) => "",
        });
        text.collect()
    }
}

impl Tree {
    /// Reads a document of at most `max` bytes.
    ///
    /// # Errors
    /// As of [`super::tree::parse`].
    pub(super) fn read(bytes: &[u8], max: usize) -> Result<Self, TreeError> {
        if bytes.len() > max {
            let bytes = bytes.len();
            return Err(TreeError::TooLarge { bytes, max });
        }
        let text = decode(bytes)?;
        Reading::default().read(&text)
    }

    /// The document without the `left_out`-th child of its root.
    pub(super) fn canonical(&self, method: Method, left_out: Option<usize>) -> String {
        let mut out = String::new();
        for instruction in &self.before {
            out.push_str(instruction);
            out.push('\n');
        }
        let nothing = Scope::new();
        write(&self.root, left_out, (&nothing, &nothing), method, &mut out);
        for instruction in &self.after {
            out.push('\n');
            out.push_str(instruction);
        }
        out
    }

    /// The element that `path` leads to from the root, by itself: each step is a child.
    pub(super) fn canonical_at(&self, path: &[&Element], method: Method) -> String {
        let mut scope = Scope::new();
        let mut out = String::new();
        if let Some((element, above)) = path.split_last() {
            for element in above {
                scope.extend(element.declared.clone());
            }
            write(element, None, (&scope, &Scope::new()), method, &mut out);
        }
        out
    }
}

/// Writes an element: `scope` is what holds around it, `rendered` what is said around it.
fn write(
    element: &Element,
    left_out: Option<usize>,
    (scope, rendered): (&Scope, &Scope),
    method: Method,
    out: &mut String,
) {
    let mut scope = scope.clone();
    scope.extend(element.declared.clone());
    let mut rendered = rendered.clone();
    let used: BTreeSet<&str> = match method {
        Method::Inclusive => scope.keys().map(String::as_str).chain([""]).collect(),
        Method::Exclusive => {
            let names = element
                .attributes
                .iter()
                .map(|(name, _)| name.prefix.as_str());
            let names = names.filter(|prefix| !prefix.is_empty());
            names.chain([element.name.prefix.as_str()]).collect()
        }
    };
    let name = element.name.qualified();
    out.push('<');
    out.push_str(&name);
    for prefix in used.into_iter().filter(|prefix| *prefix != "xml") {
        let value = scope.get(prefix).map(String::as_str).unwrap_or_default();
        if rendered.get(prefix).map(String::as_str).unwrap_or_default() == value {
            continue;
        }
        out.push_str(if prefix.is_empty() {
            " xmlns"
        } else {
            " xmlns:"
        });
        out.push_str(prefix);
        attribute_value(value, out);
        rendered.insert(prefix.to_owned(), value.to_owned());
    }
    let mut attributes: Vec<_> = element.attributes.iter().collect();
    attributes.sort_by(|(a, _), (b, _)| (&a.namespace, &a.local).cmp(&(&b.namespace, &b.local)));
    for (name, value) in attributes {
        out.push(' ');
        out.push_str(&name.qualified());
        attribute_value(value, out);
    }
    out.push('>');
    for (place, child) in element.children.iter().enumerate() {
        match child {
            _ if left_out == Some(place) => {}
            Node::Element(child) => write(child, None, (&scope, &rendered), method, out),
            Node::Text(text) => escaped(text, out),
            Node::Instruction(instruction) => out.push_str(instruction),
        }
    }
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
}

fn attribute_value(value: &str, out: &mut String) {
    out.push_str("=\"");
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

/// A document while it is read.
#[derive(Default)]
struct Reading {
    /// Elements that are not closed, each with what holds in it.
    open: Vec<(Element, Scope)>,
    before: Vec<String>,
    root: Option<Element>,
    after: Vec<String>,
}

impl Reading {
    fn read(mut self, text: &str) -> Result<Tree, TreeError> {
        let mut reader = Reader::from_str(text);
        let mut count = 0;
        loop {
            let at = reader.buffer_position();
            let malformed = |why: String| TreeError::Malformed { at, why };
            let event = reader.read_event();
            match event.map_err(|error| malformed(error.to_string()))? {
                Event::Start(start) => {
                    count += 1;
                    self.begin(&start, count).map_err(malformed_or(at))?;
                }
                Event::Empty(start) => {
                    count += 1;
                    self.begin(&start, count).map_err(malformed_or(at))?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(part) => self.text(&part.xml10_content()),
                Event::CData(part) => self.text(&part.xml10_content()),
                Event::GeneralRef(reference) => {
                    let name = reference.xml10_content().into_owned();
                    let undefined = || TreeError::Entity(name.chars().take(40).collect());
                    match reference.resolve_char_ref() {
                        Ok(Some(c)) => self.text(c.encode_utf8(&mut [0; 4])),
                        Ok(None) => self.text(resolve_xml_entity(&name).ok_or_else(undefined)?),
                        Err(_) => return Err(undefined()),
                    }
                }
                Event::PI(part) => {
                    let content = part.content().trim_start();
                    let gap = if content.is_empty() { "" } else { " " };
                    self.instruction(format!("<?{}{gap}{content}?>", part.target()));
                }
                Event::DocType(_) => return Err(TreeError::Dtd),
                Event::Comment(_) | Event::Decl(_) => {}
                Event::Eof => break,
            }
        }
        match self.root {
            Some(root) if self.open.is_empty() => Ok(Tree {
                before: self.before,
                root,
                after: self.after,
            }),
            Some(_) | None => Err(TreeError::Empty),
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>, count: usize) -> Result<(), Wrong> {
        if count > ELEMENTS_MAX {
            return Err(Wrong::Tree(TreeError::TooMany));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Wrong::Tree(TreeError::TooDeep));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(Wrong::Words("a second root".into()));
        }
        let mut scope = self
            .open
            .last()
            .map(|(_, scope)| scope.clone())
            .unwrap_or_default();
        let mut element = Element::default();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| Wrong::Words(error.to_string()))?;
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            let value = value
                .map_err(|error| Wrong::Words(error.to_string()))?
                .into_owned();
            let key: &str = attribute.key.as_ref();
            let declares = match key.strip_prefix("xmlns") {
                Some("") => Some(""),
                Some(rest) => rest.strip_prefix(':'),
                None => None,
            };
            match declares {
                Some(prefix) => {
                    scope.insert(prefix.to_owned(), value.clone());
                    element.declared.insert(prefix.to_owned(), value);
                }
                None => attributes.push((key.to_owned(), value)),
            }
        }
        let name: &str = start.name().0;
        element.name = named(name, &scope, true)?;
        for (key, value) in attributes {
            element
                .attributes
                .push((named(&key, &scope, false)?, value));
        }
        self.open.push((element, scope));
        Ok(())
    }

    fn end(&mut self) {
        let Some((element, _)) = self.open.pop() else {
            return;
        };
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    /// Text outside of the root is nothing but white space.
    fn text(&mut self, text: &str) {
        let Some((element, _)) = self.open.last_mut() else {
            return;
        };
        match element.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            Some(Node::Element(_) | Node::Instruction(_)) | None => {
                element.children.push(Node::Text(text.to_owned()));
            }
        }
    }

    fn instruction(&mut self, instruction: String) {
        match (self.open.last_mut(), &self.root) {
            (Some((element, _)), _) => element.children.push(Node::Instruction(instruction)),
            (None, None) => self.before.push(instruction),
            (None, Some(_)) => self.after.push(instruction),
        }
    }
}

/// What is wrong with an element, before it is said where.
enum Wrong {
    Tree(TreeError),
    Words(String),
}

fn malformed_or(at: u64) -> impl Fn(Wrong) -> TreeError {
    move |wrong| match wrong {
        Wrong::Tree(error) => error,
        Wrong::Words(why) => TreeError::Malformed { at, why },
    }
}

/// A name and the namespace of its prefix; an attribute without one has none.
fn named(name: &str, scope: &Scope, is_element: bool) -> Result<Name, Wrong> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let namespace = match prefix {
        "" if !is_element => String::new(),
        "" => scope.get("").cloned().unwrap_or_default(),
        "xml" => XML.to_owned(),
        _ => {
            let unknown = || Wrong::Words(format!("the prefix {prefix} is not declared"));
            scope.get(prefix).cloned().ok_or_else(unknown)?
        }
    };
    Ok(Name {
        prefix: prefix.to_owned(),
        local: local.to_owned(),
        namespace,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 1 << 20;

    fn canonical(text: &str, method: Method) -> String {
        Tree::read(text.as_bytes(), MAX)
            .unwrap()
            .canonical(method, None)
    }

    #[test]
    fn the_examples_of_the_recommendation() {
        // Canonical XML 1.0 §3.1, §3.3 and §3.4, without their document types.
        let pi = "<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n\
                  <doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n";
        let wanted = "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\
                      <doc>Hello, world!</doc>\n<?pi-without-data?>";
        assert_eq!(canonical(pi, Method::Inclusive), wanted);
        let tags = "<doc>\n  <e1   />\n  <e3   name = \"elem3\"   id=\"elem3\"   />\n  \
                    <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n  \
                    xmlns:b=\"http://www.ietf.org\"\n  xmlns:a=\"http://www.w3.org\"\n  \
                    xmlns=\"http://example.org\"/>\n  <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n    \
                    <e7 xmlns=\"http://www.ietf.org\">\n      <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\"/>\n    \
                    </e7>\n  </e6>\n</doc>";
        let wanted = "<doc>\n  <e1></e1>\n  <e3 id=\"elem3\" name=\"elem3\"></e3>\n  \
                      <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" \
                      attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n  \
                      <e6 xmlns:a=\"http://www.w3.org\">\n    <e7 xmlns=\"http://www.ietf.org\">\n      \
                      <e8 xmlns=\"\"></e8>\n    </e7>\n  </e6>\n</doc>";
        assert_eq!(canonical(tags, Method::Inclusive), wanted);
        let references = "<doc>\r\n   <text>First line&#x0d;&#10;Second line</text>\n   \
                          <value>&#x32;</value>\n   <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n   \
                          <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>\n</doc>";
        let wanted = "<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   \
                      <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\n   \
                      <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm>\n</doc>";
        assert_eq!(canonical(references, Method::Inclusive), wanted);
    }

    #[test]
    fn the_exclusive_form_carries_what_it_uses() {
        // Exclusive XML Canonicalization 1.0 §2.2.
        let text = "<n0:local xmlns:n0=\"foo:bar\" xmlns:n3=\"ftp://example.org\">\
                    <n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\">\
                    <n3:stuff xmlns:n3=\"ftp://example.org\"/></n1:elem2></n0:local>";
        let tree = Tree::read(text.as_bytes(), MAX).unwrap();
        let inner = tree.root.elements().next().unwrap();
        assert_eq!(
            tree.canonical_at(&[&tree.root, inner], Method::Exclusive),
            "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\">\
             <n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>"
        );
        assert_eq!(
            tree.canonical_at(&[&tree.root, inner], Method::Inclusive),
            "<n1:elem2 xmlns:n0=\"foo:bar\" xmlns:n1=\"http://example.net\" xmlns:n3=\"ftp://example.org\" \
             xml:lang=\"en\"><n3:stuff></n3:stuff></n1:elem2>"
        );
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in [
            "",
            "<a>",
            "<a/><b/>",
            "<a:b/>",
            "<a b:c='1'/>",
            "<!DOCTYPE a><a/>",
            "<a>&x;</a>",
        ] {
            assert!(Tree::read(text.as_bytes(), MAX).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_bytes_stay_as_they_are(text in r#"(<a>|</a>|<b x="1" y='2'/>|<c xmlns="u"/>|t|&amp;|\n| ){0,30}"#) {
            let text = format!("<r>{text}</r>");
            for method in [Method::Inclusive, Method::Exclusive] {
                if let Ok(tree) = Tree::read(text.as_bytes(), MAX) {
                    let once = tree.canonical(method, None);
                    prop_assert_eq!(canonical(&once, method), once);
                }
            }
        }

        #[test]
        fn never_panics(text in r#"(<|>|/|a|:|&|;|#|x|!|\[|\]|-|"|=| |\?|CDATA|xmlns){0,60}"#) {
            let _ = Tree::read(text.as_bytes(), MAX);
        }
    }
}
