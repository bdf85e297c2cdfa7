//! A roll as Parquet gives what the same one as CSV gives, and says what is wrong with it.

use super::*;
use crate::directory::{ParquetFile, Roll};

/// Written by pyarrow: see `testdata/rolls/make.py`.
fn roll(name: &str) -> ParquetFile {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata/rolls")
        .join(name);
    ParquetFile::new(std::fs::File::open(path).unwrap()).unwrap()
}

fn parquet(name: &str) -> Result<Loaded, Vec<Fault>> {
    let roll = Roll::<&[u8]>::Parquet(roll(name));
    Directory::read_roll(&city(), CONTACTS.as_bytes(), roll, None, &mut |_| {})
}

fn csv() -> Loaded {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/rolls/some.csv");
    let file = std::fs::File::open(path).unwrap();
    Directory::read(&city(), CONTACTS.as_bytes(), file, None).unwrap()
}

#[test]
fn a_roll_of_others_gives_the_same_version_as_its_csv() {
    let csv = csv();
    for name in ["texts.parquet", "numbers.parquet", "zstd.parquet"] {
        let loaded = parquet(name).unwrap();
        assert_eq!(
            loaded.directory.version(),
            csv.directory.version(),
            "{name}"
        );
        let said = |faults: &[Fault]| -> Vec<String> {
            let rows = faults.iter().filter(|f| f.line.is_some());
            rows.map(|f| f.what.clone()).collect()
        };
        assert_eq!(said(&loaded.faults), said(&csv.faults), "{name}");
    }
    assert_eq!(csv.directory.people.len(), 6);
}

#[test]
fn what_is_wrong_is_named_with_its_row() {
    let found = texts(&parquet("numbers.parquet").unwrap().faults);
    for wanted in [
        "subscribers.parquet:4: field phone: there is no way to reach this person",
        "subscribers.parquet:5: field phone: no carrier has numbers like +86129****0005",
        "subscribers.parquet:6: field area: no area \"440109009000\"",
        "subscribers.parquet:7: field id: it stands there twice",
    ] {
        assert!(
            found.iter().any(|f| f.starts_with(wanted)),
            "{wanted} in {found:#?}"
        );
    }
}

#[test]
fn who_has_an_area_and_no_place_stands_in_that_area() {
    let directory = csv().directory;
    for (code, people) in [("440102002000", 1), ("440101002000", 2)] {
        let wanted = audience(&directory, Reach::Public, &[code]);
        let preview = directory.preview(&city(), &wanted, &[Channel::Sms]);
        assert_eq!(preview.unwrap().people, people, "{code}");
    }
}

#[test]
fn languages_of_visitors_are_kept() {
    let directory = csv().directory;
    let wanted = audience(&directory, Reach::Public, &["440100000000"]);
    let preview = directory.preview(&city(), &wanted, &[Channel::Sms]);
    let of = |language| {
        let heads = &preview.as_ref().unwrap().heads;
        let heads = heads.iter().filter(|head| head.language == language);
        heads.map(|head| head.people).sum::<u64>()
    };
    assert_eq!(
        (of(Language::Ja), of(Language::Fr), of(Language::Zh)),
        (1, 1, 2)
    );
}

#[test]
fn a_file_that_is_no_roll_is_refused_with_a_word() {
    let refused = |name: &str| texts(&parquet(name).unwrap_err()).concat();
    assert!(refused("lacking.parquet").contains("column audience: it is missing"));
    assert!(refused("nested.parquet").contains("column audience: it holds lists or records"));
    assert!(refused("types.parquet").contains("column lon: INT64 where a number or text is read"));
    assert!(ParquetFile::new(bytes::Bytes::from_static(b"id,lon,lat")).is_err());
}

#[test]
fn far_from_it_is_heard_now_and_then() {
    let mut rows = String::from("id,lon,lat,phone,language,audience\n");
    // Rows that are left out are looked at too.
    for _ in 0..(1 << 20) {
        rows.push_str(",,,,,\n");
    }
    let mut heard = Vec::new();
    let roll = Roll::Csv(rows.as_bytes());
    let read = Directory::read_roll(&city(), CONTACTS.as_bytes(), roll, None, &mut |rows| {
        heard.push(rows);
    });
    let faults = read.unwrap().faults;
    assert_eq!(heard, [1 << 20]);
    assert_eq!(
        faults.len(),
        model::fault::FAULTS_MAX + 1,
        "the rest are counted"
    );
}
