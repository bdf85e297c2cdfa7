//! Signatures on CAP alerts (CAP 1.2 §3.3.2.1, W3C XML Signature): ours, and those of others.
//!
//! A signature stands as the last child of the alert and is over the whole of it but itself
//! ("enveloped"). Believed is nothing else: a signature over a part, or over another document, says
//! nothing about what is read here. Who is believed is configured; a certificate inside a document is
//! looked at by nobody.

use super::canonical::{Element, Method, Tree};
use super::read::ALERT_BYTES_MAX;
use super::tree::TreeError;
use crate::gateway::jwt::{KeyError, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use std::fmt;
use webpki::EndEntityCert;
use webpki::ring as keys;

/// Namespace of XML Signature.
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const DIGEST_SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const DIGEST_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
const DIGEST_SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";
/// Certificates of one source at most: a change of keys needs two.
const SIGNERS_MAX: usize = 16;

/// Our key and its certificate.
pub struct CapSigner {
    key: SigningKey,
    certificate: Vec<u8>,
}

/// Whose signatures are believed.
#[derive(Clone)]
pub struct Signers(Vec<CertificateDer<'static>>);

/// Why a key or a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The key.
    #[error("signing key: {0}")]
    Key(#[from] KeyError),
    /// An elliptic key makes another signature each time.
    #[error(
        "signing key: an RSA key is wanted: an elliptic one signs anew at each start, and a document \
         must stay the same to the byte; make one with openssl genpkey -algorithm RSA -pkeyopt \
         rsa_keygen_bits:3072"
    )]
    Elliptic,
    /// The certificate.
    #[error("certificate: it is no X.509 certificate in PEM (-----BEGIN CERTIFICATE-----)")]
    Certificate,
    /// Two things that do not belong together.
    #[error("certificate: it is not that of the signing key")]
    NotThisKey,
    /// Too many.
    #[error("more than {SIGNERS_MAX} certificates: a source has its own and the next one")]
    TooMany,
    /// The document is none.
    #[error("the document cannot be signed: {0}")]
    Document(#[from] TreeError),
}

/// Why a document is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// No signature.
    #[error("it is not signed, and its source's alerts are")]
    Unsigned,
    /// Signed in a way that says nothing about the whole of it.
    #[error("its signature is not one over the whole alert by known means: {0}")]
    Form(&'static str),
    /// Something in it was changed.
    #[error("it was changed after it was signed")]
    Changed,
    /// Another key.
    #[error("it was signed by none of the certificates that are configured for its source")]
    Stranger,
    /// Not XML.
    #[error(transparent)]
    Xml(#[from] TreeError),
}

impl CapSigner {
    /// A key in PKCS #8 and its certificate, both in PEM.
    ///
    /// # Errors
    /// See [`SignerError`].
    pub fn new(key: &str, certificate: &str) -> Result<Self, SignerError> {
        let key = SigningKey::from_pem(key)?;
        if matches!(key, SigningKey::Elliptic(_)) {
            return Err(SignerError::Elliptic);
        }
        let certificate = certificates(certificate)?.into_iter().next();
        let certificate = certificate.ok_or(SignerError::Certificate)?;
        let probe = key.sign(b"sanfang")?;
        if !verifies(
            &certificate,
            keys::RSA_PKCS1_2048_8192_SHA256,
            b"sanfang",
            &probe,
        ) {
            return Err(SignerError::NotThisKey);
        }
        Ok(Self {
            key,
            certificate: certificate.to_vec(),
        })
    }

    /// The document with its signature as the last child of its root. The same document gives the
    /// same bytes.
    ///
    /// # Errors
    /// It is no document, or the key does not sign.
    pub fn sign(&self, xml: &str) -> Result<String, SignerError> {
        let tree = Tree::read(xml.as_bytes(), ALERT_BYTES_MAX)?;
        let whole = tree.canonical(Method::Exclusive, None);
        let value = STANDARD.encode(digest(&SHA256, whole.as_bytes()));
        let info = format!(
            "<CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></CanonicalizationMethod>\
             <SignatureMethod Algorithm=\"{RSA_SHA256}\"></SignatureMethod>\
             <Reference URI=\"\"><Transforms><Transform Algorithm=\"{ENVELOPED}\"></Transform>\
             <Transform Algorithm=\"{EXCLUSIVE}\"></Transform></Transforms>\
             <DigestMethod Algorithm=\"{DIGEST_SHA256}\"></DigestMethod>\
             <DigestValue>{value}</DigestValue></Reference></SignedInfo>"
        );
        // By itself it says which vocabulary it is of; in the signature that is said already.
        let signed = format!("<SignedInfo xmlns=\"{DSIG}\">{info}");
        let signature = STANDARD.encode(self.key.sign(signed.as_bytes())?);
        let certificate = STANDARD.encode(&self.certificate);
        let (before, after) = xml.rsplit_once("</").ok_or(TreeError::Empty)?;
        Ok(format!(
            "{before}<Signature xmlns=\"{DSIG}\"><SignedInfo>{info}\
             <SignatureValue>{signature}</SignatureValue>\
             <KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>\
             </Signature></{after}"
        ))
    }
}

impl Signers {
    /// The certificates of a source, in PEM, one after the other.
    ///
    /// # Errors
    /// There is none, too many, or one cannot be read.
    pub fn new(pem: &str) -> Result<Self, SignerError> {
        let all = certificates(pem)?;
        match all.len() {
            0 => Err(SignerError::Certificate),
            count if count > SIGNERS_MAX => Err(SignerError::TooMany),
            _ => Ok(Self(all)),
        }
    }

    /// Believes a document that one of them signed as a whole.
    ///
    /// # Errors
    /// See [`SignatureFault`].
    pub fn verify(&self, bytes: &[u8]) -> Result<(), SignatureFault> {
        let form = SignatureFault::Form;
        let tree = Tree::read(bytes, ALERT_BYTES_MAX)?;
        let mut signatures =
            (0..)
                .zip(&tree.root.children)
                .filter_map(|(place, child)| match child {
                    super::canonical::Node::Element(child) if child.is(DSIG, "Signature") => {
                        Some((place, child))
                    }
                    super::canonical::Node::Element(_)
                    | super::canonical::Node::Text(_)
                    | super::canonical::Node::Instruction(_) => None,
                });
        let (place, signature) = signatures.next().ok_or(SignatureFault::Unsigned)?;
        if signatures.next().is_some() {
            return Err(form("there are several"));
        }
        let info = signature
            .only(DSIG, "SignedInfo")
            .ok_or(form("no SignedInfo"))?;
        let reference = info
            .only(DSIG, "Reference")
            .ok_or(form("not one Reference"))?;
        if reference.attribute("URI") != Some("") {
            return Err(form("its Reference is not URI=\"\""));
        }
        let method = transforms(reference)?;
        let (algorithm, value) = digest_of(reference)?;
        let whole = tree.canonical(method, Some(place));
        if digest(algorithm, whole.as_bytes()).as_ref() != value {
            return Err(SignatureFault::Changed);
        }
        let over = algorithm_of(info, "CanonicalizationMethod")?;
        let over = canonicalization(over).ok_or(form("CanonicalizationMethod"))?;
        let signed = tree.canonical_at(&[&tree.root, signature, info], over);
        let value = signature.only(DSIG, "SignatureValue").map(Element::text);
        let value = value
            .and_then(|value| decoded(&value))
            .ok_or(form("no SignatureValue"))?;
        let (key, value) = match algorithm_of(info, "SignatureMethod")? {
            RSA_SHA256 => (keys::RSA_PKCS1_2048_8192_SHA256, value),
            RSA_SHA512 => (keys::RSA_PKCS1_2048_8192_SHA512, value),
            ECDSA_SHA256 => (keys::ECDSA_P256_SHA256, der_of(&value)),
            _ => return Err(form("SignatureMethod")),
        };
        let mut signers = self.0.iter();
        match signers.any(|signer| verifies(signer, key, signed.as_bytes(), &value)) {
            true => Ok(()),
            false => Err(SignatureFault::Stranger),
        }
    }
}

/// How the whole of the document becomes bytes: without the signature, and canonical.
fn transforms(reference: &Element) -> Result<Method, SignatureFault> {
    let form = SignatureFault::Form;
    let all = reference
        .only(DSIG, "Transforms")
        .ok_or(form("no Transforms"))?;
    let mut names = Vec::new();
    for transform in all.elements() {
        if !transform.is(DSIG, "Transform") || transform.elements().next().is_some() {
            return Err(form("a Transform with parts of its own"));
        }
        names.push(transform.attribute("Algorithm").unwrap_or_default());
    }
    match names.as_slice() {
        [ENVELOPED] => Ok(Method::Inclusive),
        [ENVELOPED, other] => canonicalization(other).ok_or(form("Transform")),
        _ => Err(form("Transforms")),
    }
}

fn canonicalization(name: &str) -> Option<Method> {
    match name {
        INCLUSIVE => Some(Method::Inclusive),
        EXCLUSIVE => Some(Method::Exclusive),
        _ => None,
    }
}

fn digest_of(reference: &Element) -> Result<(&'static Algorithm, Vec<u8>), SignatureFault> {
    let form = SignatureFault::Form;
    let algorithm = match algorithm_of(reference, "DigestMethod")? {
        DIGEST_SHA256 => &SHA256,
        DIGEST_SHA384 => &SHA384,
        DIGEST_SHA512 => &SHA512,
        _ => return Err(form("DigestMethod")),
    };
    let value = reference.only(DSIG, "DigestValue").map(Element::text);
    let value = value.and_then(|value| decoded(&value));
    Ok((algorithm, value.ok_or(form("no DigestValue"))?))
}

fn algorithm_of<'a>(element: &'a Element, child: &'static str) -> Result<&'a str, SignatureFault> {
    let child = element
        .only(DSIG, child)
        .filter(|found| found.elements().next().is_none());
    let algorithm = child.and_then(|child| child.attribute("Algorithm"));
    algorithm.ok_or(SignatureFault::Form(
        "an algorithm is missing or has parts of its own",
    ))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(digits).ok()
}

/// XML Signature writes the two numbers of an elliptic signature one after the other (RFC 4050);
/// certificates' programs want them in DER.
fn der_of(value: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = bytes.get(zeros..).unwrap_or_default();
        let sign = digits.first().is_none_or(|first| *first >= 0x80);
        let mut number: Vec<u8> = sign.then_some(0).into_iter().collect();
        number.extend(digits);
        // At most 33 bytes: of other lengths no signature is right.
        let mut der = vec![0x02, number.len() as u8];
        der.append(&mut number);
        der
    };
    let (first, second) = value.split_at(value.len() / 2);
    let mut both = number(first);
    both.extend(number(second));
    let mut der = vec![0x30, both.len() as u8];
    der.append(&mut both);
    der
}

fn verifies(
    signer: &CertificateDer<'_>,
    key: &dyn SignatureVerificationAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let signer = EndEntityCert::try_from(signer);
    signer.is_ok_and(|signer| signer.verify_signature(key, message, signature).is_ok())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, SignerError> {
    let mut all = Vec::new();
    let mut rest = pem;
    while let Some((_, block)) = rest.split_once("-----BEGIN CERTIFICATE-----") {
        let (block, after) = block
            .split_once("-----END CERTIFICATE-----")
            .ok_or(SignerError::Certificate)?;
        let der = CertificateDer::from(decoded(block).ok_or(SignerError::Certificate)?);
        if EndEntityCert::try_from(&der).is_err() {
            return Err(SignerError::Certificate);
        }
        all.push(der);
        rest = after;
    }
    Ok(all)
}

impl fmt::Debug for CapSigner {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapSigner").finish_non_exhaustive()
    }
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signers").field(&self.0.len()).finish()
    }
}
