//! What is said of components that do not fit, and of things that are no components.

mod support;

use jackfield_plugin::{Inspection, LoadError, NotAComponent, inspect};
use support::{engine, everything, small};

fn refusal_of(bytes: &[u8]) -> LoadError {
    engine().load("test", bytes).err().unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    let error = refusal_of(bytes);
    if !matches!(error, LoadError::NotAComponent(_)) {
        assert!(
            !inspect(bytes).unwrap().problems.is_empty(),
            "`check` must find what loading finds: {error}"
        );
    }
    error.to_string()
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A component whose interface `handler` has this type of message.
fn handler(version: &str, function: &str, message: &str) -> Vec<u8> {
    component(&format!(
        r#"(component
          (core module $m
            (memory (export "memory") 1)
            (func (export "f") (param i64 i32 i32) unreachable)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16)))
          (core instance $i (instantiate $m))
          (alias core export $i "memory" (core memory $memory))
          (alias core export $i "realloc" (core func $realloc))
          (type $t {message})
          (export $e "message" (type $t))
          (func $f (param "connection" u64) (param "message" $e)
            (canon lift (core func $i "f") (memory $memory) (realloc $realloc)))
          (instance $n (export "{function}" (func $f)))
          (export "jackfield:plugin/handler{version}" (instance $n)))"#
    ))
}

#[test]
fn what_fits_has_no_problems() {
    let bytes = everything("");
    let Inspection {
        digest,
        size,
        hooks,
        imports,
        problems,
        other_exports,
        ..
    } = inspect(&bytes).unwrap();
    assert_eq!(problems, []);
    assert_eq!(size, bytes.len());
    assert_eq!(digest.to_string().len(), 64);
    let interfaces: Vec<_> = hooks.iter().map(|hook| hook.interface.as_str()).collect();
    assert_eq!(
        interfaces,
        [
            "handshake",
            "handler",
            "connection-events",
            "socket-events",
            "health-events",
            "server-events",
            "state"
        ]
    );
    assert_eq!(
        hooks[0].functions,
        ["check-custom-header", "select-protocol"]
    );
    assert_eq!(
        imports,
        [
            "jackfield:plugin/types@0.1.0",
            "jackfield:plugin/connections@0.1.0"
        ]
    );
    assert_eq!(
        other_exports,
        ["error-kind"],
        "more exports than the contract has are no problem"
    );
}

#[test]
fn a_core_module_is_told_how_to_become_a_component() {
    let said = refusal(&wat::parse_str("(module)").unwrap());
    assert!(
        said.contains("wasm32-wasip2") && said.contains("wasm-tools component new"),
        "{said}"
    );
}

#[test]
fn text_garbage_and_nothing_are_told_apart() {
    for (bytes, what) in [
        (&b"(component)"[..], NotAComponent::Text),
        (&b"\x7fELF\x02\x01\x01\x00"[..], NotAComponent::Garbage),
        (&b""[..], NotAComponent::Empty),
        (&b"\0as"[..], NotAComponent::Truncated { at: 3 }),
        (&b"\0asm\x0d"[..], NotAComponent::Truncated { at: 5 }),
    ] {
        assert_eq!(inspect(bytes), Err(LoadError::NotAComponent(what)));
    }
}

#[test]
fn a_component_cut_anywhere_is_refused_without_a_panic() {
    let bytes = everything("");
    let mut truncated = 0;
    for length in 0..bytes.len() {
        // Between two sections a beginning is a component of its own, with less in it.
        match inspect(&bytes[..length]) {
            Err(LoadError::NotAComponent(NotAComponent::Truncated { at })) => {
                assert_eq!(at, length);
                truncated += 1;
            }
            Err(LoadError::NotAComponent(_)) => {}
            Err(error) => panic!("{error}"),
            Ok(_) => {}
        }
    }
    assert!(
        truncated > bytes.len() / 2,
        "{truncated} of {}",
        bytes.len()
    );
}

#[test]
fn a_damaged_component_is_refused_without_a_panic() {
    let bytes = everything("");
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= [0x01, 0x80, 0xff][at % 3];
        // Most are invalid; some only have other names or constants. None may end the process.
        let _ = inspect(&damaged);
    }
}

#[test]
fn another_version_of_the_contract_is_named() {
    let message = r#"(record (field "text" string))"#;
    let said = refusal(&handler("@0.2.0", "business-handler", message));
    assert!(
        said.contains("version 0.2.0") && said.contains("serves 0.1.0"),
        "{said}"
    );
    let said = refusal(&handler("", "business-handler", message));
    assert!(said.contains("version none"), "{said}");
}

#[test]
fn an_imported_interface_of_another_version_is_named() {
    let said = refusal(&small(
        r#"(import "jackfield:plugin/connections@1.0.0" (instance
             (export "send" (func (param "connection" u64)))))"#,
    ));
    assert!(said.contains("version 1.0.0"), "{said}");
}

#[test]
fn a_later_patch_release_is_served() {
    let later = include_str!("guests/everything.wat").replace("@0.1.0", "@0.1.9");
    let exports = engine().load("test", &component(&later)).unwrap().exports();
    assert!(exports.handler && exports.state, "{exports:?}");
}

#[test]
fn a_component_without_hooks_is_told_what_to_export() {
    let said = refusal(&component("(component)"));
    assert!(
        said.contains("jackfield:plugin/handler@0.1.0") && said.contains("nothing"),
        "{said}"
    );
}

#[test]
fn a_mismatch_names_the_place_and_both_types() {
    let bytes = handler(
        "@0.1.0",
        "business-handler",
        r#"(record (field "text" string))"#,
    );
    let problems = inspect(&bytes).unwrap().problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].what,
        "export jackfield:plugin/handler@0.1.0, function business-handler, parameter message"
    );
    assert_eq!(
        problems[0].expected,
        "variant { text(string), binary(list<u8>) }"
    );
    assert_eq!(problems[0].found, "record { text: string }");
    let said = refusal(&bytes);
    assert!(
        said.contains("expected variant") && said.contains("found record"),
        "{said}"
    );
}

#[test]
fn a_mismatch_deep_inside_is_found() {
    let bytes = component(
        &String::from_utf8(include_bytes!("guests/small.wat").to_vec())
            .unwrap()
            .replace("(list u8)", "(list s8)"),
    );
    let problem = &inspect(&bytes).unwrap().problems[0];
    assert_eq!(
        problem.to_string(),
        "export jackfield:plugin/handler@0.1.0, function business-handler, parameter message, case binary, \
         elements: expected u8, found s8"
    );
}

#[test]
fn a_missing_function_is_named_with_its_signature() {
    let bytes = handler(
        "@0.1.0",
        "business-handle",
        r#"(record (field "text" string))"#,
    );
    let problem = &inspect(&bytes).unwrap().problems[0];
    assert_eq!(
        problem.to_string(),
        "export jackfield:plugin/handler@0.1.0, function business-handler: expected func(connection: u64, \
         message: variant { text(string), binary(list<u8>) }), found nothing"
    );
}

#[test]
fn every_problem_is_reported_at_once() {
    let bytes = small(
        r#"(import "jackfield:plugin/connections@0.1.0" (instance
             (export "shout" (func (param "connection" u64)))
             (export "disconnect" (func (param "connection" string)))))
           (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func))))
           (import "env" (instance (export "now" (func (result u64)))))
           (import "print" (func))
           (import "wasi:cli/stdout@0.3.0" (instance (export "get" (func))))"#,
    );
    let problems = inspect(&bytes).unwrap().problems;
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let said = lines.join("\n");
    assert_eq!(lines.len(), 6, "{said}");
    assert!(
        lines[0].contains("function shout: expected nothing of that name"),
        "{said}"
    );
    assert!(lines[1].contains("function disconnect"), "{said}");
    assert!(
        lines[2].contains("wasi:http, which is not granted"),
        "{said}"
    );
    assert!(lines[3].contains("import env"), "{said}");
    assert!(
        lines[4].contains("import print") && lines[4].contains("a single function"),
        "{said}"
    );
    assert!(lines[5].contains("found WASI 0.3.0"), "{said}");
    assert_eq!(refusal(&bytes).lines().count(), 7);
}

#[test]
fn wasi_in_a_form_that_is_not_linked_is_refused() {
    let bytes = small(
        r#"(import "wasi:cli/environment@0.2.0" (instance (export "get-all-secrets" (func (result string)))))"#,
    );
    let error = refusal_of(&bytes);
    assert!(matches!(&error, LoadError::Link(_)), "{error}");
    assert!(
        error.to_string().contains("wasi:cli/environment"),
        "{error}"
    );
}

#[test]
fn more_memory_than_there_can_be_is_refused_before_compiling() {
    let bytes = small("(core module $m (memory 40000))");
    assert_eq!(inspect(&bytes).unwrap().memory_bytes, 40_000 * 65_536);
    let said = refusal_of(&bytes);
    assert!(matches!(&said, LoadError::TooMuchMemory { .. }), "{said}");
    assert!(said.to_string().contains("memory_bytes_max"), "{said}");
}

#[test]
fn a_valid_component_that_the_engine_cannot_run_does_not_compile() {
    let bytes = small(
        "(core module $m (memory 1) (func (export \"f\") (drop (i32.const 0)) (i64.const 0) (drop)))",
    );
    assert!(engine().load("test", &bytes).is_ok());
    // Broken only inside of a function's body, which `inspect` does not look at.
    let broken = bytes
        .windows(4)
        .position(|window| window == [0x41, 0, 0x1a, 0x42])
        .unwrap();
    let mut bytes = bytes;
    bytes[broken] = 0x42;
    bytes[broken + 2] = 0x45;
    let error = refusal_of(&bytes);
    assert!(matches!(&error, LoadError::Compile(_)), "{error}");
}

#[test]
fn what_it_was_made_with_is_told() {
    let bytes =
        small(r#"(@producers (language "Rust" "1.95") (processed-by "wit-component" "0.254.2"))"#);
    assert_eq!(
        inspect(&bytes).unwrap().producers,
        ["language Rust 1.95", "processed-by wit-component 0.254.2"]
    );
}
