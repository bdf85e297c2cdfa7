//! The directory of the demo city: 200,000 subscribers read, sealed, opened and resolved.

use criterion::{Criterion, criterion_group, criterion_main};
use dispatch::directory::{Directory, SealKey};
use dispatch::intent::Audience;
use model::release::Reach;
use model::{AreaCode, AreaLevel, Channel, City};
use std::hint::black_box;
use std::path::Path;

fn bytes(name: &str) -> Option<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city");
    std::fs::read(directory.join(name)).ok()
}

fn directory(c: &mut Criterion) {
    let Ok(city) = City::read(bytes, &[]) else {
        eprintln!("SKIPPED: testdata/city is missing; run `node testdata/generate.mjs`");
        return;
    };
    let (contacts, subscribers) = (
        bytes("contacts.csv").unwrap_or_default(),
        bytes("subscribers.csv").unwrap_or_default(),
    );
    let read = || Directory::read(&city, &contacts[..], &subscribers[..], None);
    let Ok(loaded) = read() else {
        eprintln!("SKIPPED: contacts.csv or subscribers.csv cannot be read");
        return;
    };
    let (directory, numbers) = (loaded.directory, loaded.numbers);
    println!("{directory:?}, {} faults", loaded.faults.len());
    let key = SealKey::new("bench", [1; 32]);
    let seal = || {
        let mut file = Vec::new();
        directory.seal(&numbers, &key, &mut file).map(|()| file)
    };
    let sealed = seal().unwrap_or_default();

    let mut group = c.benchmark_group("directory");
    group.sample_size(10);
    group.bench_function("read", |b| b.iter(|| black_box(read().is_ok())));
    group.bench_function("seal", |b| b.iter(|| black_box(seal().is_ok())));
    group.bench_function("open", |b| {
        b.iter(|| black_box(Directory::open(&city, &key, &sealed[..]).is_ok()));
    });
    group.finish();

    let district = city.areas_of(AreaLevel::District).next();
    let district = district.and_then(|no| city.area(no)).map(|a| a.code);
    let mut group = c.benchmark_group("resolve");
    for (name, areas) in [
        ("city", vec![city.code]),
        ("district", district.into_iter().collect()),
    ] {
        let audience = public(&directory, areas);
        let mut rows = Vec::new();
        group.bench_function(format!("{name}/first chunk"), |b| {
            b.iter(|| {
                rows.clear();
                let page =
                    directory.resolve(&city, &audience, Channel::Sms, (0, 0), 4096, &mut rows);
                black_box(page.is_ok())
            });
        });
        group.bench_function(format!("{name}/all"), |b| {
            b.iter(|| black_box(resolve_all(&directory, &city, &audience)));
        });
        group.bench_function(format!("{name}/preview"), |b| {
            b.iter(|| black_box(directory.preview(&city, &audience, &Channel::ALL).is_ok()));
        });
        println!("{name}: {} rows", resolve_all(&directory, &city, &audience));
    }
    group.finish();
}

fn public(directory: &Directory, areas: Vec<AreaCode>) -> Audience {
    let mut audience = Audience::of(Reach::Public, directory.version());
    audience.areas = areas;
    audience
}

/// Both passes, in chunks as the outbox asks for them.
fn resolve_all(directory: &Directory, city: &City, audience: &Audience) -> usize {
    let (mut rows, mut count) = (Vec::new(), 0);
    for pass in [0, 1] {
        let mut cursor = 0;
        loop {
            rows.clear();
            let page = directory.resolve(
                city,
                audience,
                Channel::Sms,
                (pass, cursor),
                4096,
                &mut rows,
            );
            count += rows.len();
            match page {
                Ok(page) if !page.end => cursor = page.cursor,
                Ok(_) | Err(_) => break,
            }
        }
    }
    count
}

criterion_group!(benches, directory);
criterion_main!(benches);
