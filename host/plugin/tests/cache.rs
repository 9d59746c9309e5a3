//! Compiled code is kept, found again, and never believed when it is damaged or lies where others can write.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use jackfield_plugin::{ConnectionId, Engine, EngineConfig, InstanceLimits, MessageRef, Plugin};
use support::{ECHO, Host, everything};

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path =
            std::env::temp_dir().join(format!("jackfield-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn load(folder: &Path) -> Plugin {
    let engine = Engine::new(EngineConfig {
        max_instances: 2,
        cache: Some(folder.to_owned()),
        ..EngineConfig::default()
    });
    engine.unwrap().load("test", &everything(ECHO)).unwrap()
}

async fn works(plugin: &Plugin) {
    let host = Host::default();
    let log = host.log.clone();
    let mut guest = plugin
        .instantiate(Box::new(host), &InstanceLimits::default())
        .await
        .unwrap();
    guest
        .business_handler(ConnectionId(1), MessageRef::Text("x"))
        .await
        .unwrap();
    assert_eq!(log.take(), ["send 1 text \"x\""]);
}

#[tokio::test]
async fn a_second_engine_finds_what_the_first_compiled() {
    let folder = Folder::new("second");
    let nested = folder.0.join("deeper");
    let first = load(&nested);
    assert!(!first.from_cache());
    let second = load(&nested);
    assert!(second.from_cache());
    assert_eq!(first.digest(), second.digest());
    works(&second).await;
    drop(folder);
}

#[tokio::test]
async fn damaged_code_is_compiled_again() {
    let folder = Folder::new("damaged");
    assert!(!load(&folder.0).from_cache());
    let files = folder.files();
    assert_eq!(files.len(), 1, "nothing temporary stays: {files:?}");
    let sound = fs::read(&files[0]).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    // A digest that fits what it stands before, before something that is no code.
    let mut nonsense = jackfield_plugin::Digest::of(b"nonsense").bytes().to_vec();
    nonsense.extend_from_slice(b"nonsense");
    for damaged in [
        &flipped[..],
        &sound[..sound.len() / 2],
        &sound[..10],
        b"",
        &nonsense,
    ] {
        fs::write(&files[0], damaged).unwrap();
        let plugin = load(&folder.0);
        assert!(!plugin.from_cache());
        works(&plugin).await;
        assert_eq!(
            fs::read(&files[0]).unwrap().len(),
            sound.len(),
            "it was written anew"
        );
        assert!(load(&folder.0).from_cache());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_others_can_enter_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("open");
    assert!(!load(&folder.0).from_cache());
    let mode = fs::metadata(&folder.0).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let file = fs::metadata(&folder.files()[0])
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(file & 0o777, 0o600);
    assert!(load(&folder.0).from_cache());
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).unwrap();
    let plugin = load(&folder.0);
    assert!(!plugin.from_cache());
    works(&plugin).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_only_costs_time() {
    let folder = Folder::new("file");
    fs::write(&folder.0, "a file").unwrap();
    let plugin = load(&folder.0);
    assert!(!plugin.from_cache());
    works(&plugin).await;
    fs::remove_file(&folder.0).unwrap();
}
