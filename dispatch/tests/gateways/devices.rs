//! Site devices through a real broker.

use crate::peers::{missing, runtime};
use dispatch::gateway::Proof;
use dispatch::gateway::device::command::Addressed;
use dispatch::gateway::device::{
    Action, Command, DeviceConfig, Devices, Position, ProtocolVersion,
};
use dispatch::simulator::devices::{Device, Fault, Fleet, FleetConfig};
use model::{Mode, SendError, Span, Time};
use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

pub(crate) struct Broker {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Broker {
    pub(crate) fn start() -> Option<Self> {
        Self::start_at(free_port())
    }

    fn start_at(port: u16) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mosquitto.conf");
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n");
        std::fs::write(&file, text).unwrap();
        let found = ["mosquitto", "/usr/sbin/mosquitto"]
            .iter()
            .find_map(|program| {
                std::process::Command::new(program)
                    .arg("-c")
                    .arg(&file)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()
            });
        let Some(child) = found else {
            missing("mosquitto");
            return None;
        };
        let broker = Self {
            child,
            port,
            _directory: directory,
        };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(broker);
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("mosquitto does not listen on {port}");
    }

    pub(crate) fn address(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

const FAULTS: [(&str, Fault); 5] = [
    ("well", Fault::None),
    ("dead", Fault::Dead),
    ("stuck", Fault::Stuck),
    ("silent", Fault::StuckSilently),
    ("forged", Fault::WrongSignature),
];

fn clock() -> Time {
    Time::from_seconds(1000)
}

fn addressed(device: &str, counter: u64) -> Addressed {
    Addressed {
        id: format!("{device}-{counter}"),
        device: device.into(),
        site: "tunnel-7".into(),
        counter,
        not_after: clock() + Span::from_seconds(600),
        mode: Mode::Actual,
    }
}

fn close(device: &str, counter: u64) -> Command {
    Command::new(addressed(device, counter), Action::Close).unwrap()
}

fn config(broker: &Broker, version: ProtocolVersion) -> DeviceConfig {
    DeviceConfig {
        broker: broker.address(),
        version,
        client: "sanfang-test".into(),
        login: None,
        secrets: FAULTS
            .iter()
            .map(|(id, _)| ((*id).to_owned(), id.as_bytes().to_vec()))
            .collect::<BTreeMap<_, _>>(),
        publish_timeout: Duration::from_secs(2),
        heartbeat: None,
        confirm_timeout: Duration::from_secs(1),
    }
}

async fn fleet(broker: &Broker) -> Fleet {
    let devices = FAULTS.map(|(id, fault)| Device::new(id, id.as_bytes(), fault));
    let config = FleetConfig {
        broker: broker.address(),
        client: "sanfang-fleet".into(),
        delay: Duration::ZERO,
    };
    Fleet::connect(&config, devices.to_vec(), clock)
        .await
        .unwrap()
}

#[test]
fn only_the_devices_own_report_confirms() {
    for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
        only_their_report_confirms_in(version);
    }
}

fn only_their_report_confirms_in(version: ProtocolVersion) {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    runtime().block_on(async {
        let fleet = fleet(&broker).await;
        let devices = Devices::connect(config(&broker, version)).await.unwrap();

        let receipt = devices.send(&close("well", 1), clock()).await.unwrap();
        assert_eq!(receipt.proof, Proof::ActionReported);
        let gate = fleet.device("well").unwrap();
        assert_eq!((gate.position(), gate.acted()), (Position::Closed, 1));

        // The same command again: confirmed again, done once.
        devices.send(&close("well", 1), clock()).await.unwrap();
        assert_eq!(fleet.device("well").unwrap().acted(), 1);

        let show = Action::Show {
            text: "积水27厘米 禁止通行".into(),
        };
        let show = Command::new(addressed("well", 2), show).unwrap();
        devices.send(&show, clock()).await.unwrap();
        assert_eq!(fleet.device("well").unwrap().shows(), "积水27厘米 禁止通行");

        let (dead, silent, forged, stuck) = (
            close("dead", 1),
            close("silent", 1),
            close("forged", 1),
            close("stuck", 1),
        );
        let (dead, silent, forged, stuck) = tokio::join!(
            devices.send(&dead, clock()),
            devices.send(&silent, clock()),
            devices.send(&forged, clock()),
            devices.send(&stuck, clock()),
        );
        for result in [dead, silent, forged] {
            assert!(matches!(result, Err(SendError::Uncertain(_))), "{result:?}");
        }
        let Err(SendError::Permanent(why)) = stuck else {
            panic!("{stuck:?}");
        };
        assert!(why.contains("limit switch"), "{why}");

        // A caller that stops waiting leaves no trace that would hold up the next attempt.
        let repeat = close("dead", 2);
        let brief = Duration::from_millis(50);
        for _ in 0..2 {
            let given_up = tokio::time::timeout(brief, devices.send(&repeat, clock())).await;
            assert!(given_up.is_err(), "{given_up:?}");
        }

        let late = devices
            .send(&close("well", 3), clock() + Span::from_seconds(601))
            .await;
        assert!(matches!(late, Err(SendError::Permanent(_))), "{late:?}");
        let unknown = devices.send(&close("nobody", 1), clock()).await;
        assert!(
            matches!(unknown, Err(SendError::Permanent(_))),
            "{unknown:?}"
        );

        broker.stop();
        let away = devices.send(&close("well", 4), clock()).await;
        assert!(
            matches!(away, Err(SendError::Transient(_) | SendError::Uncertain(_))),
            "{away:?}"
        );
        assert_eq!(fleet.device("well").unwrap().acted(), 2);
        fleet.close().await;
    });
}

#[test]
fn a_command_that_comes_late_or_with_anothers_number_is_done_all_the_same() {
    let Some(broker) = Broker::start() else {
        return;
    };
    runtime().block_on(async {
        let fleet = fleet(&broker).await;
        let devices = Devices::connect(config(&broker, ProtocolVersion::V5))
            .await
            .unwrap();
        let show = |text: &str, counter: u64| {
            let id = format!("show-{text}");
            let to = Addressed {
                id,
                ..addressed("well", counter)
            };
            Command::new(to, Action::Show { text: text.into() }).unwrap()
        };
        let (first, second) = (show("一", 5), show("二", 5));
        let (first, second) = tokio::join!(
            devices.send(&first, clock()),
            devices.send(&second, clock()),
        );
        assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
        devices.send(&show("三", 9), clock()).await.unwrap();
        devices.send(&show("四", 4), clock()).await.unwrap();
        let well = fleet.device("well").unwrap();
        assert_eq!((well.acted(), well.shows()), (4, "四"));
        fleet.close().await;
    });
}

#[test]
fn after_a_broker_restart_reports_are_heard_again() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    let port = broker.port;
    runtime().block_on(async {
        let fleet = fleet(&broker).await;
        let devices = Devices::connect(config(&broker, ProtocolVersion::V5))
            .await
            .unwrap();
        let work = tokio::spawn(async move {
            devices.send(&close("well", 1), clock()).await.unwrap();
            devices
        });
        let devices = work.await.unwrap();
        broker.stop();
        let _broker = Broker::start_at(port).unwrap();
        // Both sides find the way back by themselves; until then the command is safe to repeat.
        let mut last = None;
        for _ in 0..20 {
            let result = devices.send(&close("well", 2), clock()).await;
            if let Ok(receipt) = result {
                assert_eq!(receipt.proof, Proof::ActionReported);
                assert_eq!(fleet.device("well").unwrap().acted(), 2);
                return fleet.close().await;
            }
            last = Some(result);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("never confirmed: {last:?}");
    });
}

#[test]
fn a_broker_that_is_away_is_an_error_that_names_it() {
    runtime().block_on(async {
        let port = free_port();
        let config = DeviceConfig {
            broker: format!("mqtt://127.0.0.1:{port}"),
            version: ProtocolVersion::V5,
            client: "x".into(),
            login: None,
            secrets: BTreeMap::new(),
            publish_timeout: Duration::from_secs(1),
            heartbeat: None,
            confirm_timeout: Duration::from_secs(1),
        };
        let attempt = tokio::time::timeout(Duration::from_secs(30), Devices::connect(config));
        let error = attempt.await.unwrap().unwrap_err().to_string();
        assert!(error.contains(&port.to_string()), "{error}");
    });
}
