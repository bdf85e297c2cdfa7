//! Observations from a real broker, in both versions of MQTT: what a killed process had not
//! acknowledged comes again.

use super::peers::Broker;
use super::street::{Street, depth};
use crate::small::{Centre, OWNER, Served, eventually};
use journal::{DiskJournal, Journal, Kind, Options, Partition, Topic};
use model::Input;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

/// A gauge that speaks MQTT 3.1.1, written out by hand: it goes on when the broker has its message.
struct Gauge(TcpStream);

impl Gauge {
    fn connect(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .write_all(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05gauge")
            .unwrap();
        let mut welcome = [0; 4];
        stream.read_exact(&mut welcome).unwrap();
        assert_eq!(welcome, [0x20, 2, 0, 0]);
        Self(stream)
    }

    /// Quality of service 1.
    fn publish(&mut self, payload: &str) {
        let topic = b"city/W1/observations";
        let length = 2 + topic.len() + 2 + payload.len();
        let mut packet = vec![0x32, (length % 128) as u8 | 0x80, (length / 128) as u8];
        packet.extend([0, topic.len() as u8]);
        packet.extend_from_slice(topic);
        packet.extend([0, 1]);
        packet.extend_from_slice(payload.as_bytes());
        self.0.write_all(&packet).unwrap();
        let mut taken = [0; 4];
        self.0.read_exact(&mut taken).unwrap();
        assert_eq!(taken, [0x40, 2, 0, 1]);
    }
}

/// Times of the observations in the journal of a service that is gone.
fn observed(folder: &Path) -> BTreeSet<model::Time> {
    let options = Options {
        reserve_bytes: 0,
        ..Options::default()
    };
    let journal = DiskJournal::open(&folder.join("journal"), options).unwrap();
    let mut times = BTreeSet::new();
    for zone in (0..4).map(Partition) {
        let mut next = journal.first(Topic::actual(Kind::Input), zone).unwrap();
        loop {
            let records = journal.read(Topic::actual(Kind::Input), zone, next, 1 << 20);
            let records = records.unwrap();
            if records.is_empty() {
                break;
            }
            for record in records {
                next = record.offset.plus(1);
                if let Ok(Input::Observations(rows)) = Input::decode(record.kind, record.payload())
                {
                    times.extend(rows.iter().map(|row| row.time));
                }
            }
        }
    }
    times
}

#[test]
fn every_message_of_a_broker_is_in_the_journal_after_kills() {
    let Some(centre) = Centre::start() else {
        return;
    };
    for (version, word) in [("3.1.1", "(p2,"), ("5", "(p5,")] {
        let folder = tempfile::tempdir().unwrap();
        let Some(broker) = Broker::start(folder.path()) else {
            return;
        };
        let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
        Street {
            contacts: &[&owner],
            ..Street::default()
        }
        .write(folder.path());
        let port = broker.port;
        let more = format!(
            "[[mqtt]]\nurl = \"mqtt://127.0.0.1:{port}\"\nclient_id = \"sanfang-intake\"\nversion = \"{version}\"\n\
             [[mqtt.subscriptions]]\nfilter = \"city/+/observations\"\n"
        );
        let mut served = Served::serve(folder.path(), centre.port, &more);
        let log = || std::fs::read_to_string(folder.path().join("mosquitto.log")).unwrap();
        eventually("it listens", || {
            log().contains("city/+/observations (QoS 1)")
        });
        let mut gauge = Gauge::connect(port);
        for minute in 0..150 {
            let metres = format!("0.0{}", 1 + minute % 4);
            gauge.publish(&depth("W1", 170 - minute, &metres));
            if minute % 50 == 25 {
                served.kill();
                served.start_again();
                served.ready().unwrap();
            }
        }
        eventually("the broker was answered for everything", || {
            let log = log();
            let to = log.matches("Sending PUBLISH to sanfang-intake").count();
            let from = log.matches("Received PUBACK from sanfang-intake").count();
            to >= 150 && from >= 150
        });
        let log = log();
        let ours = log
            .lines()
            .filter(|line| line.contains("as sanfang-intake"));
        assert_eq!(ours.clone().count(), 4, "{log}");
        assert!(ours.clone().all(|line| line.contains(word)), "{log}");
        served.kill();
        let found = observed(folder.path());
        assert_eq!(found.len(), 150, "version {version}: {found:?}");
    }
}
