//! What a signer is shown of who will be told.

use super::*;
use dispatch::preview::Reached;
use dispatch::wording::{Element, Finding};

#[test]
fn head_counts_before_signing_change_nothing() {
    let fixture = Fixture::new();
    let planner = Planner::default();
    let proposal = warning(
        Hazard::Waterlogging,
        1,
        Event::Proposed,
        &[(A, Tier::Red, Tier::Yellow)],
        0,
    );
    let count =
        |audience: &dispatch::intent::Audience, channel: Channel| match (audience.reach, channel) {
            (Reach::Public, Channel::Sms) => vec![
                Heads {
                    township: code(A),
                    language: Language::Zh,
                    heads: 900,
                },
                Heads {
                    township: code(A),
                    language: Language::En,
                    heads: 100,
                },
            ],
            _ => Vec::new(),
        };
    let preview = preview(&planner, at(1), &proposal, &fixture.desk(), count);
    assert_eq!(preview.public.get(&Channel::Sms), Some(&1000));
    let sms = preview
        .reached
        .iter()
        .find(|r| r.reach == Reach::Public && r.channel == Channel::Sms)
        .unwrap();
    assert_eq!(sms.by_language.get(&Language::En), Some(&100));
    assert_eq!(sms.parts.get(&Language::Zh), Some(&1), "{:?}", sms.words);
    assert_eq!(planner, Planner::default());
    assert_eq!(State::default(), State::Unsent);
}

/// Words of a person are asked what templates are asked, before anybody signs them.
#[test]
fn a_signer_sees_what_the_words_leave_out() {
    let fixture = Fixture::new();
    let areas = [(A, Tier::Red, Tier::Red)];
    let templated = warning(Hazard::Waterlogging, 1, Event::Proposed, &areas, 0);
    let shown = |warning: &Warning| {
        preview(
            &Planner::default(),
            at(1),
            warning,
            &fixture.desk(),
            |_, _| Vec::new(),
        )
    };
    let plain = shown(&templated);
    assert_eq!(plain.remarks, BTreeMap::new());
    let is_public = |r: &&Reached| r.reach == Reach::Public && r.channel == Channel::Sms;
    let template = plain.reached.iter().find(is_public).unwrap();
    let mut written = templated;
    // What the template says, without the signature that is put before any words.
    let text = template.words[0]
        .text
        .split_once('】')
        .unwrap()
        .1
        .to_owned();
    written.text.insert("zh".into(), text);
    written
        .text
        .insert("en".into(), "Mind the rain. ".repeat(60));
    let found = shown(&written).remarks;
    let [zh, en] = [Language::Zh, Language::En].map(|language| found.get(&language));
    assert_eq!(zh, None, "{found:?}");
    let en = en.unwrap();
    for left_out in [Element::Area, Element::Tier, Element::Verify] {
        assert!(en.contains(&Finding::Missing(left_out)), "{en:?}");
    }
    let is_long = |finding: &Finding| matches!(finding, Finding::TooLong { .. });
    assert!(en.iter().any(is_long), "{en:?}");
}

#[test]
fn long_lists_are_said_short() {
    let fixture = Fixture::new();
    let list = |codes: &[AreaCode], language| {
        fixture
            .places
            .list(&codes.iter().copied().collect(), language)
    };
    let all = fixture.places.under(code("440106000000"));
    assert_eq!(
        list(&all, Language::Zh),
        fixture.places.name(code("440106000000"), Language::Zh)
    );
    let some: Vec<AreaCode> = all.iter().skip(1).take(6).copied().collect();
    assert_eq!(list(&some, Language::Zh), "天河区6个镇街");
    assert!(list(&some, Language::En).starts_with("6 townships in "));
    let two = [code(A), code(B)];
    assert!(list(&two, Language::Zh).contains('、'));
    let whole = fixture.places.under(code("440100000000"));
    assert_eq!(list(&whole, Language::Zh), fixture.city.areas[0].name.zh);
}
