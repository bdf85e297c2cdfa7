//! Words that should not be signed by mistake: what is objected to in a signer's own, and who lets it stand.

use crate::api::Problem;
use crate::app::App;
use dispatch::plan::Remarks;
use model::{AreaCode, Warning};
use std::collections::BTreeMap;

impl App {
    /// What is objected to in the words that somebody put into a warning. Another authority's are not ours
    /// to mend.
    pub(crate) fn objections(&self, warning: &Warning) -> Remarks {
        match &warning.relay {
            Some(_) => Remarks::new(),
            None => self.objections_to(&warning.text, warning.areas.keys()),
        }
    }

    /// The same of words that are about to be put in, for some areas.
    pub(crate) fn objections_to<'a>(
        &self,
        text: &BTreeMap<String, String>,
        areas: impl Iterator<Item = &'a AreaCode>,
    ) -> Remarks {
        let city = &self.installation.city;
        let names = areas.filter_map(|code| {
            let area = city.area(city.area_no(*code)?)?;
            Some([area.name.zh.clone(), area.name.en.clone()])
        });
        let names: Vec<String> = names.flatten().collect();
        let now = self.clock.now();
        let issued = (now, city.offset_at(now));
        self.installation.wording.objections(text, issued, &names)
    }

    /// Whether words stand although something was found in them.
    ///
    /// # Errors
    /// Something was, and nobody said that they shall.
    pub(crate) fn worded(&self, findings: Remarks, as_it_stands: bool) -> Result<bool, Problem> {
        if findings.is_empty() {
            return Ok(false);
        }
        if !as_it_stands {
            self.metrics.refused.with_label_values(&["wording"]).inc();
            return Err(Problem::objected(findings));
        }
        let languages: Vec<&str> = findings.keys().map(|it| it.tag()).collect();
        tracing::warn!(?languages, "words go out as they stand, by a person's act");
        Ok(true)
    }
}
