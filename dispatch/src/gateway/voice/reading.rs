//! A call that was picked up: the words again and again until a key is pressed, 20 ms at a time.

use super::g711::{self, SILENCE};
use super::rtp::FRAME;
use super::wav::RATE;
use model::order::Answer;
use std::sync::Arc;

/// Frames a second.
const FRAMES_PER_S: u32 = RATE / 160;
/// Hertz of the tone that says that a key was heard.
const TONE_HZ: f64 = 800.0;
/// Samples of it: 0.4 s.
const TONE_SAMPLES: u32 = RATE * 2 / 5;

/// What stands on the keys (domain: call-and-answer): 1 received, 2 at post, 3 moved, 4 needs help.
pub const fn answer_of(key: char) -> Option<Answer> {
    match key {
        '1' => Some(Answer::Received),
        '2' => Some(Answer::AtPost),
        '3' => Some(Answer::Moved),
        '4' => Some(Answer::NeedsHelp),
        _ => None,
    }
}

/// Where a call is in its words.
#[derive(Clone, Debug)]
pub struct Reading {
    words: Arc<[u8]>,
    /// Samples of the words said so far.
    at: usize,
    /// Times they were said to their end.
    times: u8,
    times_max: u8,
    /// Frames of silence between two times, and after the last.
    wait: u32,
    /// Frames of silence that are left.
    waiting: u32,
    /// True once nothing is said again: the words of a warning that was taken back.
    last: bool,
    answered: Option<Answer>,
}

impl Reading {
    /// Begins `words` (A-law), to be said `times` times with so many seconds to press a key after each.
    pub fn new(words: Arc<[u8]>, times: u8, wait_s: u32) -> Self {
        Self {
            words,
            at: 0,
            times: 0,
            times_max: times.max(1),
            wait: wait_s.saturating_mul(FRAMES_PER_S),
            waiting: 0,
            last: false,
            answered: None,
        }
    }

    /// A key was pressed: the first that answers stands, and the words end.
    pub fn pressed(&mut self, key: char) {
        if self.answered.is_none()
            && let Some(answer) = answer_of(key)
        {
            self.answered = Some(answer);
            self.words = tone().into();
            (self.at, self.waiting) = (0, 0);
        }
    }

    /// Says what is being said to its end, and no more.
    pub const fn say_no_more(&mut self) {
        self.last = true;
    }

    /// What was answered.
    pub const fn answered(&self) -> Option<Answer> {
        self.answered
    }

    /// How often the words were said to their end.
    pub const fn times(&self) -> u8 {
        self.times
    }

    /// The next 20 ms; `None` once the call is over.
    pub fn frame(&mut self) -> Option<[u8; FRAME]> {
        let mut frame = [SILENCE; FRAME];
        if self.waiting > 0 {
            self.waiting -= 1;
            return (self.waiting > 0 || !self.is_over()).then_some(frame);
        }
        let left = self.words.get(self.at..).unwrap_or_default();
        if left.is_empty() {
            if self.answered.is_some() {
                return None;
            }
            self.times = self.times.saturating_add(1);
            self.at = 0;
            if self.is_over() && self.wait == 0 {
                return None;
            }
            self.waiting = self.wait;
            return Some(frame);
        }
        let count = left.len().min(FRAME);
        frame
            .iter_mut()
            .zip(left)
            .for_each(|(to, from)| *to = *from);
        self.at += count;
        Some(frame)
    }

    const fn is_over(&self) -> bool {
        self.last || self.times >= self.times_max
    }
}

/// The tone, with ends that do not click.
fn tone() -> Vec<u8> {
    let turn = std::f64::consts::TAU * TONE_HZ / f64::from(RATE);
    let sample = |number: u32| {
        let edge = number.min(TONE_SAMPLES - number).min(400);
        let loud = 12_000.0 * f64::from(edge) / 400.0;
        // Within 16 bits by the line above.
        g711::encode((loud * (f64::from(number) * turn).sin()) as i16)
    };
    (0..TONE_SAMPLES).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(samples: usize) -> Arc<[u8]> {
        vec![7; samples].into()
    }

    #[test]
    fn the_first_key_that_answers_ends_the_words() {
        let mut reading = Reading::new(words(1600), 3, 2);
        assert!(reading.frame().unwrap().iter().all(|b| *b == 7));
        reading.pressed('9');
        assert_eq!(reading.answered(), None);
        reading.pressed('4');
        reading.pressed('1');
        assert_eq!(reading.answered(), Some(Answer::NeedsHelp));
        let rest = std::iter::from_fn(|| reading.frame()).count();
        assert_eq!(rest, 20, "0.4 s of a tone, and the call is over");
        assert_eq!(reading.times(), 0);
    }

    #[test]
    fn a_key_after_the_last_word_counts_and_a_cancel_lets_the_sentence_end() {
        let mut reading = Reading::new(words(1600), 1, 2);
        assert_eq!((0..60).filter_map(|_| reading.frame()).count(), 60);
        reading.pressed('1');
        assert_eq!(reading.answered(), Some(Answer::Received));
        let mut reading = Reading::new(words(1600), 9, 0);
        let _ = reading.frame();
        reading.say_no_more();
        assert_eq!(std::iter::from_fn(|| reading.frame()).count(), 9);
    }

    proptest! {
        #[test]
        fn nobody_listens_longer_than_said(samples in 0usize..4000, times in 0u8..5, wait in 0u32..4) {
            let mut reading = Reading::new(words(samples), times, wait);
            let frames = std::iter::from_fn(|| reading.frame()).count();
            let once = samples.div_ceil(FRAME) + wait as usize * 50 + 1;
            prop_assert!(frames <= once * usize::from(times.max(1)));
            prop_assert_eq!(reading.times(), times.max(1));
        }
    }
}
