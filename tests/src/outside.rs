//! What is outside of a host, as far as tests need it: names that lead where the test says, and an authority whose
//! certificates a host can be told to believe.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use goatherd::capability::http::{HttpClient, HttpOptions, Resolver};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// A resolver that knows some names. Its clones know the same, and count together.
#[derive(Clone, Default)]
pub struct Names(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: Vec<String>,
}

impl Names {
    /// Knows these names for the machine itself.
    pub fn here(names: &[&str]) -> Self {
        let all = Self::default();
        for name in names {
            all.answer(name, &[&["127.0.0.1"]]);
        }
        all
    }

    /// Gives one answer after the other for a name, and the last one from then on.
    pub fn answer(&self, name: &str, answers: &[&[&str]]) {
        let parse = |address: &&str| address.parse().expect("an address");
        let answers = answers
            .iter()
            .map(|answer| answer.iter().map(parse).collect())
            .collect();
        let mut known = self.0.lock().expect("no test panics in here");
        known.answers.insert(name.to_owned(), answers);
    }

    /// The names that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.0.lock().expect("no test panics in here").asked.clone()
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut known = self.0.lock().expect("no test panics in here");
        known.asked.push(name.to_owned());
        let name = name.strip_suffix('.').unwrap_or(name);
        let answers = known
            .answers
            .get_mut(name)
            .ok_or_else(|| io::Error::other("no such name"))?;
        if answers.len() > 1 {
            Ok(answers.remove(0))
        } else {
            Ok(answers[0].clone())
        }
    }
}

/// An authority that signs certificates for servers of the test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    /// A new one, which nobody believes yet.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are fine");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("it signs itself");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("authority.pem"), certificate.pem()).expect("a file");
        Self {
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    /// Its certificate, as an operator has it.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// What a server with a certificate for these names speaks TLS with.
    pub fn server(&self, names: &[&str]) -> TlsAcceptor {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("proper names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs");
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the defaults are fine")
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .expect("the key fits");
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// A client that asks for names here, and believes an authority besides those of the system.
pub fn http_client(names: &Names, authority: Option<&Authority>) -> HttpClient {
    let file = authority.map(Authority::file);
    let tls = goatherd::tls::client(file.as_deref()).expect("the certificate is fine");
    let options = HttpOptions::new(tls).resolver(names.clone());
    HttpClient::new(options).expect("a client")
}
