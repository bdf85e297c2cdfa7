//! Heads by the account that tells each telephone, and by what telephones are to which no short message goes.

use super::*;
use crate::gateway::sms::share::Share;
use crate::gateway::sms::{Kinds, Numbers, Sorter};
use proptest::sample::select;

/// Telephones of each sort, and a word for it; of the first account and of the second.
const PHONES: [(u64, &str); 7] = [
    (8_613_911_111_111, "first"),
    (8_613_011_111_111, "second"),
    (862_012_345_678, "landline"),
    (85_291_234_567, "foreign"),
    (861_064_812_345_678, "data_only"),
    (8_615_412_345_678, "no_carrier"),
    (0, "no_telephone"),
];

fn sorter() -> Sorter {
    let mut numbers = Numbers::shipped().unwrap();
    numbers.verified = true;
    let unicom = ["unicom".to_owned()];
    let shares = Share::of(&[&[], &unicom], &numbers).unwrap();
    Sorter {
        kinds: Kinds::of(&numbers),
        share: shares.into_iter().next(),
        abroad: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn everybody_is_with_one_account_or_counted_by_why_not(
        people in proptest::collection::vec((select(&PHONES[..]), any::<bool>(), any::<bool>()), 1..60),
        with_mail in any::<bool>(),
    ) {
        let rows: String = (0..).zip(&people).map(|(no, ((phone, _), english, mail))| {
            let phone = if *phone == 0 { String::new() } else { format!("+{phone}") };
            let language = if *english { "en" } else { "zh" };
            // Who has neither telephone nor mail is nobody's to tell, and not in the directory.
            let mail = if *mail || phone.is_empty() { format!("u{no}@x.example") } else { String::new() };
            format!("U{no},113.05,23.05,{phone},{language},public,{mail},\n")
        }).collect();
        let directory = load(&rows, None).directory;
        let wanted = audience(&directory, Reach::Public, &["440100000000"]);
        let channels = [Channel::Sms, Channel::Email];
        let channels = if with_mail { &channels[..] } else { &channels[..1] };
        let found = directory.preview_by(&city(), &wanted, channels, Some(&sorter())).unwrap();
        let has_mail = |(phone, _): &(u64, &str), mail: bool| mail || *phone == 0;
        for (account, name) in [(0, "first"), (1, "second")] {
            for (language, english) in [(Language::Zh, false), (Language::En, true)] {
                let heads = found.heads.iter().filter(|head| {
                    (head.channel, head.language, head.account) == (Channel::Sms, language, account)
                });
                let heads: u64 = heads.map(|head| head.people).sum();
                let expected = people.iter().filter(|((_, of), en, _)| *of == name && *en == english);
                prop_assert_eq!(heads, expected.count() as u64, "{}", name);
            }
        }
        let told = |of: &str| matches!(of, "first" | "second");
        for (_, name) in PHONES.iter().filter(|(_, name)| !told(name)) {
            let missed = found.missed_by.iter().filter(|(why, _)| {
                serde_json::to_value(why).unwrap() == *name
            });
            let missed: u64 = missed.map(|(_, people)| people).sum();
            let expected = people.iter().filter(|(phone, _, mail)| {
                phone.1 == *name && !(with_mail && has_mail(phone, *mail))
            });
            prop_assert_eq!(missed, expected.count() as u64, "{}", name);
        }
        prop_assert_eq!(found.missed, found.missed_by.values().sum::<u64>());
        prop_assert_eq!(found.people + found.missed, people.len() as u64);
        // Without a list and with one account nobody's telephone is looked at, and the sums are the old ones.
        let plain = directory.preview(&city(), &wanted, channels).unwrap();
        prop_assert_eq!(plain.people + plain.missed, people.len() as u64);
        let strange = directory.without_carrier(&sorter().kinds);
        let expected = people.iter().filter(|((_, name), ..)| *name == "no_carrier").count() as u64;
        prop_assert_eq!(strange.get(&1541).copied().unwrap_or(0), expected);
        prop_assert_eq!(strange.values().sum::<u64>(), expected);
    }
}
