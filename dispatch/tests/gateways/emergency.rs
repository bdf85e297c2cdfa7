//! Emergency broadcast against a platform that unpacks with tar and verifies with openssl.

use crate::peers::missing;
use crate::server::{Answer, Request, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dispatch::gateway::cap::tree::{Element, parse};
use dispatch::gateway::emergency_broadcast::{
    Broadcast, Edition, Emergency, EmergencyConfig, EmergencySaying, Parties, Sealer, pack,
};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::notice::Unsent;
use dispatch::intent::IntentId;
use model::{AreaCode, Language, Offset, SendError, Span, Tier, Time, WarningId};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

const OWN: &str = "34401000000000103010101";
const OTHER: &str = "14400000000000103010101";

/// A key of SM2: its number, and the file of its public half; nothing where openssl is missing.
fn key(folder: &Path) -> Option<(String, PathBuf)> {
    let [key, public] = ["sm2.pem", "sm2.pub"].map(|name| folder.join(name));
    let mut command = Command::new("openssl");
    command.args([
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:SM2",
        "-out",
    ]);
    let Ok(made) = command.arg(&key).output() else {
        missing("openssl with SM2");
        return None;
    };
    assert!(made.status.success(), "{made:?}");
    let mut command = Command::new("openssl");
    let made = command
        .args(["pkey", "-pubout", "-in"])
        .arg(&key)
        .arg("-out")
        .arg(&public)
        .output();
    assert!(made.unwrap().status.success());
    let mut command = Command::new("openssl");
    let text = command
        .args(["ec", "-text", "-noout", "-in"])
        .arg(&key)
        .output()
        .unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    let (_, rest) = text.split_once("priv:").unwrap();
    let (digits, _) = rest.split_once("pub:").unwrap();
    let digits: String = digits.chars().filter(char::is_ascii_hexdigit).collect();
    // The number is written with a zero before it where its first bit is set.
    Some((digits[digits.len() - 64..].to_owned(), public))
}

/// What a platform was handed.
#[derive(Clone, Debug)]
struct Package {
    kind: String,
    id: String,
    document: String,
}

/// A kind of package and what is answered to it; nothing is no answer.
type Instead = (&'static str, Option<&'static str>);

/// A platform that takes nothing that openssl does not believe.
#[derive(Clone)]
struct Platform {
    folder: PathBuf,
    public: PathBuf,
    taken: Arc<Mutex<Vec<Package>>>,
    /// What it answers instead of its usual word.
    instead: Arc<Mutex<Vec<Instead>>>,
}

impl Platform {
    fn answer(&self, request: &Request) -> Answer {
        let package = self.read(&request.body);
        let head = request.header("content-disposition");
        assert!(head.contains(&format!("EBDT_{}.tar", package.id)), "{head}");
        let kind = package.kind.clone();
        self.taken.lock().unwrap().push(package);
        let mut instead = self.instead.lock().unwrap();
        let usual = match kind.as_str() {
            "EBMStateRequest" => {
                "<EBMStateResponse><BrdStateCode>1</BrdStateCode></EBMStateResponse>"
            }
            _ => "<EBDResponse><ResultCode>1</ResultCode></EBDResponse>",
        };
        let said = match instead.iter().position(|(of, _)| *of == kind) {
            Some(at) => match instead.remove(at).1 {
                Some(said) => said,
                None => return Answer::HangUp,
            },
            None => usual,
        };
        let document = format!("<EBD><EBDVersion>1.0</EBDVersion>{said}</EBD>");
        let files = [("EBDB_1.xml".to_owned(), document.into_bytes())];
        Answer::Say(200, String::new(), pack(&files, 0))
    }

    /// Unpacks by tar, and believes by openssl.
    fn read(&self, body: &[u8]) -> Package {
        let folder = tempfile::tempdir_in(&self.folder).unwrap();
        let tar = folder.path().join("package.tar");
        fs::write(&tar, body).unwrap();
        let done = Command::new("tar")
            .arg("-xf")
            .arg(&tar)
            .arg("-C")
            .arg(folder.path())
            .output();
        assert!(done.unwrap().status.success(), "tar reads it");
        fs::remove_file(&tar).unwrap();
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let [document, signature] = names.as_slice() else {
            panic!("{names:?}");
        };
        assert_eq!(signature, &format!("EBDS_{document}"));
        let text = fs::read_to_string(folder.path().join(document)).unwrap();
        let root = parse(text.as_bytes(), 1 << 20).unwrap();
        let signed = fs::read(folder.path().join(signature)).unwrap();
        let signed = parse(&signed, 1 << 20).unwrap();
        let id = root.value("EBDID").to_owned();
        assert_eq!(document, &format!("EBDB_{id}.xml"));
        assert_eq!(signed.child("RelatedEBD").unwrap().value("EBDID"), id);
        let algorithms = ["DigestAlgorithm", "SignatureAlgorithm"].map(|name| signed.value(name));
        assert_eq!(algorithms, ["SM3", "SM2"]);
        let value = STANDARD.decode(signed.value("SignatureValue")).unwrap();
        let der = folder.path().join("der");
        fs::write(&der, in_der(&value)).unwrap();
        let verified = Command::new("openssl")
            .args([
                "dgst",
                "-sm3",
                "-sigopt",
                "distid:1234567812345678",
                "-verify",
            ])
            .arg(&self.public)
            .arg("-signature")
            .arg(&der)
            .arg(folder.path().join(document))
            .output()
            .unwrap();
        assert!(verified.status.success(), "{verified:?}");
        let of = |party: &str| root.child(party).map(|it| it.value("EBRID").to_owned());
        assert_eq!(
            (of("SRC"), of("DEST")),
            (Some(OWN.into()), Some(OTHER.into()))
        );
        Package {
            kind: root.value("EBDType").to_owned(),
            id,
            document: text,
        }
    }

    fn taken(&self, kind: &str) -> Vec<Element> {
        let taken = self.taken.lock().unwrap();
        let of_kind = taken.iter().filter(|package| package.kind == kind);
        of_kind
            .map(|it| parse(it.document.as_bytes(), 1 << 20).unwrap())
            .collect()
    }

    /// Kind and identity of each message that it was handed.
    fn messages(&self) -> Vec<(String, String)> {
        let of = |root: Element| {
            let message = root.child("EBM").unwrap();
            let kind = message
                .child("MsgBasicInfo")
                .unwrap()
                .value("MsgType")
                .to_owned();
            (kind, message.value("EBMID").to_owned())
        };
        self.taken("EBM").into_iter().map(of).collect()
    }
}

/// Two numbers as openssl wants them.
fn in_der(value: &[u8]) -> Vec<u8> {
    assert_eq!(value.len(), 64);
    let number = |bytes: &[u8]| {
        let mut digits: Vec<u8> = bytes
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        if digits[0] >= 0x80 {
            digits.insert(0, 0);
        }
        [vec![2, u8::try_from(digits.len()).unwrap()], digits].concat()
    };
    let both = [number(&value[..32]), number(&value[32..])].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

async fn started(folder: &Path) -> Option<(Emergency, Platform, Server)> {
    let (digits, public) = key(folder)?;
    let platform = Platform {
        folder: folder.to_path_buf(),
        public,
        taken: Arc::default(),
        instead: Arc::default(),
    };
    let answers = platform.clone();
    let server = Server::start(move |request| answers.answer(request)).await;
    let config = EmergencyConfig {
        name: "province".into(),
        url: server.url("/ebd"),
        edition: Edition::Gdj2018,
        parties: Parties {
            own: OWN.into(),
            other: OTHER.into(),
        },
        sealer: Sealer::from_hex(&digits).unwrap(),
        certificate: "000000000001".into(),
        offset: Offset(480),
        gate: GateConfig {
            in_flight_max: 1,
            waiting_max: 10,
            failures_max: 50,
            pause: Span::from_seconds(1),
        },
    };
    let emergency = Emergency::new(config, client(&ClientConfig::default()).unwrap());
    Some((emergency, platform, server))
}

fn at(second: i64) -> Time {
    Time::parse("2026-11-29T21:30:00+08:00").unwrap().0 + Span::from_seconds(second)
}

fn areas(codes: &[&str]) -> Vec<AreaCode> {
    codes
        .iter()
        .map(|code| AreaCode::parse(code).unwrap())
        .collect()
}

fn saying<'a>(intent: u8, text: &'a str, areas: &'a [AreaCode]) -> EmergencySaying<'a> {
    EmergencySaying {
        intent: IntentId::from_bytes([intent; 16]),
        warning: WarningId::parse(&format!("{:024x}", 1)).unwrap(),
        created: at(0),
        sender: ("某区三防指挥部 <办>", "44010036000000"),
        event: "11B03",
        tier: Tier::Red,
        until: at(3_600),
        language: Language::Zh,
        title: "暴雨红色预警",
        text,
        areas,
    }
}

#[tokio::test]
async fn a_message_is_handed_over_followed_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some((emergency, platform, _server)) = started(folder.path()).await else {
        return;
    };
    emergency.check(at(0)).await.unwrap();
    assert_eq!(platform.taken("ConnectionCheck").len(), 1);
    let both = areas(&["440106014000", "440106015000"]);
    let receipt = emergency
        .say(&saying(1, "请立即转移", &both), at(1))
        .await
        .unwrap();
    assert_eq!(receipt.reference, "1291", "the minute of the day, from 1");
    let first = platform.taken("EBM").remove(0);
    let message = first.child("EBM").unwrap();
    let first_id = format!("{OWN}20261129{:04}", 1291 * 5);
    assert_eq!(message.value("EBMID"), first_id);
    let basic = message.child("MsgBasicInfo").unwrap();
    let of = |name: &str| basic.value(name).to_owned();
    assert_eq!(
        [of("MsgType"), of("EventType"), of("Severity")],
        ["1", "11B03", "1"]
    );
    assert_eq!(of("SenderName"), "某区三防指挥部 <办>");
    assert_eq!(
        [of("SentTime"), of("EndTime")],
        ["2026-11-29 21:30:01", "2026-11-29 22:30:00"]
    );
    let content = message.child("MsgContent").unwrap();
    assert_eq!(content.value("AreaCode"), "440106014000,440106015000");
    assert_eq!(content.value("MsgDesc"), "请立即转移");

    assert_eq!(
        emergency.follow(at(2)).await,
        [(IntentId::from_bytes([1; 16]), Broadcast::Underway)]
    );
    assert_eq!(
        emergency.follow(at(30)).await,
        [],
        "asked not again so soon"
    );
    let done = "<EBMStateResponse><BrdStateCode>2</BrdStateCode></EBMStateResponse>";
    platform
        .instead
        .lock()
        .unwrap()
        .push(("EBMStateRequest", Some(done)));
    assert_eq!(
        emergency.follow(at(90)).await,
        [(IntentId::from_bytes([1; 16]), Broadcast::Done)]
    );

    // A part hears something else: the rest goes on under an identity of its own.
    emergency
        .say(&saying(2, "水位上涨", &both[1..]), at(120))
        .await
        .unwrap();
    let said = platform.messages();
    let second_id = format!("{OWN}20261129{:04}", 1292 * 5);
    let rest_id = format!("{OWN}20261129{:04}", 1291 * 5 + 1);
    let wanted = [
        ("1", second_id.clone()),
        ("1", rest_id.clone()),
        ("2", first_id),
    ];
    let found: Vec<_> = said[1..]
        .iter()
        .map(|(kind, id)| (kind.as_str(), id.clone()))
        .collect();
    assert_eq!(found, wanted);
    emergency.say(&saying(3, "", &both), at(180)).await.unwrap();
    let ended: Vec<_> = platform.messages()[4..].to_vec();
    assert_eq!(ended.len(), 2, "{ended:?}");
    assert!(
        ended
            .iter()
            .all(|(kind, id)| kind == "2" && [&second_id, &rest_id].contains(&id))
    );
    assert_eq!(emergency.standing().await, 0);
    let mut ids: Vec<String> = platform
        .taken
        .lock()
        .unwrap()
        .iter()
        .map(|it| it.id.clone())
        .collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "each package has an identity of its own");
}

#[tokio::test]
async fn what_got_no_answer_goes_again_under_its_identity_and_a_refusal_is_final() {
    let folder = tempfile::tempdir().unwrap();
    let Some((emergency, platform, _server)) = started(folder.path()).await else {
        return;
    };
    let one = areas(&["440106014000"]);
    platform.instead.lock().unwrap().push(("EBM", None));
    let lost = emergency
        .say(&saying(1, "请立即转移", &one), at(1))
        .await
        .unwrap_err();
    assert!(
        matches!(lost, Unsent::Send(SendError::Transient(_))),
        "{lost}"
    );
    let receipt = emergency
        .say(&saying(1, "请立即转移", &one), at(5))
        .await
        .unwrap();
    let said = platform.messages();
    assert_eq!(
        (said.len(), &said[0]),
        (2, &said[1]),
        "the same message twice"
    );

    let refused =
        "<EBDResponse><ResultCode>5</ResultCode><ResultDesc>验签失败</ResultDesc></EBDResponse>";
    platform
        .instead
        .lock()
        .unwrap()
        .push(("EBM", Some(refused)));
    let refused = emergency
        .say(&saying(2, "x", &one), at(9))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Unsent::Send(SendError::Permanent(why)) if why.contains("验签失败"))
    );

    // After a restart it is taken back by the identity that it had, and no number is used again.
    let (again, _, _server) = started(folder.path()).await.unwrap();
    again
        .remember(
            &saying(1, "请立即转移", &one),
            receipt.reference.parse().unwrap(),
            at(20),
        )
        .await;
    assert_eq!(again.standing().await, 1);
    let next = again.say(&saying(4, "y", &one), at(21)).await.unwrap();
    assert!(next.reference.parse::<u16>().unwrap() > receipt.reference.parse().unwrap());
}
