//! What release platforms and carriers would make of a warning, asked before it is signed.

use super::Carrier;
use super::flight::{inhabitants, sender};
use crate::app::App;
use dispatch::gateway::area::{Job, Reading, check};
use dispatch::intent::Intent;
use futures_util::future::join_all;
use model::{SendError, Warning};
use serde_json::{Value, json};

/// Questions asked of all targets together for one preview.
const ASKED_MAX: usize = 64;

impl App {
    /// How each target reads what a signature would send it: heads by area, when the last phone
    /// rings, and what a release would be held for.
    pub(crate) async fn read_jobs(&self, warning: &Warning, intents: Vec<Intent>) -> Vec<Value> {
        let (code, name) = sender(self, warning);
        let jobs = intents.iter().map(|intent| {
            let places = &self.installation.places;
            Job::of(intent, places, warning.hazard, code.clone(), name.clone())
        });
        let jobs: Vec<Job> = jobs.collect();
        let asked = jobs
            .iter()
            .flat_map(|job| self.area_links.iter().map(move |link| (job, link)))
            .take(ASKED_MAX)
            .map(|(job, (link, target))| self.read_job(job, link, target));
        join_all(asked).await
    }

    async fn read_job(&self, job: &Job, link: &str, target: &Carrier) -> Value {
        let now = self.clock.now();
        let read = target.target.preview(job, now).await;
        let objections: Vec<String> = match &read {
            Ok(reading) => check(job, reading, &target.band, inhabitants(self, job), now)
                .iter()
                .map(ToString::to_string)
                .collect(),
            Err(error) => vec![error.to_string()],
        };
        item(job, link, read, &objections)
    }
}

fn item(job: &Job, link: &str, read: Result<Reading, SendError>, objections: &[String]) -> Value {
    let reading = read.ok();
    json!({
        "link": link,
        "purpose": job.purpose,
        "tier": job.tier,
        "areas": job.areas,
        "heads": reading.as_ref().map(|reading| reading.heads),
        "by_language": reading.as_ref().map(|reading| &reading.by_language),
        "list": reading.as_ref().map(|reading| reading.list.kind),
        "last_phone_s": reading.as_ref().map(|reading| reading.last_phone_s),
        "objections": objections,
    })
}
