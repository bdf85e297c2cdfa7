//! What a signer is shown of who will be told.

use super::*;
use dispatch::gateway::sms::{Account, Contract, Day};
use dispatch::preview::{Reached, Sms};
use dispatch::wording::{Element, Finding};
use std::fmt::Write as _;

pub(super) const NO_ACCOUNTS: Sms<'_> = Sms {
    accounts: &[],
    day: Day(0),
};

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
                    account: 0,
                    heads: 900,
                },
                Heads {
                    township: code(A),
                    language: Language::En,
                    account: 0,
                    heads: 100,
                },
            ],
            _ => Vec::new(),
        };
    let preview = preview(
        &planner,
        at(1),
        &proposal,
        &fixture.desk(),
        NO_ACCOUNTS,
        count,
    );
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
            NO_ACCOUNTS,
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

/// What no account passes is said before anybody signs, in the words that the signer reads.
#[test]
fn a_signer_reads_which_accounts_do_not_pass_the_text() {
    let fixture = Fixture::new();
    let areas = [(A, Tier::Red, Tier::Red)];
    let proposal = warning(Hazard::Waterlogging, 1, Event::Proposed, &areas, 0);
    let count = |audience: &dispatch::intent::Audience, channel: Channel| {
        let is_told = audience.reach == Reach::Public && channel == Channel::Sms;
        let languages = [(Language::Zh, 900), (Language::En, 100)];
        let heads = languages.map(|(language, heads)| Heads {
            township: code(A),
            language,
            account: 0,
            heads,
        });
        heads.into_iter().filter(|_| is_told).collect()
    };
    let shown = |accounts: &[Account]| {
        let day = Day::parse("2023-09-07").unwrap();
        let sms = Sms { accounts, day };
        let desk = fixture.desk();
        preview(&Planner::default(), at(1), &proposal, &desk, sms, count)
    };
    let account = |name: &str, agreed: &str| {
        let contract: Contract = toml::from_str(agreed).unwrap();
        assert_eq!(contract.faults(""), []);
        contract.account(name)
    };
    let passes_all = account("c", "daily_max = 1000000");
    let cases = [
        ("no account", vec![]),
        (
            "another signature",
            vec![account("a", "signatures = [\"【别人】\", \"[Other]\"]")],
        ),
        (
            "no template",
            vec![account("a", "templates = { T1 = \"{code:digits 6}\" }")],
        ),
        ("expired", vec![account("a", "expires = \"2023-09-06\"")]),
        ("the day runs out", vec![account("a", "daily_max = 500")]),
        ("the day is used up", {
            let mut account = account("a", "daily_max = 500");
            account.used = 500;
            vec![account]
        }),
        (
            "one of two",
            vec![account("a", "expires = \"2023-09-06\""), passes_all],
        ),
    ];
    let mut text = String::new();
    for (case, accounts) in cases {
        let preview = shown(&accounts);
        let _ = writeln!(text, "# {case}; unsendable: {:?}", preview.unsendable);
        for (language, remarks) in &preview.remarks {
            for remark in remarks {
                let json = serde_json::to_string(remark).unwrap();
                let _ = writeln!(text, "{}: {remark}\n  {json}", language.tag());
            }
        }
    }
    let path = root().join("../golden/plan/accounts.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        kept, text,
        "words changed; read them, then run with UPDATE_GOLDEN=1"
    );
}

/// Words in one language leave the others with the template's, and an hour may be of the night.
#[test]
fn a_signers_own_words_are_asked_what_two_would_read_differently() {
    let fixture = Fixture::new();
    let desk = fixture.desk();
    let asked = |hour: i64, words: &[(Language, &str)]| {
        let text = words
            .iter()
            .map(|(language, words)| (language.tag().to_owned(), (*words).to_owned()))
            .collect();
        // Midnight of a day there.
        let midnight = Time::parse("2023-09-07T00:00:00+08:00").unwrap().0;
        let issued = midnight + model::Span::from_minutes(60 * hour);
        let names = ["三点水街道".to_owned()];
        desk.wording
            .objections(&text, (issued, model::Offset(480)), &names)
    };
    let all = [
        (Language::Zh, "三点水街道:今晚15点前离开"),
        (Language::En, "Leave now."),
        (Language::Ja, "避難してください。"),
        (Language::Ko, "대피하십시오."),
        (Language::Fr, "Partez."),
    ];
    assert_eq!(asked(12, &[]), BTreeMap::new(), "nothing was written");
    assert_eq!(asked(12, &all), BTreeMap::new());
    let night = asked(1, &all);
    assert_eq!(
        night.get(&Language::Zh),
        Some(&vec![Finding::WhichNight("今晚".into())]),
        "{night:?}"
    );
    let alone = asked(12, &all[..1]);
    let languages: Vec<Language> = alone.keys().copied().collect();
    let mut missing = vec![Language::En, Language::Ja, Language::Ko, Language::Fr];
    missing.sort_unstable();
    assert_eq!(languages, missing, "traditional characters are converted");
    assert!(alone.values().all(|it| it == &[Finding::Untranslated]));
    let unclear = asked(12, &[(Language::En, "Leave by 7:30, see http://a.b")]);
    let said = unclear.get(&Language::En).unwrap();
    assert!(said.contains(&Finding::Link), "{said:?}");
    assert!(unclear.contains_key(&Language::Zh), "{unclear:?}");
}
