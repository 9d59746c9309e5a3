//! What hostile and honest input costs in memory, counted at the allocator.
//!
//! Each test runs on its own thread, and the count is per thread, so that they do not disturb each other.

#[path = "support/client.rs"]
mod client;
#[path = "support/deflate.rs"]
mod deflate;
#[path = "support/request.rs"]
mod request;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::Duration,
};

use client::*;
use deflate::{agreed, packed};
use jackfield_proto::{Event, Kind, ProtocolError, RequestLimits, RequestReader};

struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(bytes: isize) {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes allocated by `work` and still there, and the most that there were in between.
fn cost<T>(work: impl FnOnce() -> T) -> (isize, isize, T) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    (LIVE.get() - before, PEAK.get() - before, result)
}

/// Feeds input without the copies that [`Server`] makes for its tests; events are dropped.
fn feed(server: &mut Server, bytes: &mut [u8]) -> Option<ProtocolError> {
    let mut rest = bytes;
    loop {
        let (event, left) = server
            .connection
            .handle_input(server.now, rest, &mut server.out);
        rest = left;
        match event {
            Some(Event::Failed(error)) => return Some(error),
            Some(_) => {}
            None => return None,
        }
    }
}

const KIB: isize = 1 << 10;

#[test]
fn an_idle_connection_has_nothing_on_the_heap() {
    let mut server = Server::new();
    server.out.reserve(1 << 16);
    let mut input = [
        text("whole"),
        frame(TEXT, &[b'x'; 5000]),
        ping(b"payload"),
        frame(FIN | CONTINUATION, b"y"),
        binary(&[0; 5000]),
    ]
    .concat();
    // Cut in the middle of headers, payloads and control frames.
    let (live, _, ()) = cost(|| {
        for piece in input.chunks_mut(11) {
            assert_eq!(feed(&mut server, piece), None);
        }
    });
    assert_eq!(live, 0, "what the messages needed is given back");
}

#[test]
fn whole_frames_cost_no_allocation() {
    let mut server = Server::new();
    server.out.reserve(1 << 16);
    let mut input = [text("one"), binary(&[1; 5000]), ping(b"two"), text("three")].concat();
    let (_, peak, ()) = cost(|| assert_eq!(feed(&mut server, &mut input), None));
    assert_eq!(peak, 0);
}

/// CVE-2022-35922: a length is a claim, and costs nothing before the bytes are there.
#[test]
fn a_declared_length_allocates_nothing() {
    let mut server = Server::new();
    let mut input = header(FIN | BINARY, 1 << 20);
    let (live, _, ()) = cost(|| assert_eq!(feed(&mut server, &mut input), None));
    assert_eq!(live, 0);
    let mut some = vec![0; 100];
    let (live, _, ()) = cost(|| assert_eq!(feed(&mut server, &mut some), None));
    assert!(live <= KIB, "{live} bytes for 100");
}

/// CVE-2026-48779: a fragment costs its bytes, however small it is.
#[test]
fn tiny_fragments_cost_their_bytes() {
    let mut server = Server::new();
    feed(&mut server, &mut frame(BINARY, b""));
    let fragments = [frame(CONTINUATION, b"x"), frame(CONTINUATION, b"")]
        .concat()
        .repeat(100);
    let mut input = fragments.clone();
    let (live, peak, ()) = cost(|| {
        for _ in 0..500 {
            input.copy_from_slice(&fragments);
            assert_eq!(feed(&mut server, &mut input), None);
        }
    });
    // 100,000 fragments of 50,000 bytes.
    assert!(
        live <= 2 * 50_000 && peak <= 3 * 50_000,
        "{live} bytes, {peak} at the most"
    );
}

#[test]
fn a_flood_of_pings_costs_one_of_them() {
    let mut server = Server::new();
    server.out = vec![0; 1 << 16];
    let flood = ping(&[7; 125]).repeat(100);
    let mut input = flood.clone();
    let (live, _, ()) = cost(|| {
        for _ in 0..100 {
            input.copy_from_slice(&flood);
            assert_eq!(feed(&mut server, &mut input), None);
        }
    });
    assert!(live <= KIB, "{live} bytes");
}

/// Half-finished closes hold nothing.
#[test]
fn a_connection_that_ended_holds_nothing() {
    let ends: [fn(&mut Server); 5] = [
        |server| server.connection.handle_eof(),
        |server| {
            server
                .connection
                .fail(server.now, 1011, "", &mut server.out)
        },
        |server| {
            feed(server, &mut close(1000, b""));
        },
        |server| {
            feed(server, &mut [0xff, 0xff]);
        },
        |server| {
            server
                .connection
                .close(server.now, 1000, "", &mut server.out)
                .unwrap();
            server.sleep(Duration::from_secs(5));
            server.timeout();
            server.events = Vec::new();
        },
    ];
    for end in ends {
        let mut server = agreed("permessage-deflate");
        // So much waits that a pong has to wait, too.
        server.out = vec![0; 1 << 16];
        server.out.reserve(1 << 20);
        let (live, _, ()) = cost(|| {
            server
                .connection
                .send(Kind::Text, &[b'x'; 1000], &mut server.out)
                .unwrap();
            let mut input = frame(FIN | RSV1 | BINARY, &packed(&[0; 10_000]));
            feed(&mut server, &mut input);
            feed(&mut server, &mut frame(BINARY, &[0; 100_000]));
            feed(&mut server, &mut ping(&[7; 125]));
            drop(input);
            end(&mut server);
        });
        assert!(live <= 100, "{live} bytes");
    }
}

#[test]
fn a_request_head_costs_its_limit_at_most() {
    let mut reader = RequestReader::new(RequestLimits::default());
    let (live, peak, refused) = cost(|| {
        (0..1 << 20).find_map(|at| {
            reader
                .push(if at % 8 == 0 { b"\r\n" } else { b"X: a" })
                .err()
        })
    });
    assert_eq!(refused.expect("refused at last").status, 431);
    assert!(peak <= 40 * KIB && live <= 10 * KIB);

    let mut reader = RequestReader::new(RequestLimits::default());
    reader.push(b"GET / HTTP/1.1\r\nX: ").unwrap();
    let (live, peak, refused) = cost(|| (0..1 << 20).find_map(|_| reader.push(b"a").err()));
    assert_eq!(refused.expect("refused at last").status, 431);
    assert!(
        peak <= 40 * KIB && live <= 10 * KIB,
        "{live} bytes, {peak} at the most"
    );
}

/// CVE-2026-39804, also split and with context takeover: what a bomb costs is the cap, not what it would
/// become.
#[test]
fn a_bomb_costs_the_cap() {
    let bomb = packed(&vec![0; 64 << 20]);
    // A vector that grows to the cap by doubling, beside the one it grows out of.
    let bound = (3 << 20) + 100 * KIB;
    for piece in [1, 100, bomb.len() + 14] {
        let mut server = agreed("permessage-deflate");
        let mut input = frame(FIN | RSV1 | BINARY, &bomb);
        let (_, peak, error) = cost(|| {
            input
                .chunks_mut(piece)
                .find_map(|piece| feed(&mut server, piece))
        });
        assert_eq!(error, Some(ProtocolError::MessageTooBig));
        assert!(
            peak <= bound,
            "{peak} bytes at the most, in pieces of {piece}"
        );
    }
    let mut server = agreed("permessage-deflate");
    feed(
        &mut server,
        &mut frame(FIN | RSV1 | BINARY, &packed(&[0; 1000])),
    );
    let mut fragments: Vec<u8> = frame(RSV1 | BINARY, b"");
    fragments.extend(bomb.chunks(10).flat_map(|piece| frame(CONTINUATION, piece)));
    let (_, peak, error) = cost(|| feed(&mut server, &mut fragments));
    assert_eq!(error, Some(ProtocolError::MessageTooBig));
    assert!(peak <= bound, "{peak} bytes at the most, in fragments");
}

/// The figures in the documentation of the `deflate` module.
#[test]
fn what_compression_costs_a_connection() {
    let message = vec![b'x'; 1000];
    let received = frame(FIN | RSV1 | BINARY, &packed(&message));
    for (offer, sending, receiving) in [
        ("permessage-deflate", 372 * KIB, 47 * KIB),
        (
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
            246 * KIB,
            47 * KIB,
        ),
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            0,
            0,
        ),
    ] {
        let (unused, _, mut server) = cost(|| agreed(offer));
        assert!(unused <= KIB, "{unused} bytes before any message");
        server.out.reserve(1 << 16);
        let (sent, sent_peak, ()) = cost(|| {
            server
                .connection
                .send(Kind::Binary, &message, &mut server.out)
                .unwrap()
        });
        let mut input = received.clone();
        let (read, read_peak, error) = cost(|| feed(&mut server, &mut input));
        assert_eq!(error, None);
        println!(
            "{offer}: {sent} to send ({sent_peak} at the most), {read} to receive ({read_peak})"
        );
        assert!(
            sent <= sending && read <= receiving,
            "{offer}: {sent} to send, {read} to receive"
        );
    }
}
