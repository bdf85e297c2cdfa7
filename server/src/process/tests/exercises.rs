//! The gate of exercises at the gateway: a record that stands in the wrong queue goes to nobody.

use super::*;
use crate::courier::INTENT;
use crate::exercises::Group;
use crate::process::ExerciseOptions;
use dispatch::intent::{Audience, Intent, IntentId};
use dispatch::wording::{Message, Purpose};
use journal::{Batch, Priority};
use model::{AreaCode, Channel, Hazard, Language, Mode, Reach, Tier, WarningId};

const TOWN: &str = "440106014000";

fn intent(mode: Mode, reach: Reach, among: Option<Vec<String>>, app: &App) -> Intent {
    let area = AreaCode::parse(TOWN).unwrap();
    let at = app.clock.now();
    let warning = WarningId::derive(area, mode, Hazard::Waterlogging, area, at);
    let place = format!("{reach:?} {among:?}");
    Intent {
        id: IntentId::derive(warning, 1, "sms", Purpose::Alert, reach, &place),
        warning,
        revision: 1,
        purpose: Purpose::Alert,
        link: "sms".into(),
        channel: Channel::Sms,
        mode,
        audience: Audience {
            areas: vec![area],
            among,
            ..Audience::of(reach, app.installation.directory.version())
        },
        only_told: false,
        only_new: false,
        again: false,
        by_area: false,
        words: vec![Message {
            channel: Channel::Sms,
            language: Language::Zh,
            subject: String::new(),
            text: "【演练】请立即离开【演练】".into(),
            instruction: String::new(),
            variant_no: 0,
        }],
        spare: Vec::new(),
        instead_of: None,
        tried: Vec::new(),
        moved_from: Vec::new(),
        tier: Tier::Red,
        onset: at,
        exposure: 1,
        not_before: None,
        not_after: at + Span::from_minutes(60),
        created: at,
    }
}

/// Puts an intent into the queue of the link of short messages of a world, whatever it says.
async fn put(app: &App, intent: &Intent) {
    let number = app.links.iter().position(|link| link == "sms").unwrap();
    let queue = Topic::new(Kind::Deliveries, app.mode);
    let mut batch = Batch::new(app.clock.now().millis(), Priority::Vital);
    let json = serde_json::to_vec(intent).unwrap();
    batch.append(queue, Partition(number as u16), INTENT, &[], &json);
    app.journal.submit(batch).unwrap().await.unwrap();
}

fn kept_back(app: &App) -> u64 {
    let metric = &app.metrics.withheld;
    metric.with_label_values(&["gateway", "sms"]).get()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_wrong_queue_goes_to_nobody_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let contacts = folder.join("city/contacts.csv");
    let rows = fs::read_to_string(&contacts).unwrap();
    let other = "P3,副镇长,township_head,440106014000,+8613900000014,,,zh,,1\n";
    fs::write(&contacts, rows + other).unwrap();
    let (opened, installation) = opened(folder, Storage::default()).unwrap();
    let exercises = ExerciseOptions {
        groups: vec![Group {
            id: "street".into(),
            name: "街道".into(),
            people: vec!["P2".into()],
        }],
        devices: Vec::new(),
        links: Vec::new(),
    };
    let options = Options {
        exercises: Some(exercises),
        ..options(installation, 0, NEVER, Vec::new())
    };
    let running = start(opened, options).await.unwrap();
    let real = &running.app;
    let world = std::sync::Arc::clone(&real.exercises.as_ref().unwrap().world);
    // The link of the channel is one that stands in: it fails whatever comes to it, and counts it.
    let failed = |app: &App| {
        let rows = app.view.deliveries();
        rows.iter().map(|row| row.failed).sum::<u64>()
    };
    let listed = Some(vec!["P2".to_owned()]);

    // An exercise in the real queue.
    put(
        real,
        &intent(Mode::Exercise, Reach::Responsible, listed.clone(), real),
    )
    .await;
    eventually("the real link keeps it back", real, || kept_back(real) == 1).await;
    // Something real, the public, and somebody whom no white list of the configuration has, in that of
    // exercises.
    put(
        &world,
        &intent(Mode::Actual, Reach::Responsible, listed.clone(), &world),
    )
    .await;
    put(&world, &intent(Mode::Exercise, Reach::Public, None, &world)).await;
    let stranger = Some(vec!["P3".to_owned()]);
    put(
        &world,
        &intent(Mode::Exercise, Reach::Responsible, stranger, &world),
    )
    .await;
    let everybody = intent(Mode::Exercise, Reach::Responsible, None, &world);
    put(&world, &everybody).await;
    eventually("one person of the list is let through", real, || {
        failed(&world) == 1
    })
    .await;
    eventually("the rest is kept back", real, || kept_back(&world) == 4).await;
    assert_eq!((failed(real), kept_back(real)), (0, 1));
    assert_eq!(failed(&world), 1);
    running.stop().await.unwrap();
}
