//! Who may act: people with scopes, known by the hash of their bearer token.

use model::Policy;
use model::response::Plans;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Post observations.
    Observe,
    /// Read what names a responsible person (calls).
    Read,
    /// Sign, reject and amend proposals.
    Approve,
    /// Open and cancel warnings.
    Issue,
    /// Note answers of responsible persons.
    Answer,
    /// Post signals of other authorities.
    Signal,
    /// Start, change and end emergency responses, as far as a post allows.
    Respond,
    /// Take in subscribers, move them, let them go.
    Subscribe,
    /// Ask what named people were sent; each question is kept with its reason.
    Audit,
}

/// A person of the configuration. Tokens are random; only their SHA-256 is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    /// Id that stands in the journal.
    pub(crate) id: String,
    /// Name on the screen.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) scopes: Vec<Scope>,
    /// SHA-256 of the token, 64 hexadecimal digits.
    pub(crate) token_sha256: String,
}

/// All people of the installation.
#[derive(Clone, Debug, Default)]
pub(crate) struct People(Vec<Person>);

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// No or unknown token.
    #[error("sign in: send the header Authorization: Bearer TOKEN")]
    Unknown,
    /// Known, but not for this.
    #[error("{person} lacks the scope {scope:?}; ask the administrator to add it in [[person]]")]
    Scope {
        /// Who.
        person: String,
        /// What is missing.
        scope: Scope,
    },
}

impl People {
    /// Takes the configured people.
    pub(crate) fn new(people: Vec<Person>) -> Self {
        Self(people)
    }

    /// The person behind the value of an `Authorization` header.
    pub(crate) fn identify(&self, header: Option<&str>) -> Result<&Person, Denied> {
        let token = header
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .ok_or(Denied::Unknown)?;
        let digest = token_hash(token);
        // Compared as hashes of secrets: an early exit tells an attacker nothing useful.
        self.0
            .iter()
            .find(|person| person.token_sha256.eq_ignore_ascii_case(&digest))
            .ok_or(Denied::Unknown)
    }

    /// The person, if they hold `scope`.
    pub(crate) fn permit(&self, header: Option<&str>, scope: Scope) -> Result<&Person, Denied> {
        let person = self.identify(header)?;
        if person.scopes.contains(&scope) {
            return Ok(person);
        }
        Err(Denied::Scope {
            person: person.id.clone(),
            scope,
        })
    }
}

/// Ids that the flows name as signers, deputies or signers beforehand, or a post as its holders, and
/// that nobody has.
pub(crate) fn unknown_signers(
    policy: &Policy,
    plans: &Plans,
    people: &[Person],
) -> BTreeSet<String> {
    let approval = &policy.approval;
    let flows = policy.flows.iter().flat_map(|flow| {
        let beforehand = flow.presigned.iter().flat_map(|text| &text.signed_by);
        flow.signers.iter().chain(&flow.deputies).chain(beforehand)
    });
    let named = approval.signers.iter().chain(&approval.deputies);
    let named = named.chain(plans.people());
    named
        .chain(flows)
        .filter(|id| !people.iter().any(|person| person.id == **id))
        .cloned()
        .collect()
}

/// SHA-256 of a token in hexadecimal, as the configuration holds it.
pub(crate) fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_held() {
        let people = People::new(vec![Person {
            id: "li".into(),
            name: "李".into(),
            scopes: vec![Scope::Approve],
            token_sha256: token_hash("secret"),
        }]);
        assert_eq!(
            people
                .permit(Some("Bearer secret"), Scope::Approve)
                .unwrap()
                .id,
            "li"
        );
        assert!(matches!(
            people.permit(Some("Bearer secret"), Scope::Issue),
            Err(Denied::Scope { .. })
        ));
        for header in [
            None,
            Some(""),
            Some("Bearer "),
            Some("Bearer other"),
            Some("Basic secret"),
        ] {
            assert_eq!(people.identify(header).unwrap_err(), Denied::Unknown);
        }
    }
}
