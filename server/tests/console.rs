//! The console in a browser against the built binary: two people read, change, sign and review what
//! observations brought, and see who was told. The cases are `console/e2e`, which run against the
//! mock too.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

mod demo_city;
#[expect(
    dead_code,
    reason = "this test needs less of the served city than others"
)]
mod small;

use demo_city::root;
use dispatch::simulator::carrier::{Carrier, CarrierConfig};
use model::Span;
use small::Served;
use small::node::missing::missing;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A message centre that gives receipts, so that deliveries move.
fn centre(runtime: &tokio::runtime::Runtime) -> SocketAddr {
    let config = CarrierConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        system_id: "sanfang".into(),
        password: "secret".into(),
        receipt_after: Some(Span::from_millis(300)),
        ..CarrierConfig::default()
    };
    let carrier = Carrier::bind(config, model::Time::default);
    let carrier = runtime.block_on(carrier).unwrap();
    let address = carrier.address();
    runtime.spawn(carrier.serve());
    address
}

/// The demo city with a few of its people, served with that message centre.
fn serve(folder: &Path, centre: SocketAddr) -> Served {
    let city = demo_city::write(folder, 500);
    // Falls are to go out at any hour that this runs at.
    let settings = std::fs::read_to_string(city.join("city.toml")).unwrap();
    let awake = settings.replace(
        "quiet = { from = 22, to = 7 }",
        "quiet = { from = 0, to = 0 }",
    );
    assert_ne!(settings, awake);
    std::fs::write(city.join("city.toml"), awake).unwrap();
    respond(&city);
    forecast(&city);
    // It has no link for devices and mail, and would say so at each warning.
    let quiet = vec![("SANFANG_LOG".to_owned(), "off".to_owned())];
    let mut served = Served::with(folder, &city, centre.port(), quiet, "");
    served.ready().unwrap();
    served
}

/// The demo city's plans of responses, with the two at its posts: one of them is the commander.
fn respond(city: &Path) {
    let demo = root().join("testdata/city");
    let plans = std::fs::read_to_string(demo.join("responses.toml")).unwrap();
    let two = plans.replace(r#"["chief", "deputy-duty"]"#, r#"["chen", "wang"]"#);
    let both = two.replace(r#"["chief"]"#, r#"["wang"]"#);
    assert!(plans != two && two != both && !both.contains(r#""chief""#));
    std::fs::write(city.join("responses.toml"), both).unwrap();
    let tasks = demo.join("plans.csv");
    std::fs::copy(tasks, city.join("plans.csv")).unwrap();
}

/// The demo city's products by lead time, with an evening that may be filed at any hour.
fn forecast(city: &Path) {
    let services = std::fs::read_to_string(root().join("testdata/city/services.toml")).unwrap();
    let open = services.replace(r#"from = "16:00""#, r#"from = "00:01""#);
    let open = open.replace(r#"due = "18:00""#, r#"due = "23:59""#);
    let always = open.replace(r#"until = "06:00""#, r#"until = "00:00""#);
    assert!(services != open && open != always);
    std::fs::write(city.join("services.toml"), always).unwrap();
}

#[test]
fn two_people_warn_a_city_in_the_browser() {
    let console = root().join("console");
    if !console.join("node_modules/playwright-core").exists() {
        missing("the browser's driver: make console");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = serve(folder.path(), centre(&runtime));
    let output = Command::new("node")
        .arg("e2e/run.mjs")
        .current_dir(console)
        .env("BASE_URL", format!("http://{}", served.address()))
        .env("TOKEN", "token-chen")
        .env("TOKEN2", "token-wang")
        .env("WAIT_MS", "20000")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if let Some(why) = said.lines().find_map(|line| line.strip_prefix("SKIPPED: ")) {
        missing(why);
        return;
    }
    assert!(output.status.success(), "{said}");
}
