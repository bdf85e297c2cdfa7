//! What writing one submit costs in each protocol, and how fast a link sends: client and message centre in
//! two processes on this machine, over loopback.
//!
//! `cargo bench -p dispatch --bench sms`. Both sides run on one thread each. The client's CPU
//! time is the kernel's count for its thread; rates depend on what else the machine does, so the
//! load average stands below the table.

use dispatch::gateway::sms::{
    Link, LinkConfig, Outcome, Prepared, Protocol, Receipts, Sender, Sequence, Style, Submit, Turn,
    Validity,
};
use dispatch::simulator::carrier::{Carrier, CarrierConfig};
use model::{Span, Time};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tokio::time::Instant;

/// One line of the table.
struct Case {
    sessions: usize,
    window: usize,
    receipts: bool,
    long: bool,
    messages: u64,
}

const fn case(sessions: usize, window: usize, messages: u64) -> Case {
    Case {
        sessions,
        window,
        receipts: false,
        long: false,
        messages,
    }
}

const CASES: [Case; 9] = [
    case(1, 10, 300_000),
    case(1, 100, 2_000_000),
    case(1, 1000, 3_000_000),
    case(4, 10, 1_000_000),
    case(4, 100, 3_000_000),
    case(4, 1000, 3_000_000),
    case(10, 1000, 3_000_000),
    Case {
        receipts: true,
        ..case(1, 1000, 1_000_000)
    },
    Case {
        long: true,
        ..case(1, 1000, 1_000_000)
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if std::env::args().any(|argument| argument == "sink") {
        return runtime.block_on(sink());
    }
    encode()?;
    println!("sessions  window  kind      messages/s  client CPU µs/message");
    for case in &CASES {
        runtime.block_on(run(case))?;
    }
    prepare()?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!("load average {}", load.trim());
    Ok(())
}

async fn sink() -> Result<(), Box<dyn Error>> {
    let receipts = std::env::args().any(|argument| argument == "receipts");
    let config = CarrierConfig {
        listen: "127.0.0.1:0".parse()?,
        protocol: Protocol::Smpp,
        receipt_after: receipts.then_some(Span::ZERO),
        ..CarrierConfig::default()
    };
    let carrier = Carrier::bind(config, || Time::from_seconds(1_694_062_800)).await?;
    println!("{}", carrier.address());
    carrier.serve().await;
    Ok(())
}

/// The centre's process and where it listens.
fn start(receipts: bool) -> Result<(Child, String), Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("sink").stdout(Stdio::piped());
    if receipts {
        command.arg("receipts");
    }
    let mut child = command.spawn()?;
    let mut line = String::new();
    let output = child.stdout.take().ok_or("the sink has no output")?;
    BufReader::new(output).read_line(&mut line)?;
    Ok((child, line.trim().to_owned()))
}

async fn run(case: &Case) -> Result<(), Box<dyn Error>> {
    let (mut child, address) = start(case.receipts)?;
    let sent = send(case, address).await;
    child.kill()?;
    child.wait()?;
    let (seconds, cpu) = sent?;
    let kind = match (case.receipts, case.long) {
        (true, _) => "receipts",
        (_, true) => "2 parts",
        _ => "",
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let messages = case.messages as f64;
    println!(
        "{:8}  {:6}  {kind:8}  {:10.0}  {:.3}",
        case.sessions,
        case.window,
        messages / seconds,
        cpu / messages * 1e6
    );
    Ok(())
}

/// Sends all; gives seconds on the clock and of this thread's processor time.
async fn send(case: &Case, address: String) -> Result<(f64, f64), Box<dyn Error>> {
    let sender = Sender {
        source: "10657512379".to_owned(),
        receipts: if case.receipts {
            Receipts::Final
        } else {
            Receipts::None
        },
        ..Sender::default()
    };
    let characters = if case.long { 120 } else { 66 };
    let not_after = Validity::Absolute(Time::from_seconds(1_694_080_000));
    let config = LinkConfig {
        sender,
        ..LinkConfig::default()
    };
    let text = Prepared::new(&"雨".repeat(characters), &config.style(), not_after, 1)?;
    let config = LinkConfig {
        addresses: vec![address],
        sessions: case.sessions,
        window: Some(case.window),
        ..config
    };
    let mut link = Link::new(config, || Time::from_seconds(1_694_062_800))
        .map_err(|faults| format!("{faults:?}"))?;
    let mut turn = Turn::default();
    while link.room() < case.sessions * case.window {
        link.turn(&mut turn).await;
    }
    let (clock, cpu) = (Instant::now(), cpu_seconds()?);
    let (mut token, mut answered, mut reported) = (0, 0, 0);
    let mut batch: Vec<Submit<'_>> = Vec::new();
    while answered < case.messages || (case.receipts && reported < case.messages) {
        loop {
            if batch.is_empty() {
                let next = (token + 1024).min(case.messages);
                batch.extend((token..next).map(|token| Submit {
                    token,
                    phone: 8_613_800_000_000 + token,
                    text: &text,
                }));
                token = next;
            }
            let taken = link.submit(&batch);
            if taken == 0 {
                break;
            }
            batch.drain(..taken);
        }
        link.turn(&mut turn).await;
        for answer in &turn.answers {
            let accepted = matches!(answer.outcome, Outcome::Accepted { .. });
            if !accepted {
                return Err(format!("{answer:?}").into());
            }
            answered += 1;
        }
        reported += turn.receipts.iter().filter(|r| r.token.is_some()).count() as u64;
        link.acknowledge(turn.mark);
    }
    Ok((clock.elapsed().as_secs_f64(), cpu_seconds()? - cpu))
}

/// Processor time of this thread, from the kernel's scheduler.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split_whitespace().next().ok_or("empty")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// What preparing one text costs, once for all who get it.
fn prepare() -> Result<(), Box<dyn Error>> {
    let style = Style::default();
    let text = "【市三防】暴雨红色预警信号生效，请立即停止户外活动，远离低洼地带。";
    let clock = Instant::now();
    let times = 100_000;
    for n in 0..times {
        let reference = u8::try_from(n % 256)?;
        std::hint::black_box(Prepared::new(text, &style, Validity::Default, reference)?);
    }
    let each = clock.elapsed().as_secs_f64() / f64::from(times) * 1e6;
    println!("preparing one text: {each:.2} µs");
    Ok(())
}

/// What writing one submit from a prepared text costs: copy, length, sequence and number.
fn encode() -> Result<(), Box<dyn Error>> {
    let text = "【市三防】9月7日13时04分发布暴雨红色预警，天河区请立即停止户外活动，远离隧道、涵洞和地下空间，转移到安全处。查证12379";
    let times = 20_000_000_u32;
    println!("protocol  octets  ns/submit");
    for protocol in Protocol::ALL {
        let style = Style {
            protocol,
            account: "900001".to_owned(),
            sender: Sender {
                source: "10657512379".to_owned(),
                ..Sender::default()
            },
        };
        let not_after = Validity::Absolute(Time::from_seconds(1_694_080_000));
        let text = Prepared::new(text, &style, not_after, 1)?;
        let mut out = Vec::with_capacity(1 << 17);
        let mut best = f64::INFINITY;
        let mut octets = 0;
        for _ in 0..5 {
            let clock = Instant::now();
            for n in 0..times / 5 {
                if out.len() > 1 << 16 {
                    out.clear();
                }
                let start = out.len();
                let sequence = Sequence {
                    node: 3_020_012_345,
                    stamp: 907_130_405,
                    number: n,
                };
                text.write(0, sequence, 8_613_800_000_000 + u64::from(n), &mut out);
                octets = out.len() - start;
            }
            std::hint::black_box(&out);
            best = best.min(clock.elapsed().as_secs_f64() / f64::from(times / 5) * 1e9);
        }
        println!("{:8}  {octets:6}  {best:9.1}", protocol.name());
    }
    Ok(())
}
