//! Digest authentication (RFC 7616, and RFC 2617 for gateways that know MD5 alone) as SIP uses it
//! (RFC 3261 §22, RFC 8760).
//!
//! It keeps the password off the wire and no more: a line that leaves the building needs a tunnel.

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// How the far side hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// RFC 2617; what most gateways ask for.
    Md5,
    /// RFC 7616.
    Sha256,
}

/// What the far side asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether it knows `qop=auth`.
    counted: bool,
    /// Whether only its nonce was too old.
    pub stale: bool,
}

/// Who asks for what.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// User.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// Its address.
    pub uri: &'a str,
    /// A value of ours that no other request has.
    pub own: &'a str,
}

impl Challenge {
    /// Reads `WWW-Authenticate` or `Proxy-Authenticate`; `None` where it is none that we can answer.
    pub fn read(value: &str) -> Option<Self> {
        let rest = value.trim().get(7..)?;
        if !value.trim().get(..7)?.eq_ignore_ascii_case("digest ") {
            return None;
        }
        let (mut realm, mut nonce, mut opaque) = (None, None, None);
        let (mut algorithm, mut qop, mut stale) = (Some(Algorithm::Md5), None, false);
        for (name, value) in parameters(rest) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "nonce" => nonce = Some(value),
                "opaque" => opaque = Some(value),
                "qop" => qop = Some(value),
                "stale" => stale = value.eq_ignore_ascii_case("true"),
                "algorithm" => {
                    algorithm = match value.to_ascii_uppercase().as_str() {
                        "MD5" => Some(Algorithm::Md5),
                        "SHA-256" => Some(Algorithm::Sha256),
                        _ => None,
                    }
                }
                _ => {}
            }
        }
        let knows = |word: &str| word.trim().eq_ignore_ascii_case("auth");
        let counted = qop.as_ref().is_some_and(|q| q.split(',').any(knows));
        if qop.is_some() && !counted {
            return None;
        }
        Some(Self {
            realm: realm?,
            nonce: nonce?,
            opaque,
            algorithm: algorithm?,
            counted,
            stale,
        })
    }

    /// The strongest of several challenges that we can answer.
    pub fn strongest<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        values
            .filter_map(Self::read)
            .max_by_key(|challenge| challenge.algorithm)
    }

    /// The value of `Authorization` or `Proxy-Authorization`.
    pub fn answer(&self, login: &Login<'_>) -> String {
        let hash = |parts: &[&str]| {
            let text = parts.join(":");
            match self.algorithm {
                Algorithm::Md5 => hex::encode(Md5::digest(text)),
                Algorithm::Sha256 => hex::encode(Sha256::digest(text)),
            }
        };
        let secret = hash(&[login.user, &self.realm, login.password]);
        let asked = hash(&[login.method, login.uri]);
        let count = "00000001";
        let response = if self.counted {
            hash(&[&secret, &self.nonce, count, login.own, "auth", &asked])
        } else {
            hash(&[&secret, &self.nonce, &asked])
        };
        let algorithm = match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        };
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", \
             algorithm={algorithm}",
            quoted(login.user),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(login.uri),
        );
        if self.counted {
            value.push_str(&format!(
                ", qop=auth, nc={count}, cnonce={}",
                quoted(login.own)
            ));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        value
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `name=value, name="quoted \"value\""`; what is neither is passed over.
fn parameters(text: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let (name, behind) = rest.split_once('=')?;
            let (value, after) = match behind.trim_start().strip_prefix('"') {
                Some(inside) => unquoted(inside),
                None => {
                    let end = behind.find(',').unwrap_or(behind.len());
                    let (value, after) = behind.split_at(end);
                    (value.trim().to_owned(), after)
                }
            };
            rest = after;
            // Words before a name that has a value are no part of it.
            let name = name.rsplit([' ', ',', '\t']).find(|part| !part.is_empty());
            if let Some(name) = name {
                return Some((name, value));
            }
        }
    })
}

/// The text up to the closing quote, and what follows that.
fn unquoted(inside: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, inside.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn response(answer: &str) -> String {
        let (_, rest) = answer.split_once("response=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// RFC 2617 §3.5 and RFC 7616 §3.9.1.
    #[test]
    fn the_published_answers_come_out() {
        let login = |password, own| Login {
            user: "Mufasa",
            password,
            method: "GET",
            uri: "/dir/index.html",
            own,
        };
        let old = Challenge::read(
            "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        )
        .unwrap();
        let answer = old.answer(&login("Circle Of Life", "0a4f113b"));
        assert_eq!(response(&answer), "6629fae49393a05397450978507c4ef1");
        assert!(answer.ends_with("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
        let both = ["MD5", "SHA-256"].map(|algorithm| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"x\""
            )
        });
        let own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answers = both.each_ref().map(|value| {
            let challenge = Challenge::read(value).unwrap();
            response(&challenge.answer(&login("Circle of Life", own)))
        });
        assert_eq!(
            answers,
            [
                "8ca523f5e9506fed4657c9700eebdbec",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
            ]
        );
        let strongest = Challenge::strongest(both.iter().map(String::as_str)).unwrap();
        assert_eq!(strongest.algorithm, Algorithm::Sha256);
    }

    #[test]
    fn what_cannot_be_answered_is_none() {
        for value in [
            "",
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256",
            "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
        ] {
            assert_eq!(Challenge::read(value), None, "{value}");
        }
        let odd = Challenge::read("digest nonce=\"a\\\"b, c\" , realm = gw,stale=TRUE").unwrap();
        assert_eq!((odd.nonce.as_str(), odd.realm.as_str()), ("a\"b, c", "gw"));
        assert!(odd.stale && !odd.counted);
    }

    proptest! {
        #[test]
        fn no_challenge_is_too_strange(value in "([Dd]igest )?[ -~é\"\\\\=,]{0,80}") {
            if let Some(challenge) = Challenge::read(&value) {
                let login = Login { user: "u", password: "p", method: "BYE", uri: "sip:a", own: "o" };
                prop_assert!(challenge.answer(&login).starts_with("Digest "));
            }
        }
    }
}
