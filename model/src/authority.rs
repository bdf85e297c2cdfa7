//! Who may issue what, where, at which tier: data, never code (design §3, semantics §22–27).

use crate::{AreaCode, Hazard, Named, Signal, Tier};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An authority's code, 14 digits `ZZZZZZDDDUUUXX`: area (GB/T 2260), agency (GB/T 4657),
/// unit, extension. CAP identifiers are minted under it (domain §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorityId([u8; 14]);

/// An office that issues warnings: ours or another's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Code.
    pub id: AuthorityId,
    /// Full name, CAP `senderName`.
    pub name: Named,
    /// What stands in 【】 before an SMS; registered with the carriers.
    #[serde(default)]
    pub signature: Named,
    /// Telephone people may call, where to verify.
    #[serde(default)]
    pub hotline: String,
    /// Page where every warning can be verified.
    #[serde(default)]
    pub url: String,
    /// Where its duty room takes our requests by e-mail; may be empty.
    #[serde(default)]
    pub email: String,
    /// True where this installation issues under that code.
    #[serde(default)]
    pub own: bool,
}

/// What an authority may do with a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Issue it in its own name.
    Issue,
    /// Issue it together with the counterpart.
    CoIssue,
    /// Pass on the counterpart's signal verbatim, with its name and time.
    Relay,
    /// Ask the counterpart to issue it (提请).
    Request,
}

/// One line of the matrix: authority × hazards × areas × tiers → act.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixRow {
    /// Who acts.
    pub authority: AuthorityId,
    /// Hazards it holds for.
    pub hazards: Vec<Hazard>,
    /// Areas it holds for, each with everything inside.
    pub areas: Vec<AreaCode>,
    /// Tiers it holds for.
    pub tiers: Vec<Tier>,
    /// What may be done.
    pub act: Act,
    /// The other authority of `co-issue`, `relay` and `request`.
    pub counterpart: Option<AuthorityId>,
    /// Legal basis.
    pub basis: Named,
}

/// What we may do with one hazard at one tier in one area, in whose name and on which basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling<'m> {
    /// Issue, co-issue, relay or request.
    pub act: Act,
    /// In whose name: one of our own.
    pub authority: &'m Authority,
    /// With whom, whose signal, or who is asked.
    pub counterpart: Option<&'m Authority>,
    /// Legal basis.
    pub basis: &'m Named,
}

/// The authorities an installation knows and the matrix between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// Every authority, in file order.
    pub authorities: Vec<Authority>,
    /// Every row, in file order.
    pub rows: Vec<MatrixRow>,
}

impl Matrix {
    /// The authority of that code.
    pub fn authority(&self, id: &AuthorityId) -> Option<&Authority> {
        self.authorities.iter().find(|a| a.id == *id)
    }

    /// The authorities this installation issues under; never empty in a loaded city.
    pub fn own(&self) -> impl Iterator<Item = &Authority> {
        self.authorities.iter().filter(|a| a.own)
    }

    /// What we may do with a finding of our own: the first row that matches in the smallest area
    /// that has one. `places` is the area's code and its ancestors', smallest first. `None` where
    /// no row speaks of it: it is shown and nothing goes out.
    pub fn ruling(&self, hazard: Hazard, places: &[AreaCode], tier: Tier) -> Option<Ruling<'_>> {
        self.first(hazard, places, tier, |row| match row.act {
            Act::Issue | Act::CoIssue | Act::Request => true,
            Act::Relay => false,
        })
    }

    /// Whose signal it is: by the code its identifier was minted under, else by its full name.
    pub fn sender(&self, signal: &Signal) -> Option<&Authority> {
        let minted = AuthorityId::of_identifier(&signal.identifier);
        let named = |a: &&Authority| {
            let name = signal.sender_name.trim();
            !name.is_empty() && (a.name.zh == name || a.name.en == name)
        };
        minted
            .and_then(|id| self.authority(&id))
            .or_else(|| self.authorities.iter().find(named))
    }

    /// Whether we may pass on that authority's signal there, and in whose name.
    pub fn relay(
        &self,
        of: &AuthorityId,
        hazard: Hazard,
        places: &[AreaCode],
        tier: Tier,
    ) -> Option<Ruling<'_>> {
        self.first(hazard, places, tier, |row| {
            row.act == Act::Relay && row.counterpart == Some(*of)
        })
    }

    fn first(
        &self,
        hazard: Hazard,
        places: &[AreaCode],
        tier: Tier,
        fits: impl Fn(&MatrixRow) -> bool,
    ) -> Option<Ruling<'_>> {
        places.iter().find_map(|place| {
            self.rows.iter().find_map(|row| {
                let matches = row.areas.contains(place)
                    && row.hazards.contains(&hazard)
                    && row.tiers.contains(&tier)
                    && fits(row);
                let authority = self.authority(&row.authority).filter(|a| a.own)?;
                matches.then(|| Ruling {
                    act: row.act,
                    authority,
                    counterpart: row.counterpart.and_then(|id| self.authority(&id)),
                    basis: &row.basis,
                })
            })
        })
    }
}

impl Default for AuthorityId {
    /// Fourteen zeros: nobody's.
    fn default() -> Self {
        Self([b'0'; 14])
    }
}

/// A text that is not an authority's code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an authority's code of 14 digits, such as 44010036000000")]
pub struct AuthorityIdError(String);

impl AuthorityId {
    /// Reads fourteen digits.
    pub fn parse(text: &str) -> Result<Self, AuthorityIdError> {
        match <[u8; 14]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(digits)),
            Ok(_) | Err(_) => Err(AuthorityIdError(text.chars().take(40).collect())),
        }
    }

    /// The authority a CAP identifier of the national form was minted under
    /// (`44010041600000_20250506131649`).
    pub fn of_identifier(identifier: &str) -> Option<Self> {
        let (id, _) = identifier.split_once('_')?;
        Self::parse(id).ok()
    }
}

impl fmt::Display for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

impl Serialize for AuthorityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AuthorityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
