//! What happens to a guest that traps, computes, grows, waits or copies too much, and to others meanwhile.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jackfield_plugin::{
    CallError, ConnectionId, Engine, EngineConfig, InstanceLimits, MessageRef, Reply,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use support::{ECHO, Host, engine, everything, load, small, start, start_with};

const ID: ConnectionId = ConnectionId(7);
const HELLO: MessageRef<'static> = MessageRef::Text("hello");

#[tokio::test]
async fn a_trap_ends_its_instance_and_no_other() {
    let plugin = engine().load("test", &everything("(unreachable)")).unwrap();
    let limits = InstanceLimits::default();
    let mut one = plugin
        .instantiate(Box::new(Host::default()), &limits)
        .await
        .unwrap();
    let mut other = plugin
        .instantiate(Box::new(Host::default()), &limits)
        .await
        .unwrap();

    let error = one.business_handler(ID, HELLO).await.unwrap_err();
    let CallError::Trap {
        hook,
        message,
        backtrace,
        stderr,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*hook, "business-handler");
    assert!(message.contains("unreachable"), "{message}");
    assert!(
        !backtrace.is_empty() && backtrace[0].contains("business-handler"),
        "{backtrace:?}"
    );
    assert_eq!(stderr, "", "it wrote nothing");
    assert!(one.is_poisoned());
    let again = one.on_started().await.unwrap_err();
    assert_eq!(again, CallError::Poisoned { hook: "on-started" });

    other.on_started().await.unwrap();
    drop(one);
    assert_eq!(plugin.live_instances(), 1);
}

#[tokio::test]
async fn a_spinning_guest_lets_others_run_and_is_stopped_at_its_budget() {
    let limits = InstanceLimits {
        call_time: Duration::from_millis(60),
        ..InstanceLimits::default()
    };
    let (mut guest, _) = start_with(&everything("(loop $again (br $again))"), limits).await;
    let turns = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&turns);
    // On this runtime of one thread, nothing counts while the guest holds the thread.
    let mut others = tokio::task::JoinSet::new();
    others.spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    });
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    drop(others);
    assert_eq!(
        error,
        CallError::TimeBudget {
            hook: "business-handler",
            budget: Duration::from_millis(60),
            key: "call_time",
        }
    );
    assert!(error.to_string().contains("call_time"));
    assert!(
        turns.load(Ordering::Relaxed) > 3,
        "timers and tasks had their turns in between"
    );
    assert!(guest.is_poisoned());
}

#[tokio::test]
async fn sockets_are_served_while_a_guest_spins() {
    let limits = InstanceLimits {
        call_time: Duration::from_millis(60),
        ..InstanceLimits::default()
    };
    let (mut guest, _) = start_with(&everything("(loop $again (br $again))"), limits).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answered = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&answered);
    let mut others = tokio::task::JoinSet::new();
    others.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut byte = [0];
        while stream.read_exact(&mut byte).await.is_ok() {
            stream.write_all(&byte).await.unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    others.spawn(async move {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut byte = [1];
        loop {
            stream.write_all(&byte).await.unwrap();
            stream.read_exact(&mut byte).await.unwrap();
        }
    });
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(matches!(error, CallError::TimeBudget { .. }), "{error}");
    assert!(
        answered.load(Ordering::Relaxed) > 0,
        "bytes went to and fro in between"
    );
}

#[tokio::test]
async fn two_spinning_guests_take_turns() {
    let plugin = load(&everything("(loop $again (br $again))"));
    let limits = InstanceLimits {
        call_time: Duration::from_millis(30),
        ..InstanceLimits::default()
    };
    let mut one = plugin
        .instantiate(Box::new(Host::default()), &limits)
        .await
        .unwrap();
    let mut other = plugin
        .instantiate(Box::new(Host::default()), &limits)
        .await
        .unwrap();
    let (one, other) = tokio::join!(
        one.business_handler(ID, HELLO),
        other.business_handler(ID, HELLO)
    );
    assert!(matches!(one, Err(CallError::TimeBudget { .. })));
    assert!(matches!(other, Err(CallError::TimeBudget { .. })));
}

#[tokio::test]
async fn waiting_is_not_guest_time() {
    // The host's answer takes longer than the guest may compute.
    let host = Host {
        attribute: Some(Box::new(|| {
            Reply::Later(Box::pin(async {
                tokio::time::sleep(Duration::from_millis(80)).await;
                Ok(Some(b"late".to_vec()))
            }))
        })),
        ..Host::default()
    };
    let log = host.log.clone();
    let limits = InstanceLimits {
        call_time: Duration::from_millis(20),
        ..InstanceLimits::default()
    };
    let body = r#"
        (call $attribute (local.get $c) (i32.const 64) (i32.const 4) (i32.const 32))
        (call $text (local.get $c) (i32.load (i32.const 40)) (i32.load (i32.const 44)))"#;
    let mut guest = load(&everything(body))
        .instantiate(Box::new(host), &limits)
        .await
        .unwrap();
    guest.business_handler(ID, HELLO).await.unwrap();
    assert_eq!(log.take(), ["attribute 7 \"user\"", "send 7 text \"late\""]);
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_the_call() {
    let host = Host {
        attribute: Some(Box::new(|| Reply::Later(Box::pin(std::future::pending())))),
        ..Host::default()
    };
    let limits = InstanceLimits {
        wait_time: Duration::from_millis(30),
        ..InstanceLimits::default()
    };
    let body = "(call $attribute (local.get $c) (i32.const 64) (i32.const 4) (i32.const 32))";
    let plugin = load(&everything(body));
    let mut guest = plugin.instantiate(Box::new(host), &limits).await.unwrap();
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(matches!(error, CallError::WaitLimit { .. }), "{error}");
    assert!(error.to_string().contains("wait_time"));
    assert!(guest.is_poisoned());
    drop(guest);
    assert_eq!(plugin.live_instances(), 0);
}

#[tokio::test]
async fn a_call_that_is_dropped_halfway_poisons_its_instance() {
    let host = Host {
        attribute: Some(Box::new(|| Reply::Later(Box::pin(std::future::pending())))),
        ..Host::default()
    };
    let body = "(call $attribute (local.get $c) (i32.const 64) (i32.const 4) (i32.const 32))";
    let plugin = load(&everything(body));
    let mut guest = plugin
        .instantiate(Box::new(host), &InstanceLimits::default())
        .await
        .unwrap();
    tokio::select! {
        biased;
        result = guest.business_handler(ID, HELLO) => panic!("{result:?}"),
        () = tokio::task::yield_now() => {}
    }
    assert!(guest.is_poisoned());
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(matches!(error, CallError::Poisoned { .. }), "{error}");
}

#[tokio::test]
async fn a_guest_that_eats_memory_is_stopped_at_its_limit() {
    // Grows by a page until it gets no more, and then gives up as allocators do.
    let body = "(loop $more (br_if $more (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) (unreachable)";
    let limits = InstanceLimits {
        memory_bytes: 1 << 20,
        ..InstanceLimits::default()
    };
    let (mut guest, _) = start_with(&everything(body), limits).await;
    assert_eq!(guest.memory_bytes(), 3 * 65536);
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::MemoryLimit {
                hook: "business-handler",
                limit: 1_048_576,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("memory_bytes"));
    assert_eq!(guest.memory_bytes(), 1 << 20);
}

#[tokio::test]
async fn a_guest_that_does_without_more_memory_goes_on() {
    let body = format!("(drop (memory.grow (i32.const 1000))) {ECHO}");
    let limits = InstanceLimits {
        memory_bytes: 1 << 20,
        ..InstanceLimits::default()
    };
    let (mut guest, log) = start_with(&everything(&body), limits).await;
    guest.business_handler(ID, HELLO).await.unwrap();
    assert_eq!(log.take(), ["send 7 text \"hello\""]);
}

#[tokio::test]
async fn a_payload_that_does_not_fit_is_the_memory_limits_doing() {
    let limits = InstanceLimits {
        memory_bytes: 1 << 20,
        ..InstanceLimits::default()
    };
    let (mut guest, _) = start_with(&everything(ECHO), limits).await;
    let error = guest
        .business_handler(ID, MessageRef::Binary(&vec![0; 2 << 20]))
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::MemoryLimit { .. }), "{error}");
}

#[tokio::test]
async fn tables_have_a_limit_of_their_own() {
    let body = r#"
        (loop $more
          (br_if $more (i32.ge_s (table.grow $table (ref.null func) (i32.const 100)) (i32.const 0))))
        (unreachable)"#;
    let limits = InstanceLimits {
        table_elements: 1000,
        ..InstanceLimits::default()
    };
    let (mut guest, _) = start_with(&everything(body), limits).await;
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(
        matches!(error, CallError::TableLimit { limit: 1000, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("table_elements"));
}

#[tokio::test]
async fn an_instance_that_wants_too_much_from_the_start_is_not_made() {
    let limits = InstanceLimits {
        memory_bytes: 65536,
        ..InstanceLimits::default()
    };
    let made = load(&everything(""))
        .instantiate(Box::new(Host::default()), &limits)
        .await;
    let error = made.err().unwrap();
    assert!(
        matches!(error, CallError::MemoryLimit { limit: 65536, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_start_of_a_component_runs_under_the_same_limits() {
    let bytes = small(
        r#"(core module $spin (func $start (loop $again (br $again))) (start $start))
           (core instance (instantiate $spin))"#,
    );
    let limits = InstanceLimits {
        call_time: Duration::from_millis(20),
        ..InstanceLimits::default()
    };
    let error = load(&bytes)
        .instantiate(Box::new(Host::default()), &limits)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            CallError::TimeBudget {
                hook: "instantiation",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn more_than_may_cross_at_once_is_a_limit_with_a_name() {
    // Four pages as the name and the same four again as the value: more than the guest has.
    let body = r#"
        (drop (memory.grow (i32.const 2)))
        (call $set-attribute (local.get $c)
          (i32.const 0) (i32.const 262144) (i32.const 0) (i32.const 262144) (i32.const 32))"#;
    let limits = InstanceLimits {
        memory_bytes: 5 * 65536,
        hostcall_bytes: 1000,
        ..InstanceLimits::default()
    };
    let (mut guest, log) = start_with(&everything(body), limits).await;
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(matches!(error, CallError::HostcallLimit { .. }), "{error}");
    assert!(error.to_string().contains("hostcall_bytes"));
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn text_that_is_not_text_traps() {
    let body = r#"
        (i32.store8 (i32.const 300) (i32.const 0xff))
        (call $text (local.get $c) (i32.const 300) (i32.const 1))"#;
    let (mut guest, log) = start(&everything(body)).await;
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Trap { message, .. } if message.contains("utf-8")),
        "{error}"
    );
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn a_payload_outside_of_memory_traps() {
    let body = "(call $binary (local.get $c) (i32.const -8) (i32.const 100))";
    let (mut guest, _) = start(&everything(body)).await;
    let error = guest.business_handler(ID, HELLO).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Trap { message, .. } if message.contains("out of bounds")),
        "{error}"
    );
}

#[tokio::test]
async fn the_pool_says_when_it_is_used_up_and_gives_back_what_was_dropped() {
    let engine = Engine::new(EngineConfig {
        max_instances: 2,
        ..EngineConfig::default()
    })
    .unwrap();
    // Anywhere else instances are limited by what the system has.
    if engine.allocation() != "pooling" {
        return;
    }
    let plugin = engine.load("test", &small("")).unwrap();
    let limits = InstanceLimits::default();
    let make = || plugin.instantiate(Box::new(Host::default()), &limits);
    let first = make().await.unwrap();
    let _second = make().await.unwrap();
    assert_eq!(make().await.err().unwrap(), CallError::PoolExhausted);
    drop(first);
    assert!(make().await.is_ok());
}
