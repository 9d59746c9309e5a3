//! Builds that run while the server does: a saved source is a swap, a build that breaks is none, and a build that does
//! not end holds up nobody.

use e2e::temp::TempDir;
use e2e::versions::{Answer, digest, refusal, stamped};
use e2e::{Client, Incoming, Plugin, SILENCE, Server, Setup, eventually, server};

/// A plugin whose build is a copy, or fails, as its sources say.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new() -> Project {
        let folder = TempDir::new("project");
        std::fs::create_dir(folder.path().join("source")).expect("a folder");
        folder.write(
            "source/build.sh",
            "if [ -e broken ]; then echo \"error: cannot build $(cat broken)\" >&2; exit 7; fi\n\
             cp stamped.bytes ../new.part && mv ../new.part ../stamped.wasm\n",
        );
        Project { folder }
    }

    /// Saves a source as editors do it: another file in its place.
    fn save(&self, name: &str, content: &[u8]) {
        let new = self.folder.write("source/.new", content);
        let path = self.folder.path().join("source").join(name);
        std::fs::rename(new, path).expect("renaming");
    }

    /// `up` with everything that it does by itself: it builds, and watches sources and files.
    fn up(&self) -> Server {
        let path = self.folder.path();
        let build = format!(
            "{{ command = [\"sh\", \"build.sh\"], directory = \"{}\" }}",
            path.join("source").display()
        );
        let plugin = Plugin::file("stamped", path.join("stamped.wasm"));
        let setup = Setup::new()
            .plugin(plugin.key("build", &build))
            .route("/", &["stamped"]);
        let config = path.join("jackfield.toml");
        setup.write_to(&config);
        let mut command = server::command();
        command
            .args(["up", "--config"])
            .arg(&config)
            .env("XDG_CACHE_HOME", path.join("cache"));
        Server::spawn(command, TempDir::new("up"))
    }
}

#[track_caller]
fn generation(client: &mut Client) -> u32 {
    Answer::parse(&client.ask_text("x")).generation
}

#[track_caller]
fn swapped(server: &Server, since: usize, component: &[u8]) {
    let to = format!("→ {}", digest(component));
    server
        .log()
        .wait_since(since, "the line of a swap", |line| {
            line.contains(&to).then_some(())
        });
}

/// A source is saved: it is built and served. A build that breaks is shown, and the old version goes on; the next
/// one that does not break is served.
#[test]
fn saving_a_source_is_a_swap_and_a_broken_build_is_none() {
    let project = Project::new();
    project.save("stamped.bytes", &stamped(0, ""));
    let mut server = project.up();
    let mut client = Client::open(&server, "/");
    assert_eq!(generation(&mut client), 0);
    for round in 0..3 {
        let (good, better) = (2 * round + 1, 2 * round + 2);
        let before = server.log().mark();
        project.save("stamped.bytes", &stamped(good, ""));
        swapped(&server, before, &stamped(good, ""));
        assert_eq!(generation(&mut client), good);
        // Broken: with the compiler's own words.
        let before = server.log().mark();
        project.save("broken", format!("line {round}").as_bytes());
        let said = refusal(&server, before);
        assert!(
            said.contains(&format!("cannot build line {round}")),
            "{said}"
        );
        assert_eq!(generation(&mut client), good);
        assert!(server.is_running());
        // While it is broken, what is saved is not served.
        let before = server.log().mark();
        project.save("stamped.bytes", &stamped(better, ""));
        refusal(&server, before);
        assert_eq!(generation(&mut client), good);
        let before = server.log().mark();
        let broken = project.folder.path().join("source/broken");
        std::fs::remove_file(broken).expect("repairing");
        swapped(&server, before, &stamped(better, ""));
        assert_eq!(generation(&mut client), better);
    }
    // A build that makes what cannot serve.
    let before = server.log().mark();
    project.save("stamped.bytes", b"this is no component");
    let said = refusal(&server, before);
    assert!(said.contains("not a WebAssembly component"), "{said}");
    assert_eq!(generation(&mut client), 6);
    assert!(matches!(client.incoming(SILENCE), Incoming::Nothing));
}

/// A server that is told to end while a build runs ends, and so does the build.
#[test]
fn a_build_that_does_not_end_holds_nobody_up() {
    let project = Project::new();
    project.save("stamped.bytes", &stamped(0, ""));
    let mut server = project.up();
    let mut client = Client::open(&server, "/");
    project.save(
        "build.sh",
        b"echo $$ > ../pid.part; mv ../pid.part ../pid; exec sleep 3600\n",
    );
    let file = project.folder.path().join("pid");
    eventually("the build runs", || file.exists());
    let pid = std::fs::read_to_string(file).expect("the build's process id");
    assert_eq!(generation(&mut client), 0);
    server.signal("TERM");
    client.expect_closed(1001);
    assert!(server.wait().success());
    let process = std::path::Path::new("/proc").join(pid.trim());
    eventually("the build is over too", || !process.exists());
}

/// What is saved while the first build runs is not what that build made: it is built as soon as the server is up.
#[test]
fn a_source_that_is_saved_during_the_first_build() {
    let project = Project::new();
    project.save("stamped.bytes", &stamped(0, ""));
    project.save("later.bytes", &stamped(1, ""));
    // Behind its copy, the first build does what somebody at work would: it saves another source.
    project.save(
        "build.sh",
        b"cp stamped.bytes ../new.part && mv ../new.part ../stamped.wasm\n\
          if [ -e later.bytes ]; then mv later.bytes stamped.bytes; fi\n",
    );
    let server = project.up();
    let mut client = Client::open(&server, "/");
    eventually("what was saved is served", || generation(&mut client) == 1);
}
