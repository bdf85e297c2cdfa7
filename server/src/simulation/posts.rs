//! Gauges and those who send for them: again until it is acknowledged, sometimes late, twice or never.

use super::city::setting;
use super::random::Random;
use super::table::Table;
use crate::intake::Taken;
use axum::body::Bytes;
use model::{Parameter, Span, Time};
use std::collections::VecDeque;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Depths of water in centimetres that a culvert goes through.
const DEPTHS: [i32; 7] = [1, 6, 12, 18, 30, 45, 60];

/// One body and what stands in it.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) body: Bytes,
    pub(super) key: Option<String>,
    rows: Vec<(u32, u8, i64, i32)>,
    due: Time,
    tries: u32,
}

struct Sent {
    post: Post,
    node: u64,
    taken: JoinHandle<Result<Taken, String>>,
}

/// What waits and what is on its way.
#[derive(Default)]
pub(super) struct Posts {
    waiting: VecDeque<Post>,
    sent: Vec<Sent>,
    levels: [usize; 2],
    number: u64,
    /// No water any more, and nobody who sends late.
    pub(super) is_calm: bool,
}

impl Posts {
    /// Each district's gauges report a minute.
    pub(super) fn report(&mut self, time: Time, random: &mut Random, table: &mut Table) {
        let city = &setting().installation.city;
        for district in 0..self.levels.len() {
            let level = self.level(district, random);
            let (depth, rain) = (level, random.below(30) as i32);
            let written = time.display(model::Offset(480));
            let (gauge, water) = (format!("G{district}"), format!("W{district}"));
            let line = |station: &str, parameter: &str, value: String| {
                format!(
                    r#"{{"station":"{station}","parameter":"{parameter}","time":"{written}","value":{value}}}"#
                )
            };
            let lines = [
                line(
                    &water,
                    "water_depth",
                    format!("{}.{:02}", depth / 100, depth % 100),
                ),
                line(&gauge, "rainfall", format!("{}.{}", rain / 10, rain % 10)),
            ];
            let no = |id: &str| city.station_no(id).map_or(0, |no| no.0);
            let at = time.millis();
            self.number += 1;
            let mut post = Post {
                body: Bytes::from(lines.join("\n")),
                key: random.one_in(2).then(|| format!("post-{}", self.number)),
                rows: vec![
                    (no(&water), Parameter::WaterDepth.code(), at, depth * 100),
                    (no(&gauge), Parameter::Rainfall.code(), at, rain * 10),
                ],
                due: time,
                tries: 0,
            };
            match random.below(if self.is_calm { 1 } else { 20 }) {
                17 => {
                    table.met("dropped", "post");
                    continue;
                }
                18 => {
                    table.met("delayed", "post");
                    post.due = time + Span::from_seconds(60 + random.below(240) as i64);
                }
                19 => {
                    table.met("repeated", "post");
                    self.waiting.push_back(post.clone());
                }
                _ => {}
            }
            self.waiting.push_back(post);
        }
    }

    fn level(&mut self, district: usize, random: &mut Random) -> i32 {
        let Some(level) = self.levels.get_mut(district) else {
            return 1;
        };
        if self.is_calm {
            *level = 0;
        } else {
            match random.below(8) {
                0..3 => *level = (*level + 1).min(DEPTHS.len() - 1),
                3 => *level = level.saturating_sub(1),
                4 => *level = random.below(DEPTHS.len()),
                _ => {}
            }
        }
        DEPTHS.get(*level).copied().unwrap_or(1)
    }

    /// One that may go now.
    pub(super) fn due(&mut self, now: Time, random: &mut Random) -> Option<Post> {
        let due: Vec<usize> = (0..self.waiting.len())
            .filter(|at| self.waiting.get(*at).is_some_and(|post| post.due <= now))
            .collect();
        // Mostly in their order.
        let at = if random.one_in(4) {
            random.of(&due).copied()
        } else {
            due.first().copied()
        };
        self.waiting.remove(at?)
    }

    pub(super) fn sent(&mut self, post: Post, node: u64, taken: JoinHandle<Result<Taken, String>>) {
        self.sent.push(Sent { post, node, taken });
    }

    /// The node that had these is gone: its senders go elsewhere.
    pub(super) fn lose(&mut self, node: u64) {
        for sent in &self.sent {
            if sent.node == node {
                sent.taken.abort();
            }
        }
    }

    /// Looks at what was answered; what was not taken is sent again.
    pub(super) fn finish(
        &mut self,
        runtime: &Runtime,
        table: &mut Table,
        holds: impl Fn(&[(u32, u8, i64, i32)]) -> Result<(), String>,
    ) -> Result<(), String> {
        let (done, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sent)
            .into_iter()
            .partition(|sent| sent.taken.is_finished());
        self.sent = left;
        for Sent {
            mut post, taken, ..
        } in done
        {
            match runtime.block_on(taken) {
                // Where a clock is behind, an observation may seem to be of the future.
                Ok(Ok(taken)) if taken.rejected > 0 => {}
                Ok(Ok(_)) => holds(&post.rows)?,
                Ok(Err(_)) | Err(_) => {
                    table.met("sent again", "post");
                    post.tries += 1;
                    self.waiting.push_front(post);
                }
            }
        }
        Ok(())
    }

    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.sent.is_empty()
    }
}
