//! Loudspeakers that verify, play once and acknowledge, some of them badly.

use crate::server::{Answer, Server};
use dispatch::gateway::Proof;
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::loudspeaker::{
    Clips, Key, LoudSaying, LoudspeakerConfig, Loudspeakers, Speaker,
};
use dispatch::gateway::notice::Unsent;
use dispatch::intent::IntentId;
use dispatch::simulator::loudspeaker::Loudspeaker;
use dispatch::wording::Purpose;
use model::{AreaCode, Hazard, Language, Mode, SendError, Span, Tier, Time};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const CLIPS: &str = r#"
[[clip]]
language = "zh"
says = "11B03.red"
files = ["attention.wav", "{place}", "rain-red.wav"]
[[place]]
language = "zh"
area = "440106014000"
file = "shahe.wav"
"#;

/// What a speaker does with the next order instead.
#[derive(Clone, Copy, PartialEq)]
enum Instead {
    /// It plays, and its answer is lost.
    AnswerLost,
    /// Somebody between answers in its place.
    Forged,
}

type Street = Arc<Mutex<BTreeMap<String, (Loudspeaker, Option<Instead>, Vec<Vec<u8>>)>>>;

async fn street(ids: &[&str]) -> (Street, Server, Vec<Speaker>) {
    let speaker = |id: &&str| {
        let it = Loudspeaker::new(id, format!("secret of {id}").as_bytes());
        ((*id).to_owned(), (it, None, Vec::new()))
    };
    let street: Street = Arc::new(Mutex::new(ids.iter().map(speaker).collect()));
    let hearing = Arc::clone(&street);
    let server = Server::start(move |request| {
        let id = request
            .line
            .split(' ')
            .nth(1)
            .unwrap()
            .trim_start_matches('/');
        let mut street = hearing.lock().unwrap();
        let (speaker, instead, heard) = street.get_mut(id).unwrap();
        heard.push(request.body.clone());
        let answer = speaker.step(&request.body, Time::from_seconds(1_000));
        match instead.take() {
            Some(Instead::AnswerLost) => Answer::HangUp,
            Some(Instead::Forged) => {
                let text = String::from_utf8(answer.unwrap()).unwrap();
                Answer::Say(
                    200,
                    String::new(),
                    text.replace("\"mac\":\"", "\"mac\":\"00").into(),
                )
            }
            None => Answer::Say(200, String::new(), answer.unwrap_or_default()),
        }
    })
    .await;
    let configured = ids
        .iter()
        .zip(["440106014000", "440106015000"].iter().cycle());
    let configured = configured.map(|(id, area)| Speaker {
        id: (*id).to_owned(),
        area: AreaCode::parse(area).unwrap(),
        url: server.url(&format!("/{id}")),
        secret: format!("secret of {id}").into_bytes(),
    });
    let speakers = configured.collect();
    (street, server, speakers)
}

fn loudspeakers(speakers: Vec<Speaker>) -> Loudspeakers {
    let config = LoudspeakerConfig {
        name: "villages".into(),
        speakers,
        clips: Clips::read(CLIPS).unwrap(),
        gate: GateConfig {
            in_flight_max: 1,
            waiting_max: 8,
            failures_max: 5,
            pause: Span::from_seconds(10),
        },
    };
    Loudspeakers::new(config, client(&ClientConfig::default()).unwrap())
}

const WORDS: &[(Language, &str, &str)] = &[
    (Language::Zh, "暴雨红色预警,请立即转移", "暴雨红色预警"),
    (
        Language::En,
        "Rainstorm warning red. Leave now.",
        "Rainstorm RED",
    ),
];

fn saying<'a>(intent: u8, areas: &'a [AreaCode]) -> LoudSaying<'a> {
    LoudSaying {
        intent: IntentId::from_bytes([intent; 16]),
        key: Key {
            hazard: Hazard::Rainstorm,
            purpose: Purpose::Alert,
            tier: Tier::Red,
        },
        areas,
        mode: Mode::Actual,
        not_after: Time::from_seconds(2_000),
        words: WORDS,
    }
}

#[tokio::test]
async fn recordings_are_played_where_there_are_some_and_the_rest_is_said() {
    let (street, _server, speakers) = street(&["sp-1", "sp-2"]).await;
    let all = loudspeakers(speakers);
    let areas = ["440106014000", "440106015000"].map(|code| AreaCode::parse(code).unwrap());
    let receipt = all
        .say(&saying(1, &areas), Time::from_seconds(1_000))
        .await
        .unwrap();
    assert_eq!(receipt.proof, Proof::ActionReported);
    let street = street.lock().unwrap();
    let (parts, twin) = &street["sp-1"].0.played()[0];
    assert_eq!(
        parts[0].clips,
        ["attention.wav", "shahe.wav", "rain-red.wav"]
    );
    assert_eq!(
        (parts[0].say.as_str(), parts[1].say.as_str()),
        ("", WORDS[1].1)
    );
    assert_eq!(twin, "暴雨红色预警\nRainstorm RED");
    let (parts, _) = &street["sp-2"].0.played()[0];
    assert_eq!(parts[0].say, WORDS[0].1, "no recording of its place");
    assert!(parts[0].clips.is_empty());
}

#[tokio::test]
async fn who_did_not_acknowledge_is_asked_again_alone_and_plays_once() {
    let (street, _server, speakers) = street(&["sp-1", "sp-2", "sp-3"]).await;
    let all = loudspeakers(speakers);
    let areas = ["440106014000", "440106015000"].map(|code| AreaCode::parse(code).unwrap());
    street.lock().unwrap().get_mut("sp-1").unwrap().1 = Some(Instead::AnswerLost);
    street.lock().unwrap().get_mut("sp-2").unwrap().1 = Some(Instead::Forged);
    let left = all
        .say(&saying(1, &areas), Time::from_seconds(1_000))
        .await
        .unwrap_err();
    assert!(
        matches!(&left, Unsent::Send(SendError::Transient(why)) if why.contains("2 of 3")),
        "{left}"
    );
    assert_eq!(all.silent(), 2);
    all.say(&saying(1, &areas), Time::from_seconds(1_001))
        .await
        .unwrap();
    assert_eq!(all.silent(), 0);
    let mut street = street.lock().unwrap();
    let heard: Vec<usize> = street.values().map(|(_, _, heard)| heard.len()).collect();
    assert_eq!(heard, [2, 2, 1]);
    assert!(
        street
            .values()
            .all(|(speaker, _, _)| speaker.played().len() == 1)
    );

    // What somebody recorded on the way is refused.
    let (speaker, _, heard) = street.get_mut("sp-3").unwrap();
    let answer = speaker
        .step(&heard[0].clone(), Time::from_seconds(1_002))
        .unwrap();
    assert!(
        String::from_utf8(answer)
            .unwrap()
            .contains("was used before")
    );
    assert_eq!(speaker.played().len(), 1);
}

#[tokio::test]
async fn what_nobody_can_play_is_refused() {
    let (_street, server, speakers) = street(&["sp-1"]).await;
    let all = loudspeakers(speakers);
    let nowhere = [AreaCode::parse("440106016000").unwrap()];
    let here = [AreaCode::parse("440106014000").unwrap()];
    for (areas, at) in [(&nowhere, 1_000), (&here, 2_000)] {
        let refused = all
            .say(&saying(1, areas), Time::from_seconds(at))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, Unsent::Send(SendError::Permanent(_))),
            "{refused}"
        );
    }
    assert_eq!(server.count(), 0);
}
