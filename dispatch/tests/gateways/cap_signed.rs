//! Signatures on CAP alerts: ours as xmlsec1 sees them, those that xmlsec1 makes as we do, and what
//! somebody tampered with.

use crate::peers::{missing, repository, runtime};
use crate::server::{Answer, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dispatch::gateway::cap::poll::{EntryError, PollConfig, Poller};
use dispatch::gateway::cap::{CapSigner, SignatureFault, SignerError, Signers};
use dispatch::gateway::http::{ClientConfig, client};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";

/// A key and a certificate of its own for a name; nothing where openssl is missing.
fn made(folder: &Path, name: &str, kind: &[&str]) -> Option<(String, String)> {
    let [key, certificate] = ["key", "crt"].map(|end| folder.join(format!("{name}.{end}")));
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-nodes", "-days", "30", "-subj"])
        .arg(format!("/CN={name}"));
    command
        .args(kind)
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    let Ok(output) = command.output() else {
        missing("openssl");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some((
        fs::read_to_string(key).unwrap(),
        fs::read_to_string(certificate).unwrap(),
    ))
}

const RSA: &[&str] = &["-newkey", "rsa:2048"];
const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// xmlsec1 with these arguments and a file; nothing where it is missing.
fn xmlsec1(arguments: &[&str], pem: &Path, file: &Path) -> Option<Output> {
    let (last, first) = arguments.split_last().unwrap();
    let mut command = Command::new("xmlsec1");
    command.args(first).arg(last).arg(pem).arg(file);
    let Ok(output) = command.output() else {
        missing("xmlsec1");
        return None;
    };
    Some(output)
}

fn golden() -> String {
    fs::read_to_string(repository().join("testdata/golden/cap/alert.xml")).unwrap()
}

#[test]
fn xmlsec1_believes_ours_and_nothing_that_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let Some((key, certificate)) = made(folder.path(), "centre", RSA) else {
        return;
    };
    let signer = CapSigner::new(&key, &certificate).unwrap();
    let plain = golden();
    let signed = signer.sign(&plain).unwrap();
    assert_eq!(signed, signer.sign(&plain).unwrap(), "the same to the byte");
    let file = folder.path().join("alert.xml");
    let pem = folder.path().join("centre.crt");
    let verify = |text: &str| {
        fs::write(&file, text).unwrap();
        xmlsec1(&["--verify", "--trusted-pem"], &pem, &file)
    };
    let Some(output) = verify(&signed) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let ours = Signers::new(&certificate).unwrap();
    assert_eq!(ours.verify(signed.as_bytes()), Ok(()));

    // What is signed is what is sent: the bytes of the alert as they stand, without the signature.
    let from = signed.find("<Signature ").unwrap();
    let to = signed.find("</Signature>").unwrap() + "</Signature>".len();
    let sent = format!("{}{}", &signed[..from], &signed[to..]);
    assert_eq!(sent, plain);
    let alert = &sent[sent.find("<alert").unwrap()..].trim_end();
    let value = STANDARD.encode(Sha256::digest(alert.as_bytes()));
    assert!(
        signed.contains(&format!("<DigestValue>{value}</DigestValue>")),
        "{signed}"
    );

    for (from, with) in [
        ("<msgType>Alert", "<msgType>Update"),
        ("Actual", "Exercise"),
        ("</info>", "</info> "),
        ("<DigestValue>", "<DigestValue>A"),
    ] {
        let changed = signed.replacen(from, with, 1);
        assert_ne!(changed, signed, "{from}");
        let output = verify(&changed).unwrap();
        assert!(!output.status.success(), "{from}: {output:?}");
        let fault = ours.verify(changed.as_bytes()).unwrap_err();
        assert!(
            matches!(fault, SignatureFault::Changed | SignatureFault::Form(_)),
            "{from}: {fault}"
        );
    }
    assert_eq!(ours.verify(plain.as_bytes()), Err(SignatureFault::Unsigned));
}

/// An alert of somebody else, written as nobody would canonically.
fn template(canonical: &str, second: &str, method: &str, digest: &str) -> String {
    let second = match second {
        "" => String::new(),
        name => format!("<ds:Transform Algorithm='{name}'/>"),
    };
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>\r\n<?xml-stylesheet href=\"capatom.xsl\"   type=\"text/xsl\"?>\n\
         <!-- by hand -->\n<cap:alert  xmlns:cap = 'urn:oasis:names:tc:emergency:cap:1.2'\n xmlns:x=\"urn:unused\">\n\
         <cap:identifier>met-1</cap:identifier><cap:sender>met@example.cn</cap:sender>\
         <cap:note b='2' x:a=\"1\" a='&#10;&amp;\"'><![CDATA[雨 < 50 & more]]> &gt; &#x4e2d; <!-- no -->'quoted'</cap:note>\r\n\
         <cap:empty xmlns='urn:other'/><ds:Signature xmlns:ds='{DSIG}'><ds:SignedInfo>\n\
         <ds:CanonicalizationMethod Algorithm='{canonical}'/><ds:SignatureMethod Algorithm='{method}'/>\n\
         <ds:Reference URI=''><ds:Transforms><ds:Transform Algorithm='{ENVELOPED}'/>{second}</ds:Transforms>\
         <ds:DigestMethod Algorithm='{digest}'/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/></ds:Signature></cap:alert>\n"
    )
}

#[test]
fn what_xmlsec1_signs_is_believed_from_whom_it_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (Some((_, rsa)), Some((_, elliptic)), Some((_, stranger))) = (
        made(path, "rsa", RSA),
        made(path, "elliptic", P256),
        made(path, "stranger", RSA),
    ) else {
        return;
    };
    let both = Signers::new(&format!("{rsa}\n{elliptic}")).unwrap();
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let cases = [
        (EXCLUSIVE, EXCLUSIVE, "rsa-sha256", sha256, "rsa.key"),
        (INCLUSIVE, "", "rsa-sha256", sha256, "rsa.key"),
        (
            INCLUSIVE,
            INCLUSIVE,
            "rsa-sha512",
            "http://www.w3.org/2001/04/xmlenc#sha512",
            "rsa.key",
        ),
        (EXCLUSIVE, INCLUSIVE, "ecdsa-sha256", sha256, "elliptic.key"),
    ];
    for (canonical, second, method, digest, key) in cases {
        let file = path.join("template.xml");
        let text = template(canonical, second, &format!("{MORE}{method}"), digest);
        fs::write(&file, &text).unwrap();
        let Some(output) = xmlsec1(&["--sign", "--privkey-pem"], &path.join(key), &file) else {
            return;
        };
        assert!(output.status.success(), "{output:?}");
        let signed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            both.verify(signed.as_bytes()),
            Ok(()),
            "{method} {canonical}\n{signed}"
        );
        let changed = signed.replacen("more", "less", 1);
        assert_ne!(changed, signed);
        assert_eq!(
            both.verify(changed.as_bytes()),
            Err(SignatureFault::Changed)
        );
        let others = Signers::new(&stranger).unwrap();
        assert_eq!(
            others.verify(signed.as_bytes()),
            Err(SignatureFault::Stranger)
        );
        // A signed alert inside another one says nothing about the other one.
        let inner = &signed[signed.find("<cap:alert").unwrap()..];
        let wrapped =
            format!("<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>{inner}</alert>");
        assert_eq!(
            both.verify(wrapped.as_bytes()),
            Err(SignatureFault::Unsigned)
        );
        let part = signed.replacen("URI=\"\"", "URI=\"#a\"", 1);
        assert_ne!(part, signed);
        assert!(matches!(
            both.verify(part.as_bytes()),
            Err(SignatureFault::Form(_))
        ));
    }
    let weak = template(EXCLUSIVE, EXCLUSIVE, &format!("{DSIG}rsa-sha1"), sha256);
    let weak = weak.replace("<ds:DigestValue/>", "<ds:DigestValue>AA==</ds:DigestValue>");
    assert!(both.verify(weak.as_bytes()).is_err());
}

#[test]
fn keys_that_do_not_do_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (Some((rsa_key, rsa)), Some((elliptic_key, elliptic))) =
        (made(path, "rsa", RSA), made(path, "elliptic", P256))
    else {
        return;
    };
    let wrong = |key: &str, certificate: &str| CapSigner::new(key, certificate).unwrap_err();
    assert_eq!(wrong(&elliptic_key, &elliptic), SignerError::Elliptic);
    assert_eq!(wrong(&rsa_key, &elliptic), SignerError::NotThisKey);
    assert_eq!(wrong(&rsa_key, "no certificate"), SignerError::Certificate);
    assert!(matches!(wrong(&rsa, &rsa), SignerError::Key(_)));
    assert_eq!(Signers::new("").unwrap_err(), SignerError::Certificate);
    assert_eq!(
        Signers::new(&rsa.repeat(17)).unwrap_err(),
        SignerError::TooMany
    );
}

#[test]
fn of_a_feed_whose_alerts_must_be_signed_the_others_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let Some((key, certificate)) = made(folder.path(), "met", RSA) else {
        return;
    };
    let signer = CapSigner::new(&key, &certificate).unwrap();
    let signed = signer.sign(&golden()).unwrap().into_bytes();
    let plain = golden().into_bytes();
    runtime().block_on(async {
        let server = Server::start(move |request| {
            let body = match request.line.split(' ').nth(1).unwrap() {
                "/signed" => signed.clone(),
                "/plain" => plain.clone(),
                _ => "<feed xmlns='http://www.w3.org/2005/Atom'>\
                      <entry><id>1</id><link href='/signed'/></entry>\
                      <entry><id>2</id><link href='/plain'/></entry></feed>"
                    .into(),
            };
            Answer::Say(200, String::new(), body)
        })
        .await;
        let config = PollConfig {
            feed: server.url("/feed"),
            hosts: Vec::new(),
            every: Duration::from_secs(60),
            signers: Some(Signers::new(&certificate).unwrap()),
        };
        let mut poller = Poller::new(client(&ClientConfig::default()).unwrap(), config);
        let round = poller.poll(&|_| Vec::new()).await.unwrap();
        assert_eq!(round.found.len(), 1, "{:?}", round.faults);
        let [EntryError::Signature { id, error }] = round.faults.as_slice() else {
            panic!("{:?}", round.faults);
        };
        assert_eq!((id.as_str(), error), ("/plain", &SignatureFault::Unsigned));
    });
}
