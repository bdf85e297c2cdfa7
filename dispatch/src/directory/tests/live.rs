//! Who subscribes, moves or leaves while a version stands: whom a directory then finds, counts and
//! gives is what one made anew of the outcome does.

use super::*;
use crate::directory::Shape;

/// What one person does.
#[derive(Clone, Debug)]
enum Act {
    /// Comes, or is somewhere or somehow else from now on.
    Put(usize, Person),
    Leave(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0usize..50, person()).prop_map(|(no, person)| Act::Put(no, person)),
        1 => (0usize..50).prop_map(Act::Leave),
    ]
}

fn resident(directory: &Directory, row: &str) -> Result<Resident, Vec<Fault>> {
    let cells: Vec<&str> = row.trim_end().split(',').collect();
    let joining = Joining {
        id: cells[0],
        position: (cells[1].parse().ok(), cells[2].parse().ok()),
        area: "",
        phone: cells[3],
        language: cells[4],
        audience: cells[5],
        email: cells[6],
        push: cells[7],
    };
    directory.resident(&city(), &joining, 1)
}

/// A directory that people change, beside the plain list of what came out.
struct Town {
    loaded: Loaded,
    directory: Directory,
    /// By id: the number, and as they are.
    people: BTreeMap<usize, (RecipientNo, Option<Person>)>,
}

impl Town {
    fn new(people: &[Person]) -> Self {
        let loaded = load(&table(people), None);
        let numbers = (10..).map(RecipientNo);
        let people = people.iter().zip(numbers).enumerate();
        Self {
            directory: loaded.directory.clone(),
            people: people
                .map(|(id, (p, no))| (id, (no, Some(p.clone()))))
                .collect(),
            loaded,
        }
    }

    fn act(&mut self, acts: &[Act]) {
        let mut changes = Vec::new();
        let mut next = self.directory.numbers();
        for act in acts {
            let (Act::Put(id, _) | Act::Leave(id)) = act;
            let person = match act {
                Act::Put(_, person) => Some(person.clone()),
                Act::Leave(id) if self.people.contains_key(id) => None,
                Act::Leave(_) => continue,
            };
            let known = self.people.get(id).map(|(no, _)| *no);
            let recipient = known.unwrap_or_else(|| {
                next += 1;
                RecipientNo(next - 1)
            });
            let row = person.as_ref().map(|person| row(*id, person));
            changes.push(Change {
                recipient,
                key: Directory::key_of(&format!("U{id}")),
                resident: row.map(|row| resident(&self.directory, &row).unwrap()),
            });
            self.people.insert(*id, (recipient, person));
        }
        self.directory = self.directory.changed(&city(), &changes).unwrap();
        assert_eq!(self.directory.numbers(), next);
    }

    fn earlier(&self) -> Earlier<'_> {
        Earlier {
            directory: &self.directory,
            numbers: &self.loaded.numbers,
        }
    }

    /// A directory of the outcome, and the ids of its numbers.
    fn anew(&self) -> (Directory, BTreeMap<u32, usize>) {
        let standing = self.people.iter();
        let standing: Vec<_> = standing
            .filter_map(|(id, (_, person))| Some((*id, person.as_ref()?)))
            .collect();
        let text: String = standing.iter().map(|(id, p)| row(*id, p)).collect();
        let ids = (10..).zip(standing.iter().map(|(id, _)| *id)).collect();
        (load(&text, None).directory, ids)
    }

    fn ids(&self) -> BTreeMap<u32, usize> {
        self.people
            .iter()
            .map(|(id, (no, _))| (no.0, *id))
            .collect()
    }
}

type Ids = BTreeMap<u32, usize>;

/// Holds whom one directory finds in an audience against whom the other does.
fn agree(one: (&Directory, &Ids), other: (&Directory, &Ids), wanted: &Audience, chunk: usize) {
    let channels = [Channel::Sms, Channel::Email, Channel::Push];
    let found = |(directory, ids): (&Directory, &Ids)| {
        let wanted = wanted.in_version(directory.version());
        let rows = channels.map(|channel| {
            let rows = all(directory, &wanted, channel, chunk);
            let mut rows: Vec<_> = rows
                .iter()
                .map(|row| (ids[&row.recipient.0], row.variant, row.shared, row.address))
                .collect();
            rows.sort_unstable();
            rows
        });
        let mut given = Vec::new();
        let mut targets = directory.targets(&city(), &wanted, Channel::Sms).unwrap();
        while targets.next(&mut given) {}
        let phone = |no: &u32| {
            directory
                .recipient(RecipientNo(*no))
                .and_then(|r| r.phone())
        };
        let mut phones: Vec<_> = given.iter().map(phone).collect();
        phones.sort_unstable();
        let preview = directory.preview(&city(), &wanted, &channels[..2]).unwrap();
        let areas: Vec<_> = rows
            .iter()
            .flatten()
            .map(|(id, ..)| {
                let no = ids.iter().find(|(_, known)| *known == id).unwrap().0;
                directory.area_of(&city(), RecipientNo(*no))
            })
            .collect();
        (rows, phones, preview, areas)
    };
    assert_eq!(found(one), found(other));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_changed_is_what_a_new_roll_would_say(
        people in proptest::collection::vec(person(), 0..40),
        acts in proptest::collection::vec(act(), 0..40),
        batch in 1usize..6,
        areas in proptest::collection::vec(0usize..5, 0..3),
        school in any::<bool>(),
        circle in proptest::option::of((0u32..2000, 0u32..2000, 100.0..9_000.0f64)),
        chunk in 1usize..20,
    ) {
        let mut town = Town::new(&people);
        let codes = ["440100000000", TOWNSHIPS[0], TOWNSHIPS[1], TOWNSHIPS[2], TOWNSHIPS[3]];
        let picked: Vec<&str> = areas.iter().map(|at| codes[*at]).collect();
        let mut wanted = audience(&town.directory, Reach::Public, &picked);
        if school {
            wanted.roles = vec!["school".to_owned()];
        }
        wanted.shape = circle.map(|(x, y, distance)| {
            let place = [113.0 + f64::from(x) / 10_000.0, 23.0 + f64::from(y) / 10_000.0];
            Shape::around(&[vec![place]], distance).unwrap()
        });
        for acts in acts.chunks(batch) {
            town.act(acts);
        }
        let (anew, ids) = town.anew();
        agree((&town.directory, &town.ids()), (&anew, &ids), &wanted, chunk);
        prop_assert_eq!(town.directory.len(), anew.len());
        let tokens = |directory: &Directory| {
            let mut all: Vec<_> = directory.push_tokens().map(|(_, token)| token.to_owned()).collect();
            all.sort();
            all
        };
        prop_assert_eq!(tokens(&town.directory), tokens(&anew));
        for (id, (no, person)) in &town.people {
            prop_assert_eq!(town.directory.recipient(*no).is_some(), person.is_some(), "{}", id);
        }

        // The next version says the same with nobody beside it, opened from its file too.
        let folded = Directory::folded(&city(), town.earlier(), &[]);
        prop_assert_eq!((folded.directory.changes(), folded.directory.numbers()), (0, town.directory.numbers()));
        agree((&folded.directory, &town.ids()), (&anew, &ids), &wanted, chunk);
        let key = SealKey::new("k", [3; 32]);
        let file = sealed(&folded, &key);
        let opened = Directory::open(&city(), &key, &file[..]).unwrap();
        agree((&opened.directory, &town.ids()), (&anew, &ids), &wanted, chunk);
        let (known, keys): (Vec<_>, Vec<_>) = town.people.iter().map(|(id, (no, _))| {
            (Some(*no), Directory::key_of(&format!("U{id}")))
        }).unzip();
        let given = folded.directory.numbers();
        let found = numbers_in(&mut std::io::Cursor::new(&file), &key, given, &keys).unwrap();
        prop_assert_eq!(found, known);

        // The roll of before does not undo what people said themselves.
        let again = Directory::read(
            &city(),
            CONTACTS.as_bytes(),
            format!("id,lon,lat,phone,language,audience,email,push\n{}", table(&people)).as_bytes(),
            Some(town.earlier()),
        ).unwrap();
        agree((&again.directory, &town.ids()), (&anew, &ids), &wanted, chunk);
        let file = sealed(&again, &key);
        let opened = Directory::open(&city(), &key, &file[..]).unwrap();
        let third = Directory::read(
            &city(),
            CONTACTS.as_bytes(),
            format!("id,lon,lat,phone,language,audience,email,push\n{}", table(&people)).as_bytes(),
            Some(Earlier { directory: &opened.directory, numbers: &opened.numbers }),
        ).unwrap();
        agree((&third.directory, &town.ids()), (&anew, &ids), &wanted, chunk);
    }

    #[test]
    fn who_moves_while_an_audience_is_gone_through_is_met(
        people in proptest::collection::vec(person(), 1..40),
        acts in proptest::collection::vec(act(), 1..12),
        at in 0usize..12,
        chunk in 1usize..8,
    ) {
        let mut town = Town::new(&people);
        let wanted = audience(&town.directory, Reach::Public, &["440100000000"]);
        let (mut met, mut cursor, mut pages) = (BTreeSet::new(), 0, 0);
        loop {
            let mut rows = Vec::new();
            if pages >= at && let Some(act) = acts.get(pages - at) {
                town.act(std::slice::from_ref(act));
            }
            let at = (0, cursor);
            let page = town.directory.resolve(&city(), &wanted, Channel::Sms, at, chunk, &mut rows).unwrap();
            met.extend(rows.iter().map(|row| row.recipient));
            prop_assert!(page.cursor >= cursor);
            (cursor, pages) = (page.cursor, pages + 1);
            if page.end {
                break;
            }
        }
        // Whoever stands there by short message alone was met, whatever they did meanwhile.
        for (no, person) in town.people.values() {
            if person.as_ref().is_some_and(|person| person.ways == 1) {
                prop_assert!(met.contains(no), "{:?}", no);
            }
        }
    }
}

#[test]
fn the_forgotten_leave_no_id_and_their_numbers_nobody_gets() {
    let one = Person {
        x: 100,
        y: 100,
        phone: 7,
        english: false,
        school: false,
        ways: 7,
    };
    let mut town = Town::new(&[one.clone(), one.clone()]);
    town.act(&[Act::Put(5, one.clone()), Act::Put(0, one.clone())]);
    let forgotten = [10, 12];
    let folded = Directory::folded(&city(), town.earlier(), &forgotten);
    for no in forgotten {
        assert!(folded.directory.recipient(RecipientNo(no)).is_none());
    }
    let key = SealKey::new("k", [3; 32]);
    let file = sealed(&folded, &key);
    let keys = ["U0", "U1", "U5"].map(Directory::key_of);
    let given = folded.directory.numbers();
    let found = numbers_in(&mut std::io::Cursor::new(&file), &key, given, &keys).unwrap();
    assert_eq!(found, [None, Some(RecipientNo(11)), None]);
    let next = load(&table(&[one.clone(), one]), Some(&folded));
    let numbers: Vec<_> = [10, 11, 12, 13]
        .map(|no| next.directory.recipient(RecipientNo(no)).is_some())
        .into();
    assert_eq!(numbers, [false, true, false, true]);
    // A list that comes with a restore names numbers that were never given here: nobody gets them.
    let restored = Directory::folded(&city(), town.earlier(), &[20]);
    assert_eq!(restored.directory.numbers(), 21);
}

#[test]
fn what_is_wrong_with_somebody_is_said_by_field_and_names_nobody() {
    let directory = load("", None).directory;
    let faults = |row: &str| texts(&resident(&directory, row).unwrap_err()).concat();
    for (row, field) in [
        (",113.05,23.05,+8613911111111,zh,public,,", "id"),
        ("U,113.05,23.05,1391111,zh,public,,", "phone"),
        ("U,113.05,23.05,+8611011111111,zh,public,,", "phone"),
        ("U,119.05,23.05,+8613911111111,zh,public,,", "lon"),
        ("U,113.05,93.05,+8613911111111,zh,public,,", "lat"),
        ("U,113.05,23.05,+8613911111111,xx,public,,", "language"),
        ("U,113.05,23.05,+8613911111111,zh,,,", "audience"),
        ("U,113.05,23.05,,zh,public,nowhere,", "email"),
        ("U,113.05,23.05,,zh,public,,", "phone"),
    ] {
        let found = faults(row);
        assert!(
            found.contains(&format!("field {field}:")),
            "{field}: {found}"
        );
        assert!(!found.contains("1111111"), "{found}");
    }
    let found = resident(&directory, "U,113.05,23.05,+8613911111111,zh,public,,").unwrap();
    assert_eq!(found.area.to_string(), TOWNSHIPS[0]);
    assert!(!format!("{found:?}").contains("1111"));
}

#[test]
fn more_changes_than_there_may_be_are_refused_and_change_nothing() {
    let directory = load("", None).directory;
    let row = "U,113.05,23.05,,zh,public,u@x.example,";
    let resident = resident(&directory, row).unwrap();
    let change = |no: u32| Change {
        recipient: RecipientNo(10 + no),
        key: u64::from(no) + 1,
        resident: Some(resident.clone()),
    };
    let most: Vec<_> = (0..CHANGED_MAX as u32).map(change).collect();
    let full = directory.changed(&city(), &most).unwrap();
    assert_eq!(full.changes(), CHANGED_MAX);
    let more = full.changed(&city(), &[change(CHANGED_MAX as u32)]);
    assert_eq!(more.unwrap_err(), Unchanged::Full);
    // Those who stand there already may still move, and leave.
    let gone = Change {
        resident: None,
        ..change(0)
    };
    assert!(full.changed(&city(), &[change(1), gone]).is_ok());
    let stranger = Change {
        recipient: RecipientNo(0),
        ..change(0)
    };
    let refused = directory.changed(&city(), &[stranger]);
    assert_eq!(refused.unwrap_err(), Unchanged::Stranger(0));
}
