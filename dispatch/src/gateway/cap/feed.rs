//! Atom (RFC 4287) index of CAP alerts: ours for others to poll, others' for us.

use super::document::{CapDocument, Page};
use super::tree::{Element, TreeError, Vocabulary, parse};
use super::{Authority, cap_time};
use model::{Language, Offset, Time};
use quick_xml::events::{BytesStart, Event};

/// Bytes of a feed at most.
pub const FEED_BYTES_MAX: usize = 4 << 20;
/// Entries of a feed that are looked at; feeds begin with the newest.
pub const ENTRIES_MAX: usize = 1000;

/// A feed of others.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Feed title; may be empty.
    pub title: String,
    /// Entries in order; none is not an error.
    pub entries: Vec<Entry>,
}

/// One entry. Feeds in use leave out the id, the link or the title.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Atom `id`; empty where there is none.
    pub id: String,
    /// Title; may be empty.
    pub title: String,
    /// Atom `updated`.
    pub updated: Option<Time>,
    /// Address of the alert, the CAP link before others.
    pub link: Option<String>,
    /// The alert itself, where the entry carries it.
    pub alert: Option<Element>,
}

/// Why bytes are not a feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Not XML we take.
    #[error("not readable XML: {0}")]
    Xml(#[from] TreeError),
    /// Something else than a feed.
    #[error("the root is <{0}>, not an Atom <feed>")]
    NotFeed(String),
}

/// Writes the index of public alerts, newest first as given. `base` is where the server answers
/// (`https://host`), `updated` the time of the newest change.
pub fn write(
    alerts: &[CapDocument],
    authority: &Authority,
    base: &str,
    updated: Time,
    offset: Offset,
) -> String {
    let own = format!("{base}/cap/feed.atom");
    let name = authority.name.get(Language::Zh);
    let mut page = Page::new();
    let mut root = BytesStart::new("feed");
    root.push_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
    page.event(Event::Start(root));
    page.leaf("id", &own);
    page.leaf("title", &format!("{name} CAP"));
    page.leaf("updated", &cap_time(updated, offset));
    page.open("author");
    page.leaf("name", name);
    page.close("author");
    link(&mut page, "self", "application/atom+xml", &own);
    for alert in alerts.iter().filter(|a| a.public).take(ENTRIES_MAX) {
        let address = format!("{base}/cap/{}.xml", alert.identifier);
        page.open("entry");
        page.leaf("id", &address);
        page.leaf("title", &alert.title);
        page.leaf("updated", &cap_time(alert.sent, offset));
        link(&mut page, "alternate", "application/cap+xml", &address);
        let mut category = BytesStart::new("category");
        category.push_attribute(("term", alert.message_type.name()));
        page.event(Event::Empty(category));
        page.close("entry");
    }
    page.close("feed");
    page.finish()
}

fn link(page: &mut Page, rel: &str, kind: &str, address: &str) {
    let mut link = BytesStart::new("link");
    link.push_attribute(("rel", rel));
    link.push_attribute(("type", kind));
    link.push_attribute(("href", address));
    page.event(Event::Empty(link));
}

/// Reads a feed.
///
/// # Errors
/// It is no XML, or something else than a feed.
pub fn read(bytes: &[u8]) -> Result<Feed, FeedError> {
    let mut root = parse(bytes, FEED_BYTES_MAX)?;
    if root.name != "feed" || root.vocabulary != Vocabulary::Atom {
        return Err(FeedError::NotFeed(root.name.chars().take(80).collect()));
    }
    let children = std::mem::take(&mut root.children);
    let (entries, rest): (Vec<Element>, Vec<Element>) = children
        .into_iter()
        .partition(|c| c.name == "entry" && c.vocabulary == Vocabulary::Atom);
    root.children = rest;
    Ok(Feed {
        title: root.value("title").to_owned(),
        entries: entries.into_iter().take(ENTRIES_MAX).map(entry).collect(),
    })
}

fn entry(mut entry: Element) -> Entry {
    let alert = entry
        .children
        .iter_mut()
        .find(|c| c.name == "content")
        .and_then(|content| {
            let at = content.children.iter().position(|c| c.name == "alert")?;
            Some(content.children.swap_remove(at))
        });
    Entry {
        id: entry.value("id").to_owned(),
        title: entry.value("title").to_owned(),
        updated: Time::parse(entry.value("updated")).ok().map(|(t, _)| t),
        link: best_link(&entry),
        alert,
    }
}

/// A link that says it is CAP, else one that does not say it is something else.
fn best_link(entry: &Element) -> Option<String> {
    let address = |link: &Element| link.attribute("href").map(|href| href.trim().to_owned());
    let is_cap = |link: &&Element| link.attribute("type") == Some("application/cap+xml");
    let plain = |link: &&Element| {
        matches!(link.attribute("rel"), None | Some("alternate" | "related"))
            && link.attribute("type").is_none_or(|t| t.ends_with("xml"))
    };
    let cap = entry.all("link").find(is_cap).and_then(address);
    cap.or_else(|| entry.all("link").find(plain).and_then(address))
        .filter(|href| !href.is_empty())
}
