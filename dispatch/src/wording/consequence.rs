//! What a tier means at one place, in the words of its kind or in its own:
//! `wording/consequences.toml`.

use super::names::NameBook;
use super::traditional::traditional;
use super::{WordingFault, language_tags};
use minijinja::{Environment, Value};
use model::{Language, Named, Site, Tier};
use std::collections::BTreeMap;

/// The file of the consequences.
pub(super) const FILE: &str = "consequences.toml";

/// The table in it for sites that have their own words.
const OWN: &str = "own";

type ByTier = BTreeMap<Tier, BTreeMap<Language, String>>;

/// A site at a tier, as far as a text speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<'s> {
    /// Id.
    pub id: &'s str,
    /// Kind as registered.
    pub kind: &'s str,
    /// Name.
    pub name: &'s Named,
    /// The threshold of the tier there, in its parameter's unit; empty where it has none.
    pub threshold: &'s str,
    /// The tier reached.
    pub tier: Tier,
}

impl<'s> At<'s> {
    /// A registered site at a tier.
    pub fn new(site: &'s Site, tier: Tier) -> Self {
        Self {
            id: &site.id,
            kind: &site.kind,
            name: &site.name,
            threshold: site.thresholds.get(tier.name()).map_or("", String::as_str),
            tier,
        }
    }
}

/// The file: `[culvert.red]` by kind, `[own.C0003.red]` by site.
#[derive(Debug, Default)]
pub(super) struct Consequences;

/// Names of the templates that the file adds.
fn template(scope: &str, tier: Tier, language: Language) -> String {
    format!("consequence/{scope}/{tier}.{}", language.tag())
}

impl Consequences {
    /// Reads the file into `environment`.
    pub(super) fn read(
        text: &str,
        languages: &[Language],
        environment: &mut Environment<'static>,
        faults: &mut Vec<WordingFault>,
    ) {
        let fault = |key: String, what: String| WordingFault {
            file: FILE.to_owned(),
            key,
            what,
        };
        let tables: BTreeMap<String, toml::Table> = match toml::from_str(text) {
            Ok(tables) => tables,
            Err(error) => {
                let line = error.to_string();
                let line = line.lines().next().unwrap_or_default().to_owned();
                return faults.push(fault(line, error.message().to_owned()));
            }
        };
        let mut scopes: Vec<(String, toml::Table)> = Vec::new();
        for (name, table) in tables {
            if name == OWN {
                for (site, table) in table {
                    match table {
                        toml::Value::Table(table) => scopes.push((format!("own.{site}"), table)),
                        toml::Value::String(_)
                        | toml::Value::Integer(_)
                        | toml::Value::Float(_)
                        | toml::Value::Boolean(_)
                        | toml::Value::Datetime(_)
                        | toml::Value::Array(_) => {
                            let what = "write one table for each tier of the site";
                            faults.push(fault(format!("own.{site}"), what.into()));
                        }
                    }
                }
            } else {
                scopes.push((name, table));
            }
        }
        for (scope, table) in scopes {
            let tiers: ByTier = match table.try_into() {
                Ok(tiers) => tiers,
                Err(error) => {
                    let what = format!("{}; write one table for each tier", error.message());
                    faults.push(fault(scope, what));
                    continue;
                }
            };
            for (tier, mut said) in tiers {
                if let Some(simple) = said.get(&Language::Zh).map(|text| traditional(text)) {
                    said.entry(Language::ZhHant).or_insert(simple);
                }
                let missing = languages
                    .iter()
                    .filter(|language| !said.contains_key(language));
                let missing = language_tags(missing);
                if !missing.is_empty() {
                    let what = format!("it is not said in {missing}");
                    faults.push(fault(format!("{scope}.{tier}"), what));
                }
                for (language, text) in said {
                    let name = template(&scope, tier, language);
                    if let Err(error) = environment.add_template_owned(name, text) {
                        let key = format!("{scope}.{tier}.{}", language.tag());
                        faults.push(fault(key, error.to_string()));
                    }
                }
            }
        }
    }

    /// What the tier means there: the site's own words, else those of its kind. Empty where
    /// neither says anything, or speaks of a threshold that the site does not have.
    pub(super) fn say(
        environment: &Environment<'_>,
        names: &NameBook,
        at: &At<'_>,
        language: Language,
    ) -> String {
        let mut values = vec![("site", Value::from(names.name(at.name, language)))];
        if let Some(centimetres) = centimetres(at.threshold) {
            values.push(("cm", Value::from(centimetres)));
            values.push(("threshold", Value::from(at.threshold)));
        }
        let own = template(&format!("own.{}", at.id), at.tier, language);
        let kind = template(at.kind, at.tier, language);
        let said = environment.get_template(&own);
        let said = said.or_else(|_| environment.get_template(&kind));
        let said = said.and_then(|template| template.render(Value::from_pairs(values)));
        said.unwrap_or_default()
    }
}

/// `0.27` (metres) is `27`, `0.125` is `13`.
fn centimetres(threshold: &str) -> Option<String> {
    let (metres, parts) = threshold.split_once('.').unwrap_or((threshold, ""));
    let millis: u64 = format!("{parts:0<3}").get(..3)?.parse().ok()?;
    let all = metres.parse::<u64>().ok()?.checked_mul(1000)? + millis;
    Some(((all + 5) / 10).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_speaks_for_itself_before_its_kind_does() {
        let file = "[culvert.red]\nzh = \"{{site}}积水将达{{cm}}厘米:勿驶入\"\nen = \"{{site}} \
                    under {{cm}} cm: do not drive in\"\n[own.C1.red]\nzh = \"{{site}}已封\"\n\
                    en = \"{{site}} is closed\"\n[slope.red]\nzh = \"离开\"\n[own.C2]\nred = 3\n";
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        let mut faults = Vec::new();
        let languages = [Language::Zh, Language::En, Language::ZhHant];
        Consequences::read(file, &languages, &mut environment, &mut faults);
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["own.C2", "slope.red"]);
        let name = Named {
            zh: "棠景涵洞".into(),
            en: "Tangjing culvert".into(),
        };
        let say = |id, threshold, language| {
            let at = At {
                id,
                kind: "culvert",
                name: &name,
                threshold,
                tier: Tier::Red,
            };
            Consequences::say(&environment, &NameBook::default(), &at, language)
        };
        assert_eq!(say("C1", "0.5", Language::Zh), "棠景涵洞已封");
        assert_eq!(
            say("C3", "0.27", Language::ZhHant),
            "棠景涵洞積水將達27厘米:勿駛入"
        );
        assert_eq!(
            say("C3", "0.5", Language::En),
            "Tangjing culvert under 50 cm: do not drive in"
        );
        assert_eq!(say("C3", "", Language::En), "");
    }

    #[test]
    fn metres_are_said_in_centimetres() {
        for (metres, said) in [
            ("0.27", "27"),
            ("1.5", "150"),
            ("0.125", "13"),
            ("2", "200"),
        ] {
            assert_eq!(centimetres(metres).as_deref(), Some(said));
        }
        assert_eq!(centimetres(""), None);
        assert_eq!(centimetres("-1"), None);
    }
}
