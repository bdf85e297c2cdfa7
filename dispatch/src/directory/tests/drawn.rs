//! Drawn places over a directory: who is resolved, counted and given is whom a look at each person
//! finds, in any area, by class, each telephone once.

use super::*;
use crate::directory::Shape;

fn position() -> impl Strategy<Value = [f64; 2]> {
    (0u32..2000, 0u32..2000).prop_map(|(x, y)| {
        [
            113.0 + f64::from(x) / 10_000.0,
            23.0 + f64::from(y) / 10_000.0,
        ]
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        proptest::collection::vec(position(), 3..8).prop_map(|mut ring| {
            ring.push(ring[0]);
            Shape::polygon(&[ring], None).unwrap()
        }),
        (
            proptest::collection::vec(position(), 1..4),
            10.0..8_000.0f64
        )
            .prop_map(|(line, distance)| Shape::around(&[line], distance).unwrap()),
    ]
}

/// Whether somebody lives in the shape: a directory of that one person says so. That it is right
/// about one is held by the tests of shapes.
fn lives_in(shape: &Shape, p: &Person) -> bool {
    let cover = super::super::shape::cover::Cover::new(shape);
    let spot = super::super::cells::Spot::of(
        113.0 + f64::from(p.x) / 10_000.0,
        23.0 + f64::from(p.y) / 10_000.0,
    );
    let row = cover.rows().iter().find(|(y, _)| *y == spot.cell().y);
    let span = row.and_then(|(_, spans)| {
        let mut spans = cover.spans(spans).iter();
        spans.find(|span| (span.from..=span.to).contains(&spot.cell().x))
    });
    let mut around = Default::default();
    cover.around(spot.cell(), &mut around);
    span.is_some() && cover.holds(spot, &around)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn who_lives_in_it_is_found_once(
        people in proptest::collection::vec(person(), 0..80),
        shape in shape(),
        area in 0usize..5,
        school in any::<bool>(),
        chunk in 1usize..20,
    ) {
        let loaded = load(&table(&people), None);
        let directory = &loaded.directory;
        let code = ["440100000000", TOWNSHIPS[0], TOWNSHIPS[1], TOWNSHIPS[2], TOWNSHIPS[3]][area];
        let mut wanted = audience(directory, Reach::Public, &[code]);
        wanted.shape = Some(shape.clone());
        if school {
            wanted.roles = vec!["school".to_owned()];
        }
        let township = |p: &Person| TOWNSHIPS[usize::from(p.x > 1000) * 2 + usize::from(p.y > 1000)];
        let meant = |p: &Person| {
            (area == 0 || township(p) == code) && (!school || p.school) && lives_in(&shape, p)
        };
        let expected: Vec<u32> = (0..).zip(&people).filter(|(_, p)| meant(p) && p.ways & 1 != 0).map(|(no, _)| no).collect();
        let rows = all(directory, &wanted, Channel::Sms, chunk);
        let mut found: Vec<u32> = rows.iter().map(|row| row.recipient.0 - 10).collect();
        found.sort_unstable();
        prop_assert_eq!(&found, &expected);
        let preview = directory.preview(&city(), &wanted, &[Channel::Sms]).unwrap();
        prop_assert_eq!(preview.people, expected.len() as u64);
        prop_assert_eq!(preview.missed, people.iter().filter(|p| meant(p) && p.ways & 1 == 0).count() as u64);
        let shared = rows.iter().filter(|row| row.shared).count() as u64;
        prop_assert_eq!(preview.shared, shared);

        // Each telephone once, for the first row that has it, in the order of rows.
        let mut given = Vec::new();
        let mut targets = directory.targets(&city(), &wanted, Channel::Sms).unwrap();
        while targets.next(&mut given) {}
        let phone = |no: &u32| directory.recipient(RecipientNo(*no)).and_then(|r| r.phone()).unwrap();
        let phones: BTreeSet<u64> = given.iter().map(phone).collect();
        prop_assert_eq!(phones.len(), given.len());
        let all_phones: BTreeSet<u64> = rows.iter().map(|row| row.address).collect();
        prop_assert_eq!(phones, all_phones);
        prop_assert!(given.iter().all(|no| expected.contains(&(no - 10))));

        let key = SealKey::new("k", [3; 32]);
        let opened = Directory::open(&city(), &key, &sealed(&loaded, &key)[..]).unwrap().directory;
        prop_assert_eq!(all(&opened, &wanted, Channel::Sms, chunk), rows);
    }
}

#[test]
fn an_area_that_is_missing_never_means_everybody() {
    let directory = load("U1,113.05,23.05,+8613911111111,zh,public,,\n", None).directory;
    let ring = vec![[113.0, 23.0], [113.2, 23.0], [113.2, 23.2], [113.0, 23.0]];
    let mut nobody = audience(&directory, Reach::Public, &[]);
    nobody.shape = Some(Shape::polygon(&[ring], None).unwrap());
    assert!(nobody.is_empty());
    assert_eq!(all(&directory, &nobody, Channel::Sms, 9), []);
    let mut given = Vec::new();
    let mut targets = directory.targets(&city(), &nobody, Channel::Sms).unwrap();
    assert!(!targets.next(&mut given) && given.is_empty());
}

#[test]
fn an_audience_keeps_its_shape_in_the_journal() {
    let directory = load("", None).directory;
    let mut drawn = audience(&directory, Reach::Public, &["440100000000"]);
    drawn.shape = Some(Shape::around(&[vec![[113.05, 23.05]]], 500.0).unwrap());
    let text = serde_json::to_string(&drawn).unwrap();
    let back: Audience = serde_json::from_str(&text).unwrap();
    assert_eq!(back, drawn);
    let whole = Audience {
        shape: None,
        ..drawn.clone()
    };
    assert!(whole.includes(&drawn) && !drawn.includes(&whole));
    assert!(!serde_json::to_string(&whole).unwrap().contains("shape"));
}
