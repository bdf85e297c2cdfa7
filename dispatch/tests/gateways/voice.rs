//! Calls to programs that others wrote: `sipp` for what a gateway says, `baresip` for a phone that
//! hears us and presses keys within the sound (RFC 4733).

use crate::peers::{missing, runtime};
use crate::sipp::Sipp;
use dispatch::gateway::voice::speech::{Speech, SpeechConfig};
use dispatch::gateway::voice::{Dial, Heard, Numbers, Saying, Transport, Voice, VoiceConfig, wav};
use model::order::Answer;
use model::{Language, SendError, Time};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Hertz of the words in these tests.
const WORDS_HZ: f64 = 1_000.0;

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program)
        .arg("-h")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_err() {
        missing(&format!("{program}: deploy/test-peers.sh installs it"));
    }
    found.is_ok()
}

/// A far side that plays one scenario once; a loud word where it is missing.
fn plays(scenario: &str, transport: &str) -> Option<Sipp> {
    Sipp::plays(scenario, transport)
        .map_err(|why| missing(&why))
        .ok()
}

/// A line to a port, with 0.6 s of words, thrice, and a second for a key each time.
fn line(port: u16, transport: Transport, folder: &Path) -> Voice {
    std::fs::write(folder.join("clips.toml"), "[zh]\n\"请转移\" = \"a.wav\"\n").unwrap();
    let turn = std::f64::consts::TAU * WORDS_HZ / f64::from(wav::RATE);
    let samples: Vec<i16> = (0..4_800)
        .map(|n| (8_000.0 * (f64::from(n) * turn).sin()) as i16)
        .collect();
    std::fs::write(folder.join("a.wav"), wav::write(&samples, wav::RATE)).unwrap();
    let speech = SpeechConfig {
        clips: Some(folder.to_path_buf()),
        ..SpeechConfig::default()
    };
    let config = VoiceConfig {
        gateway: format!("127.0.0.1:{port}"),
        transport,
        own: None,
        domain: None,
        from: "12379".into(),
        login: Some(("sanfang".into(), "a secret".into())),
        numbers: Numbers::National,
        country: "86".into(),
        prefix: String::new(),
        ring: Duration::from_secs(2),
        times: 3,
        key_wait_s: 1,
        ports: None,
    };
    Voice::new(config, Arc::new(Speech::new(speech).unwrap()))
}

const MOVE: Saying<'_> = Saying {
    text: "请转移",
    language: Language::Zh,
};

const DIAL: Dial<'_> = Dial {
    delivery: "d-1",
    number: 8_613_900_000_001,
    opening: None,
    sayings: &[MOVE],
    at: Time::from_seconds(1_694_063_040),
};

/// Calls once; gives what came of the one thing that was said.
fn called(port: u16, transport: Transport) -> Result<Heard, SendError> {
    let mut heard = said(port, transport, &DIAL);
    assert_eq!(heard.len(), 1);
    heard.remove(0)
}

/// The same of everything that was said.
fn said(port: u16, transport: Transport, dial: &Dial<'_>) -> Vec<Result<Heard, SendError>> {
    let folder = tempfile::tempdir().unwrap();
    let voice = line(port, transport, folder.path());
    runtime().block_on(async {
        let (_keep, taken_back) = watch::channel(vec![false; dial.sayings.len()]);
        voice.call(dial, taken_back).await
    })
}

#[test]
fn a_key_told_by_info_is_an_answer_and_a_login_is_given() {
    for (transport, mode) in [(Transport::Udp, "u1"), (Transport::Tcp, "t1")] {
        let Some(gateway) = plays("info", mode) else {
            return;
        };
        assert_eq!(
            called(gateway.port, transport),
            Ok(Heard::Answered(Answer::AtPost)),
            "{mode}"
        );
        assert!(gateway.ends_well(), "{mode}");
    }
}

#[test]
fn one_key_answers_all_that_was_said_by_then() {
    let at_post = Ok(Heard::Answered(Answer::AtPost));
    // Two things of 0.6 s: one key comes in the middle of the first, the other behind both.
    for (scenario, second) in [("info", Ok(Heard::PickedUp)), ("late", at_post.clone())] {
        let Some(gateway) = plays(scenario, "u1") else {
            return;
        };
        let dial = Dial {
            sayings: &[MOVE, MOVE],
            ..DIAL
        };
        let heard = said(gateway.port, Transport::Udp, &dial);
        assert_eq!(heard, [at_post.clone(), second], "{scenario}");
        assert!(gateway.ends_well(), "{scenario}");
    }
    // What has no sound is told by another way, and the rest is said.
    let Some(gateway) = plays("late", "u1") else {
        return;
    };
    let mute = Saying {
        text: "Move",
        language: Language::En,
    };
    let dial = Dial {
        opening: Some(mute),
        sayings: &[mute, MOVE],
        ..DIAL
    };
    let heard = said(gateway.port, Transport::Udp, &dial);
    assert!(
        matches!(heard[0], Err(SendError::Permanent(_))),
        "{heard:?}"
    );
    assert_eq!(heard[1], at_post);
}

#[test]
fn busy_sent_away_no_such_number_and_nobody_are_told_apart() {
    let transient = |why: &str| Err(SendError::Transient(why.into()));
    let permanent = |why: &str| Err(SendError::Permanent(why.into()));
    for (scenario, wanted) in [
        ("busy", transient("busy")),
        ("declined", permanent("sent away")),
        ("unknown", permanent("no such number")),
        // It rings; the scenario ends well only where the call is taken back.
        ("ringing", permanent("nobody picked up")),
        ("overloaded", transient("the gateway did not carry it: 503")),
        ("silent", Ok(Heard::PickedUp)),
    ] {
        let Some(gateway) = plays(scenario, "u1") else {
            return;
        };
        assert_eq!(called(gateway.port, Transport::Udp), wanted, "{scenario}");
        assert!(gateway.ends_well(), "{scenario}");
    }
}

#[test]
fn what_is_withdrawn_stops_ringing() {
    let Some(gateway) = plays("ringing", "u1") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let voice = line(gateway.port, Transport::Udp, folder.path());
    let heard = runtime().block_on(async {
        let (taken_back, withdrawn) = watch::channel(vec![false]);
        let back = async {
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            taken_back.send_replace(vec![true]);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            heard = voice.call(&DIAL, withdrawn) => heard,
            () = back => Vec::new(),
        }
    });
    assert_eq!(heard, [Ok(Heard::Withdrawn)]);
    assert!(gateway.ends_well());
}

/// A phone that picks up by itself, and whose keys are pressed over a socket.
struct Phone {
    child: Child,
    port: u16,
    keys: u16,
}

impl Phone {
    fn start(folder: &Path) -> Option<Self> {
        if !is_there("baresip") {
            return None;
        }
        let (port, keys, shown) = (free_port(), free_port(), folder.display());
        let modules = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
        let modules = modules.into_iter().find(|path| Path::new(path).is_dir());
        let Some(modules) = modules else {
            missing("the modules of baresip");
            return None;
        };
        std::fs::create_dir(folder.join("heard")).unwrap();
        // What it says itself: a minute of silence, at the end of which it hangs up.
        let silence = wav::write(&[0; 480_000], wav::RATE);
        std::fs::write(folder.join("said.wav"), silence).unwrap();
        let config = format!(
            "sip_listen 127.0.0.1:{port}\naudio_player aubridge,nil\naudio_alert aubridge,nil\n\
             audio_source aufile,{shown}/said.wav\nsnd_path {shown}/heard\ncons_listen 127.0.0.1:{keys}\n\
             module_path {modules}\nmodule g711.so\nmodule aubridge.so\nmodule aufile.so\n\
             module sndfile.so\nmodule cons.so\nmodule_app account.so\nmodule_app menu.so\n"
        );
        std::fs::write(folder.join("config"), config).unwrap();
        let account = format!(
            "<sip:13900000001@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcma\n"
        );
        std::fs::write(folder.join("accounts"), account).unwrap();
        std::fs::write(folder.join("contacts"), "").unwrap();
        let child = Command::new("baresip")
            .arg("-f")
            .arg(folder)
            .args(["-t", "120"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { child, port, keys })
    }

    fn press(&self, key: char) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = ("127.0.0.1", self.keys);
        socket.send_to(key.to_string().as_bytes(), to).unwrap();
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How much of a sound is of one frequency, 0 to 1 (Goertzel).
fn share_of(samples: &[i16], hertz: f64) -> f64 {
    let turn = std::f64::consts::TAU * hertz / f64::from(wav::RATE);
    let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
    for (number, sample) in samples.iter().enumerate() {
        let (angle, sample) = (number as f64 * turn, f64::from(*sample));
        sine += sample * angle.sin();
        cosine += sample * angle.cos();
        all += sample * sample;
    }
    2.0 * (sine * sine + cosine * cosine) / (all * samples.len() as f64).max(1.0)
}

#[test]
fn a_phone_of_others_hears_the_words_and_its_key_within_the_sound_is_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (phone_folder, clips) = (folder.path().join("phone"), folder.path().join("clips"));
    std::fs::create_dir_all(&phone_folder).unwrap();
    std::fs::create_dir_all(&clips).unwrap();
    let Some(phone) = Phone::start(&phone_folder) else {
        return;
    };
    let voice = line(phone.port, Transport::Udp, &clips);
    let heard = runtime().block_on(async {
        let press = async {
            // Once it has heard something, a third of a second more.
            let sounds = || {
                std::fs::read_dir(phone_folder.join("heard"))
                    .unwrap()
                    .count()
                    > 0
            };
            while !sounds() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            loop {
                tokio::time::sleep(Duration::from_millis(330)).await;
                phone.press('4');
            }
        };
        let call = async {
            loop {
                let (_keep, withdrawn) = watch::channel(vec![false]);
                let heard = voice.call(&DIAL, withdrawn).await;
                match heard[..] {
                    [Err(SendError::Transient(_))] => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    _ => return heard,
                }
            }
        };
        tokio::select! {
            heard = call => heard,
            () = press => Vec::new(),
        }
    });
    assert_eq!(heard, [Ok(Heard::Answered(Answer::NeedsHelp))]);
    drop(phone);
    let files = std::fs::read_dir(phone_folder.join("heard")).unwrap();
    let heard: Vec<i16> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
        .flat_map(|path| {
            // What was not closed has no length in its head.
            let mut bytes = std::fs::read(path).unwrap();
            bytes[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
            wav::read(&bytes).unwrap()
        })
        .skip_while(|sample| sample.unsigned_abs() < 1_000)
        .collect();
    // The words first, and after the key the tone that says that it was heard. A packet that came late
    // breaks the wave of one hundredth of a second or two.
    let windows: Vec<&[i16]> = heard.chunks_exact(80).collect();
    let ours = |windows: &[&[i16]], hertz| {
        let of = windows
            .iter()
            .filter(|window| share_of(window, hertz) > 0.9);
        of.count()
    };
    let (first, last) = (windows.get(..10), windows.rchunks(10).next());
    let words = ours(first.unwrap_or_default(), WORDS_HZ);
    let tone = ours(last.unwrap_or_default(), 800.0);
    assert!(
        words >= 7 && tone >= 7,
        "of ten hundredths of a second {words} are our words, {tone} the tone at the end"
    );
}

#[test]
fn a_speech_program_says_what_no_clip_does() {
    if !is_there("espeak-ng") {
        return;
    }
    let speech = Speech::new(SpeechConfig {
        program: ["espeak-ng", "-v", "{voice}", "--stdout"]
            .map(str::to_owned)
            .to_vec(),
        timeout: Duration::from_secs(20),
        ..SpeechConfig::default()
    });
    let speech = speech.unwrap();
    runtime().block_on(async {
        for (text, language) in [
            ("请立即转移低洼、坡脚人员,收到请按1", Language::Zh),
            ("Press 1 for received, 4 for need help.", Language::En),
            ("Appuyez sur 1", Language::Fr),
        ] {
            let sound = speech.say(text, language).await.unwrap();
            assert!(sound.len() > 4_000, "{} samples of {text}", sound.len());
            assert!(sound.iter().any(|byte| *byte != 0xD5), "all of it silence");
        }
    });
}
