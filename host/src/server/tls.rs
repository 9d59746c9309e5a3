//! Certificates: read from PEM files, and read again when these change. Connections keep what they were opened with;
//! a file that is broken is told, and changes nothing.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::config::resolved::{self, ClientCertificates};
use crate::watching::{Watched, Watching};

/// The largest PEM file that is read, in bytes; a list of all public roots has some 200 KiB.
const PEM_BYTES: u64 = 4 << 20;
/// Files are looked at this often too, because a file system may tell nothing (a network, a link elsewhere).
const LOOK: Duration = Duration::from_secs(60);

/// What is wrong with the files of a `tls` table.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {what}: {source}")]
    Pem {
        /// The file.
        path: String,
        /// What it should have.
        what: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// Certificate and key are not for each other, or not for this.
    #[error("{path} and its key cannot be used: {source}")]
    Unusable {
        /// The certificate's file.
        path: String,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The roots of clients' certificates.
    #[error("{path}: no roots to verify clients with: {source}")]
    Roots {
        /// The file.
        path: String,
        /// What is wrong.
        source: VerifierBuilderError,
    },
}

/// The TLS of one listener.
pub(crate) struct Tls {
    settings: resolved::Tls,
    current: RwLock<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    files: Files,
}

/// The bytes of the files, to see whether they have changed.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files for the first time.
    pub(super) fn load(settings: &resolved::Tls) -> Result<Tls, TlsError> {
        let files = Files::read(settings)?;
        let config = server_config(settings, &files)?;
        Ok(Tls {
            settings: settings.clone(),
            current: RwLock::new(Current { config, files }),
        })
    }

    /// For one handshake, with the certificate of this moment.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(current.config.clone())
    }

    /// Reads the files again. Whether they have changed.
    fn refresh(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.settings)?;
        let same = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            current.files == files
        };
        if same {
            return Ok(false);
        }
        let config = server_config(&self.settings, &files)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Current { config, files };
        Ok(true)
    }

    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let settings = &self.settings;
        [&settings.certificate, &settings.key]
            .into_iter()
            .chain(&settings.client_ca)
    }
}

/// Follows the files of all listeners until the runtime ends.
pub(super) async fn keep_fresh(all: Vec<Arc<Tls>>) {
    let mut tasks = JoinSet::new();
    for tls in all {
        tasks.spawn(follow(tls));
    }
    while tasks.join_next().await.is_some() {}
}

async fn follow(tls: Arc<Tls>) {
    let (change, mut changes) = tokio::sync::mpsc::channel(1);
    let mut watches = JoinSet::new();
    for path in tls.paths() {
        match Watching::new(Watched::File(path.clone())) {
            Ok(mut watching) => {
                let change = change.clone();
                watches.spawn(async move {
                    while watching.changed().await.is_some() {
                        // Full: whoever looks next sees this change too.
                        let _ = change.try_send(());
                    }
                });
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a certificate's file is not watched, only looked at once a minute");
            }
        }
    }
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::warn!(%error, "certificates are not read again on SIGHUP");
            return;
        }
    };
    let mut told = String::new();
    loop {
        tokio::select! {
            _ = changes.recv() => {}
            _ = hangup.recv() => told.clear(),
            () = tokio::time::sleep(LOOK) => {}
        }
        let looked = tls.clone();
        let looked = tokio::task::spawn_blocking(move || looked.refresh()).await;
        let path = tls.settings.certificate.display();
        match looked {
            Ok(Ok(true)) => {
                told.clear();
                tracing::info!(certificate = %path, "the certificate was read again; open connections keep the old one");
            }
            Ok(Ok(false)) => told.clear(),
            Ok(Err(error)) => {
                let text = error.to_string();
                // Said once, not each minute.
                if told != text {
                    tracing::error!(%error, "the certificate cannot be replaced; the old one goes on serving");
                    told = text;
                }
            }
            Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
        }
    }
}

/// The subject of the certificate that a client was verified by, as RFC 4514 writes names; none without one. Control
/// characters are escaped by that form.
pub(crate) fn client_subject(session: &ServerConnection) -> Option<String> {
    // Only what the verifier accepted gets this far.
    let certificate = session.peer_certificates()?.first()?;
    match Certificate::from_der(certificate) {
        Ok(certificate) => Some(certificate.tbs_certificate.subject.to_string()),
        Err(error) => {
            tracing::debug!(%error, "the subject of a client's certificate cannot be read");
            None
        }
    }
}

impl Files {
    fn read(settings: &resolved::Tls) -> Result<Files, TlsError> {
        let client_ca = settings.client_ca.as_deref();
        Ok(Files {
            certificate: read(&settings.certificate)?,
            key: read(&settings.key)?,
            client_ca: client_ca.map(read).transpose()?,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(PEM_BYTES)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

fn server_config(settings: &resolved::Tls, files: &Files) -> Result<Arc<ServerConfig>, TlsError> {
    let path = settings.certificate.display().to_string();
    let unusable = |source| TlsError::Unusable {
        path: path.clone(),
        source,
    };
    let provider = Arc::new(ring::default_provider());
    // TLS 1.2 and 1.3 are all that rustls has.
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match (&files.client_ca, &settings.client_ca) {
        (Some(bytes), Some(path)) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path, bytes)? {
                roots.add(root).map_err(|source| TlsError::Unusable {
                    path: path.display().to_string(),
                    source,
                })?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match settings.client_certificates {
                ClientCertificates::Required => verifier,
                ClientCertificates::Optional => verifier.allow_unauthenticated(),
            };
            let verifier = verifier.build().map_err(|source| TlsError::Roots {
                path: path.display().to_string(),
                source,
            })?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain = certificates(&settings.certificate, &files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|source| TlsError::Pem {
        path: settings.key.display().to_string(),
        what: "no private key in PEM that is not encrypted",
        source,
    })?;
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    // RFC 6455 needs HTTP/1.1: a client that wants only something else learns it here (RFC 7301 section 3.2).
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::Pem {
        path: path.display().to_string(),
        what: "no certificate in PEM",
        source,
    };
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let all = all.map_err(wrong)?;
    if all.is_empty() {
        return Err(wrong(pem::Error::NoItemsFound));
    }
    Ok(all)
}
