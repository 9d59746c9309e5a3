//! TLS from the other side: certificates that a test makes up, and a client that is `openssl s_client`, so that what
//! the server's library does wrong is not done wrong here as well.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Instant;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::frame::{self, Frame, Wire};
use crate::{PATIENCE, Request, Response};

/// Somebody who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        Authority::new()
    }
}

impl Authority {
    /// A new one that nobody knows yet.
    ///
    /// # Panics
    /// When no certificate can be made.
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority of the tests");
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("a root certificate"))
    }

    /// Its own certificate, PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a server on this machine.
    ///
    /// # Panics
    /// When no certificate can be made.
    pub fn server(&self) -> Identity {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        self.sign(CertificateParams::new(names).expect("parameters"))
    }

    /// A certificate for a client with this name.
    ///
    /// # Panics
    /// When no certificate can be made.
    pub fn client(&self, organisation: &str, name: &str) -> Identity {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        let mut subject = rcgen::DistinguishedName::new();
        subject.push(DnType::OrganizationName, organisation);
        subject.push(DnType::CommonName, name);
        params.distinguished_name = subject;
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// Writes both files, `NAME.pem` and `NAME.key`, each in one step.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let certificate = folder.join(format!("{name}.pem"));
        let key = folder.join(format!("{name}.key"));
        std::fs::write(&certificate, &self.certificate).expect("a certificate's file");
        std::fs::write(&key, &self.key).expect("a key's file");
        (certificate, key)
    }
}

/// `openssl s_client` with the bytes in and out.
pub struct TlsClient {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    complaints: Receiver<Vec<u8>>,
    unread: Vec<u8>,
}

impl TlsClient {
    /// Connects and verifies the server with a root certificate. More arguments are openssl's own.
    ///
    /// # Panics
    /// When openssl cannot be started.
    #[track_caller]
    pub fn connect(address: SocketAddr, root: &Path, more: &[&str]) -> TlsClient {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-connect"])
            .arg(address.to_string())
            .arg("-CAfile")
            .arg(root)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program openssl");
        let input = child.stdin.take();
        let output = collect(child.stdout.take().expect("a pipe"));
        let complaints = collect(child.stderr.take().expect("a pipe"));
        TlsClient {
            child,
            input,
            output,
            complaints,
            unread: Vec::new(),
        }
    }

    /// An upgraded connection from a request, and the 101.
    ///
    /// # Panics
    /// When the answer is another.
    #[track_caller]
    pub fn open(
        address: SocketAddr,
        root: &Path,
        more: &[&str],
        request: &Request,
    ) -> (TlsClient, Response) {
        let mut client = TlsClient::connect(address, root, more);
        client.write(&request.bytes());
        let response = client.response();
        assert_eq!(response.status, 101, "{response:?}");
        (client, response)
    }

    /// openssl's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes bytes into the encrypted stream.
    pub fn write(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            // One that ended already is met by whoever reads next.
            let _ = input.write_all(bytes).and_then(|()| input.flush());
        }
    }

    /// Sends a text and reads the text that answers it.
    ///
    /// # Panics
    /// When something else comes.
    #[track_caller]
    pub fn ask_text(&mut self, text: &str) -> String {
        self.write(&Wire::new(frame::TEXT, text).bytes());
        self.frame().text().to_owned()
    }

    /// Reads the head of a response.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn response(&mut self) -> Response {
        self.until("a response", Response::take_head)
    }

    /// Reads a frame.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        self.until("a frame", frame::take)
    }

    /// Waits for the end without any more bytes, and gives what openssl complained about.
    ///
    /// # Panics
    /// When bytes come, or no end.
    #[track_caller]
    pub fn expect_end(mut self) -> String {
        match self.output.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => self.complained(),
            other => panic!("no end: {other:?}"),
        }
    }

    #[track_caller]
    fn until<T>(&mut self, what: &str, take: impl Fn(&mut Vec<u8>) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(taken) = take(&mut self.unread) {
                return taken;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.unread.extend(bytes),
                Err(error) => panic!(
                    "no {what} ({error}) behind {:?}; openssl said:\n{}",
                    self.unread.escape_ascii().to_string(),
                    self.complained()
                ),
            }
        }
    }

    fn complained(&mut self) -> String {
        let _ = self.child.kill();
        let said: Vec<u8> = self.complaints.iter().flatten().collect();
        String::from_utf8_lossy(&said).into_owned()
    }
}

impl Drop for TlsClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(1024);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
