//! A call that was picked up: what it says, again and again until a key is pressed, 20 ms at a time.

use super::g711::{self, SILENCE};
use super::rtp::FRAME;
use super::wav::RATE;
use model::order::Answer;
use std::sync::Arc;

/// Frames a second.
const FRAMES_PER_S: u32 = RATE / 160;
/// Frames between two things that are said: 0.6 s.
const PAUSE: u32 = FRAMES_PER_S * 3 / 5;
/// Samples of a further thing that one must have heard before a key answers it: 3 s, or all of it. Of
/// the first thing any of it will do: who picks up knows by it what the call is about.
const HEARD_SAMPLES: usize = 3 * RATE as usize;
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

/// How one of the things that a call says went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// True once any of it was said.
    pub begun: bool,
    /// True where it was taken back.
    pub back: bool,
    /// What was answered to it.
    pub answered: Option<Answer>,
}

/// One of the things that a call says.
#[derive(Clone, Debug)]
struct Saying {
    /// A-law; nothing where it has no sound.
    words: Arc<[u8]>,
    told: Told,
    /// Samples that have to be said before a key answers it.
    heard_after: usize,
    /// Most samples of it that were said in one go.
    said: usize,
}

impl Saying {
    /// True where a key answers it.
    fn is_asked(&self) -> bool {
        self.said > 0 && self.said >= self.heard_after && self.told.answered.is_none()
    }

    /// True where it is still to be said, for the first time or again.
    fn is_open(&self) -> bool {
        !self.words.is_empty() && !self.told.back && self.told.answered.is_none()
    }
}

/// What sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sounds {
    Opening,
    Saying(usize),
    Tone,
    /// Nothing: there is time to press a key.
    Wait,
    Over,
}

/// Where a call is in its words: a round says each thing in turn and then waits for a key, and one
/// key answers all that was said until then.
#[derive(Clone, Debug)]
pub struct Reading {
    opening: Arc<[u8]>,
    sayings: Vec<Saying>,
    tone: Arc<[u8]>,
    sounds: Sounds,
    /// Samples of it said so far.
    at: usize,
    /// Which saying of the round comes next.
    next: usize,
    /// Rounds that were said to their end.
    times: u8,
    times_max: u8,
    /// Frames of silence after each round.
    wait: u32,
    /// Frames of silence that are left.
    waiting: u32,
}

impl Reading {
    /// Begins with `opening`, and goes on with `sayings` (A-law), to be said `times` times with so many
    /// seconds to press a key after each. What has no sound is not said.
    pub fn new(opening: Arc<[u8]>, sayings: Vec<Arc<[u8]>>, times: u8, wait_s: u32) -> Self {
        let mut is_first = true;
        let sayings = sayings.into_iter().map(|words| {
            let after = if is_first { 0 } else { HEARD_SAMPLES };
            is_first &= words.is_empty();
            Saying {
                heard_after: after.min(words.len()),
                words,
                told: Told::default(),
                said: 0,
            }
        });
        Self {
            opening,
            sayings: sayings.collect(),
            tone: tone().into(),
            sounds: Sounds::Opening,
            at: 0,
            next: 0,
            times: 0,
            times_max: times.max(1),
            wait: wait_s.saturating_mul(FRAMES_PER_S),
            waiting: 0,
        }
    }

    /// A key was pressed: the first that answers stands for all that was heard and has no answer. What
    /// had only begun is said anew after it, and then what was not said yet.
    pub fn pressed(&mut self, key: char) {
        let Some(answer) = answer_of(key) else {
            return;
        };
        let mut is_answer = false;
        for saying in self.sayings.iter_mut().filter(|saying| saying.is_asked()) {
            saying.told.answered = Some(answer);
            is_answer = true;
        }
        if is_answer {
            if let Sounds::Saying(number) = self.sounds {
                self.next = number;
            }
            self.sound(Sounds::Tone, 0);
        }
    }

    /// Does not say one of them again; what is being said is said to its end.
    pub fn take_back(&mut self, saying: usize) {
        if let Some(saying) = self.sayings.get_mut(saying) {
            saying.told.back = true;
        }
    }

    /// True where all of them were taken back.
    pub fn is_taken_back(&self) -> bool {
        self.sayings.iter().all(|saying| saying.told.back)
    }

    /// How each of them went.
    pub fn told(&self) -> Vec<Told> {
        self.sayings.iter().map(|saying| saying.told).collect()
    }

    /// How often the words were said to their end.
    pub const fn times(&self) -> u8 {
        self.times
    }

    /// The next 20 ms; `None` once the call is over.
    pub fn frame(&mut self) -> Option<[u8; FRAME]> {
        while self.waiting == 0 && self.left().is_empty() {
            if self.sounds == Sounds::Over {
                return None;
            }
            self.go_on();
        }
        let mut frame = [SILENCE; FRAME];
        if self.waiting > 0 {
            self.waiting -= 1;
            return Some(frame);
        }
        let left = self.left();
        let count = left.len().min(FRAME);
        frame
            .iter_mut()
            .zip(left)
            .for_each(|(to, from)| *to = *from);
        self.at += count;
        if let Sounds::Saying(number) = self.sounds
            && let Some(saying) = self.sayings.get_mut(number)
        {
            saying.told.begun = true;
            saying.said = saying.said.max(self.at);
        }
        Some(frame)
    }

    /// What is left of what sounds.
    fn left(&self) -> &[u8] {
        let words = match self.sounds {
            Sounds::Opening => Some(&self.opening),
            Sounds::Saying(number) => self.sayings.get(number).map(|saying| &saying.words),
            Sounds::Tone => Some(&self.tone),
            Sounds::Wait | Sounds::Over => None,
        };
        words
            .and_then(|words| words.get(self.at..))
            .unwrap_or_default()
    }

    /// What sounds is over: the next of the round follows, the time for a key, the next round, or the
    /// end.
    fn go_on(&mut self) {
        if self.sounds == Sounds::Wait {
            if self.times >= self.times_max {
                return self.sound(Sounds::Over, 0);
            }
            self.next = 0;
        }
        let mut open = self.sayings.iter().enumerate().skip(self.next);
        let next = open.find_map(|(number, saying)| saying.is_open().then_some(number));
        let is_left = self.sayings.iter().any(Saying::is_open);
        match (self.sounds, next) {
            (Sounds::Over, _) => {}
            (sounds, Some(next)) => {
                let pause = match sounds {
                    Sounds::Saying(_) | Sounds::Tone => PAUSE,
                    Sounds::Opening | Sounds::Wait | Sounds::Over => 0,
                };
                self.next = next + 1;
                self.sound(Sounds::Saying(next), pause);
            }
            (Sounds::Wait, None) => self.sound(Sounds::Over, 0),
            // Everything was answered: nobody is kept.
            (Sounds::Tone, None) if !is_left => self.sound(Sounds::Over, 0),
            (Sounds::Opening | Sounds::Saying(_) | Sounds::Tone, None) => {
                self.times = self.times.saturating_add(1);
                self.sound(Sounds::Wait, self.wait);
            }
        }
    }

    fn sound(&mut self, sounds: Sounds, pause: u32) {
        (self.sounds, self.at, self.waiting) = (sounds, 0, pause);
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

    fn words(sound: u8, samples: usize) -> Arc<[u8]> {
        vec![sound; samples].into()
    }

    fn one(samples: usize, times: u8, wait_s: u32) -> Reading {
        Reading::new(words(0, 0), vec![words(7, samples)], times, wait_s)
    }

    fn answers(reading: &Reading) -> Vec<Option<Answer>> {
        reading.told().iter().map(|told| told.answered).collect()
    }

    /// The next frame, which must begin with that sound.
    fn hears(reading: &mut Reading, sound: u8) {
        assert_eq!(reading.frame().unwrap()[0], sound);
    }

    fn passes(reading: &mut Reading, frames: u32) {
        assert!((0..frames).all(|_| reading.frame().is_some()));
    }

    #[test]
    fn the_first_key_that_answers_ends_the_words() {
        let mut reading = one(1600, 3, 2);
        assert!(reading.frame().unwrap().iter().all(|b| *b == 7));
        reading.pressed('9');
        assert_eq!(answers(&reading), [None]);
        reading.pressed('4');
        reading.pressed('1');
        assert_eq!(answers(&reading), [Some(Answer::NeedsHelp)]);
        let rest = std::iter::from_fn(|| reading.frame()).count();
        assert_eq!(rest, 20, "0.4 s of a tone, and the call is over");
        assert_eq!(reading.times(), 0);
    }

    #[test]
    fn a_key_after_the_last_word_counts_and_a_cancel_lets_the_sentence_end() {
        let mut reading = one(1600, 1, 2);
        assert_eq!((0..60).filter_map(|_| reading.frame()).count(), 60);
        reading.pressed('1');
        assert_eq!(answers(&reading), [Some(Answer::Received)]);
        let mut reading = one(1600, 9, 0);
        let _ = reading.frame();
        reading.take_back(0);
        assert!(reading.is_taken_back());
        assert_eq!(std::iter::from_fn(|| reading.frame()).count(), 9);
    }

    #[test]
    fn one_key_answers_all_that_was_heard_and_what_was_not_is_said_after_it() {
        let three = || vec![words(1, 160), words(2, 320), words(3, 160)];
        let mut reading = Reading::new(words(9, 160), three(), 2, 1);
        // Who presses before anything was said has answered nothing.
        hears(&mut reading, 9);
        reading.pressed('1');
        assert_eq!(answers(&reading), [None; 3]);
        hears(&mut reading, 1);
        passes(&mut reading, PAUSE);
        hears(&mut reading, 2);
        hears(&mut reading, 2);
        reading.pressed('2');
        let at_post = Some(Answer::AtPost);
        assert_eq!(answers(&reading), [at_post, at_post, None]);
        // The tone, a pause, and the one that is left: twice, since nobody answers it at first.
        passes(&mut reading, 20 + PAUSE);
        hears(&mut reading, 3);
        passes(&mut reading, 50);
        hears(&mut reading, 3);
        reading.pressed('4');
        assert_eq!(
            answers(&reading),
            [at_post, at_post, Some(Answer::NeedsHelp)]
        );
        assert_eq!(std::iter::from_fn(|| reading.frame()).count(), 20);

        // A key after the last word of a round answers all of them at once.
        let mut reading = Reading::new(words(9, 160), three(), 1, 9);
        passes(&mut reading, 5 + 2 * PAUSE + 10);
        reading.pressed('3');
        assert_eq!(answers(&reading), [Some(Answer::Moved); 3]);
    }

    #[test]
    fn what_had_only_begun_when_a_key_was_pressed_is_not_answered_and_is_said_anew() {
        let long = HEARD_SAMPLES + 1600;
        let mut reading = Reading::new(words(0, 0), vec![words(1, 160), words(2, long)], 1, 1);
        hears(&mut reading, 1);
        passes(&mut reading, PAUSE);
        hears(&mut reading, 2);
        // Meant for the first.
        reading.pressed('1');
        let received = Some(Answer::Received);
        assert_eq!(answers(&reading), [received, None]);
        passes(&mut reading, 20 + PAUSE);
        for _ in 0..HEARD_SAMPLES / FRAME - 1 {
            hears(&mut reading, 2);
        }
        reading.pressed('1');
        assert_eq!(answers(&reading), [received, None], "pressed twice");
        hears(&mut reading, 2);
        reading.pressed('2');
        assert_eq!(answers(&reading), [received, Some(Answer::AtPost)]);
    }

    #[test]
    fn what_is_taken_back_or_has_no_sound_is_left_out_and_the_rest_is_said() {
        let sayings = vec![words(1, 0), words(2, 320), words(3, 160)];
        let mut reading = Reading::new(words(0, 0), sayings, 2, 0);
        hears(&mut reading, 2);
        reading.take_back(1);
        hears(&mut reading, 2);
        for _ in 0..PAUSE {
            hears(&mut reading, SILENCE);
        }
        hears(&mut reading, 3);
        hears(&mut reading, 3);
        assert_eq!(reading.frame(), None);
        let begun: Vec<bool> = reading.told().iter().map(|told| told.begun).collect();
        assert_eq!(begun, [false, true, true]);
        assert!(!reading.is_taken_back());
    }

    proptest! {
        #[test]
        fn nobody_listens_longer_than_said(
            samples in proptest::collection::vec(0usize..4000, 1..5),
            times in 0u8..5,
            wait in 0u32..4,
        ) {
            let sayings = samples.iter().map(|samples| words(7, *samples)).collect();
            let mut reading = Reading::new(words(0, 0), sayings, times, wait);
            let frames = std::iter::from_fn(|| reading.frame()).count();
            let once = samples.iter().map(|n| n.div_ceil(FRAME) + PAUSE as usize).sum::<usize>();
            prop_assert!(frames <= (once + wait as usize * 50) * usize::from(times.max(1)));
            let is_any = samples.iter().any(|samples| *samples > 0);
            prop_assert_eq!(reading.times(), if is_any { times.max(1) } else { 1 });
            let heard = reading.told().iter().filter(|told| told.begun).count();
            prop_assert_eq!(heard, samples.iter().filter(|samples| **samples > 0).count());
        }
    }
}
