//! Every hook and every import, with every shape of answer, between a real component and the host.

mod support;

use jackfield_plugin::{
    CallError, ConnectionId, Ending, ErrorKind, Exports, Header, InstanceLimits, MessageRef,
    Rejection, UpgradeRequest,
};
use support::{ECHO, everything, load, small, start};

const ID: ConnectionId = ConnectionId(7);

fn number(value: u8) -> String {
    format!("send 7 binary [{value}, 0, 0, 0, 0, 0, 0, 0]")
}

#[tokio::test]
async fn a_message_goes_to_the_guest_and_comes_back() {
    let (mut guest, log) = start(&everything(ECHO)).await;
    guest
        .business_handler(ID, MessageRef::Text("grüß"))
        .await
        .unwrap();
    guest
        .business_handler(ID, MessageRef::Binary(&[0, 255]))
        .await
        .unwrap();
    guest
        .business_handler(ID, MessageRef::Text(""))
        .await
        .unwrap();
    assert_eq!(
        log.take(),
        [
            "send 7 text \"grüß\"",
            "send 7 binary [0, 255]",
            "send 7 text \"\""
        ]
    );
    assert_eq!(guest.calls(), 3);
    assert!(!guest.is_poisoned());
}

#[tokio::test]
async fn a_message_of_a_megabyte_arrives_whole() {
    // The guest answers with the sum of all bytes.
    let sum = r#"
        (loop $next
          (if (local.get $len) (then
            (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $len (i32.sub (local.get $len) (i32.const 1)))
            (br $next))))
        (call $number (local.get $c) (local.get $sum))"#;
    let body = everything(sum);
    let (mut guest, log) = start(&body).await;
    guest
        .business_handler(ID, MessageRef::Binary(&vec![1; 1 << 20]))
        .await
        .unwrap();
    assert_eq!(log.take(), ["send 7 binary [0, 0, 16, 0, 0, 0, 0, 0]"]);
}

#[tokio::test]
async fn what_the_host_will_not_send_is_the_guests_to_know() {
    // Sends 2,000 bytes, then says what came of it: 1 for an error, and which.
    let body = r#"
        (call $send (local.get $c) (i32.const 1) (i32.const 0) (i32.const 2000) (i32.const 16))
        (call $binary (local.get $c) (i32.const 16) (i32.const 2))"#;
    let (mut guest, log) = start(&everything(body)).await;
    guest
        .business_handler(ID, MessageRef::Text(""))
        .await
        .unwrap();
    assert_eq!(
        log.take(),
        ["send 7 refused: 2000 bytes", "send 7 binary [1, 2]"]
    );
}

#[tokio::test]
async fn every_import_reaches_the_host_and_every_answer_the_guest() {
    // After each import the guest sends the bytes of the answer, as the canonical ABI lays them out.
    let tell = |bytes| format!("(call $binary (local.get $c) (i32.const 32) (i32.const {bytes}))");
    let body = format!(
        r#"
        (call $send-fragment (local.get $c) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 1) (i32.const 32)) {two}
        (call $ping (local.get $c) (i32.const 64) (i32.const 1) (i32.const 32)) {two}
        (call $pong (local.get $c) (i32.const 64) (i32.const 2) (i32.const 32)) {two}
        (call $close (local.get $c) (i32.const 4000) (i32.const 64) (i32.const 4) (i32.const 32)) {two}
        (call $set-attribute (local.get $c) (i32.const 64) (i32.const 4) (i32.const 80) (i32.const 2) (i32.const 32)) {two}
        (call $remove-attribute (local.get $c) (i32.const 64) (i32.const 4) (i32.const 32)) {one}
        (call $attribute (local.get $c) (i32.const 64) (i32.const 4) (i32.const 32))
        (call $text (local.get $c) (i32.load (i32.const 40)) (i32.load (i32.const 44)))
        (call $info (local.get $c) (i32.const 256))
        (call $text (local.get $c) (i32.load (i32.const 264)) (i32.load (i32.const 268)))
        (call $text (local.get $c) (i32.load (i32.const 276)) (i32.load (i32.const 280)))
        (call $text (local.get $c) (i32.load (i32.const 288)) (i32.load (i32.const 292)))
        (call $number (local.get $c) (i64.load (i32.const 312)))
        (call $disconnect (local.get $c) (i32.const 32))"#,
        one = tell(1),
        two = tell(2),
    );
    let (mut guest, log) = start(&everything(&body)).await;
    guest
        .business_handler(ID, MessageRef::Text(""))
        .await
        .unwrap();
    assert_eq!(
        log.take(),
        [
            "fragment 7 text \"user\" true",
            "send 7 binary [1, 3]",
            "ping 7 [117]",
            "send 7 binary [1, 4]",
            "pong 7 [117, 115]",
            "send 7 binary [1, 1]",
            "close 7 4000 \"user\"",
            "send 7 binary [1, 1]",
            "set 7 \"user\" [115, 116]",
            "send 7 binary [1, 1]",
            "remove 7 \"user\"",
            "send 7 binary [0]",
            "attribute 7 \"user\"",
            "send 7 text \"ada\"",
            "info 7",
            "send 7 text \"192.0.2.1:5000\"",
            "send 7 text \"/echo\"",
            "send 7 text \"chat\"",
            "send 7 binary [8, 7, 6, 5, 4, 3, 2, 1]",
            "disconnect 7",
        ]
    );
}

fn request(path: &str, query: Option<&str>) -> UpgradeRequest {
    UpgradeRequest {
        connection: ID,
        peer: "[2001:db8::1]:5000".into(),
        secure: true,
        authority: "example.test".into(),
        path: path.into(),
        query: query.map(Into::into),
        headers: headers(),
        protocols: vec!["chat".into(), "soap".into(), "v2".into()],
    }
}

fn headers() -> Vec<Header> {
    let header = |name: &str, value: &[u8]| Header {
        name: name.into(),
        value: value.into(),
    };
    vec![
        header("origin", b"https://example.test"),
        header("x-bytes", &[0xff, 0]),
    ]
}

#[tokio::test]
async fn an_upgrade_request_is_let_in_with_fields() {
    let (mut guest, log) = start(&everything("")).await;
    let answer = guest
        .check_custom_header(&request("/", Some("a=b")))
        .await
        .unwrap();
    assert_eq!(answer, Ok(headers()));
    assert_eq!(
        log.take(),
        [
            "send 7 text \"[2001:db8::1]:5000\"",
            "send 7 text \"example.test\"",
            "send 7 text \"/\"",
            "send 7 text \"a=b\"",
            &number(1),
            &number(3),
        ]
    );
}

#[tokio::test]
async fn an_upgrade_request_is_refused() {
    let (mut guest, log) = start(&everything("")).await;
    let answer = guest
        .check_custom_header(&request("/no", None))
        .await
        .unwrap();
    assert_eq!(
        answer,
        Err(Rejection {
            status: 403,
            headers: headers(),
            body: "/no".into(),
        })
    );
    assert_eq!(log.take().len(), 5, "no query, so one line less");
}

#[tokio::test]
async fn a_protocol_is_chosen_or_not() {
    let (mut guest, _) = start(&everything("")).await;
    let offered = ["chat".to_owned(), "soap".to_owned()];
    assert_eq!(
        guest.select_protocol(ID, &offered).await.unwrap(),
        Some("soap".into())
    );
    assert_eq!(
        guest.select_protocol(ID, &offered[..1]).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn every_event_arrives_with_what_it_says() {
    let (mut guest, log) = start(&everything("")).await;
    guest.on_started().await.unwrap();
    assert_eq!(log.take(), ["send 0 text \"started\""]);
    guest.on_connected(ID, "192.0.2.1:1").await.unwrap();
    assert_eq!(log.take(), ["send 7 text \"192.0.2.1:1\""]);
    guest.on_upgrade_part_receive(ID, 200).await.unwrap();
    assert_eq!(log.take(), [number(200)]);
    guest.on_handshake_failure(ID, 0, "left").await.unwrap();
    assert_eq!(log.take(), [&number(0), "send 7 text \"left\""]);
    guest.on_handshake_success(ID).await.unwrap();
    assert_eq!(log.take(), [number(101)]);
    for (kind, code) in [
        (ErrorKind::Transport, 0),
        (ErrorKind::Protocol, 1),
        (ErrorKind::Plugin, 2),
        (ErrorKind::Limit, 3),
    ] {
        guest.on_error(ID, kind, "why").await.unwrap();
        assert_eq!(log.take(), [&number(code), "send 7 text \"why\""]);
    }
    let ending = Ending {
        code: 1006,
        reason: "gone".into(),
        clean: true,
    };
    guest.on_disconnected(ID, &ending).await.unwrap();
    assert_eq!(log.take(), ["close 7 1006 \"gone\"", &number(1)]);
    guest.on_after_remove_socket(ID).await.unwrap();
    assert_eq!(log.take(), ["disconnect 7"]);
    guest
        .on_after_health_check(&[ConnectionId(3), ConnectionId(1 << 52)])
        .await
        .unwrap();
    assert_eq!(log.take(), ["disconnect 3", "disconnect 4503599627370496"]);
    guest.on_after_health_check(&[]).await.unwrap();
    assert!(log.take().is_empty());
    guest.on_shutdown().await.unwrap();
    assert_eq!(log.take(), ["send 0 text \"stopping\""]);
}

#[tokio::test]
async fn state_is_carried_from_one_instance_to_the_next() {
    let (mut old, _) = start(&everything("")).await;
    for _ in 0..3 {
        old.business_handler(ID, MessageRef::Text(""))
            .await
            .unwrap();
    }
    let saved = old.save().await.unwrap().unwrap();
    assert_eq!(saved, [3, 0, 0, 0]);
    let (mut new, log) = start(&everything("")).await;
    assert_eq!(new.restore("0123abcd", &saved).await.unwrap(), Ok(()));
    assert_eq!(log.take(), ["send 0 text \"0123abcd\""]);
    new.business_handler(ID, MessageRef::Text(""))
        .await
        .unwrap();
    assert_eq!(new.save().await.unwrap(), Ok(vec![4, 0, 0, 0]));
}

#[tokio::test]
async fn state_that_is_not_saved_or_restored_says_why() {
    let (mut guest, _) = start(&everything("")).await;
    assert_eq!(guest.restore("x", &[1]).await.unwrap(), Err("no".into()));
    assert_eq!(guest.restore("x", &[99, 0, 0, 0]).await.unwrap(), Ok(()));
    assert_eq!(guest.save().await.unwrap(), Err("no".into()));
    assert!(!guest.is_poisoned(), "an error is an answer");
}

#[tokio::test]
async fn instances_share_no_memory() {
    let plugin = load(&everything(""));
    let limits = InstanceLimits::default();
    let start = || plugin.instantiate(Box::new(support::Host::default()), &limits);
    let (mut one, mut other) = (start().await.unwrap(), start().await.unwrap());
    assert_eq!(plugin.live_instances(), 2);
    for _ in 0..5 {
        one.business_handler(ID, MessageRef::Text(""))
            .await
            .unwrap();
    }
    other
        .business_handler(ID, MessageRef::Text(""))
        .await
        .unwrap();
    assert_eq!(one.save().await.unwrap(), Ok(vec![5, 0, 0, 0]));
    assert_eq!(other.save().await.unwrap(), Ok(vec![1, 0, 0, 0]));
    drop((one, other));
    assert_eq!(plugin.live_instances(), 0);
}

#[tokio::test]
async fn what_is_not_exported_is_not_called() {
    let bytes = small("");
    assert_eq!(
        load(&bytes).exports(),
        Exports {
            handler: true,
            ..Exports::default()
        }
    );
    let (mut guest, log) = start(&bytes).await;
    assert_eq!(
        guest
            .check_custom_header(&request("/", None))
            .await
            .unwrap(),
        Ok(vec![])
    );
    assert_eq!(
        guest.select_protocol(ID, &["chat".into()]).await.unwrap(),
        None
    );
    guest.on_handshake_success(ID).await.unwrap();
    guest.on_started().await.unwrap();
    guest.on_shutdown().await.unwrap();
    assert_eq!(guest.save().await.unwrap(), Ok(vec![]));
    assert_eq!(guest.restore("x", b"y").await.unwrap(), Ok(()));
    assert_eq!((guest.calls(), log.take().len()), (0, 0));
}

#[tokio::test]
async fn everything_that_is_exported_is_found() {
    let exports = load(&everything("")).exports();
    assert_eq!(
        exports,
        Exports {
            handshake: true,
            handler: true,
            connection_events: true,
            socket_events: true,
            health_events: true,
            server_events: true,
            state: true,
        }
    );
}

#[tokio::test]
async fn a_guest_cannot_call_out_of_its_allocator() {
    // While the host writes a message into the guest, the guest may not call the host: the component model
    // forbids it, and the instance is done for.
    let bytes = support::everything_with("", "(call $disconnect (i64.const 7) (i32.const 0))");
    let (mut guest, log) = start(&bytes).await;
    let error = guest
        .business_handler(ID, MessageRef::Text("hello"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::Trap { message, .. } if message.contains("cannot leave component instance")),
        "{error}"
    );
    assert!(log.take().is_empty());
    let again = guest
        .business_handler(ID, MessageRef::Text("hello"))
        .await
        .unwrap_err();
    assert!(matches!(again, CallError::Poisoned { .. }), "{again}");
}
