//! What wit-bindgen generates from `wit/`, and nothing else. Plugin authors never name any of it.
//!
//! Every hook group has a world of its own here. A world's export macro carries the description of that
//! world into the component, and wit-component unites the descriptions that it finds: a plugin that uses
//! three of the macros exports three interfaces and not a function more.
//!
//! The vocabulary is generated once and shared by all of the worlds.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; the contract documents what needs documentation, and privacy ends at the crate"
)]

/// The vocabulary, in its owned form.
mod vocabulary {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package jackfield:guest-vocabulary;
            world vocabulary { import jackfield:plugin/types@0.1.0; }
        ",
        generate_all,
        generate_unused_types: true,
        pub_export_macro: true,
        additional_derives: [PartialEq, Eq, Hash],
    });
}

pub use vocabulary::jackfield::plugin::types;

/// What the host offers. Messages are lowered from borrowed memory: a send copies nothing in the guest.
#[cfg(target_arch = "wasm32")]
mod imported {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package jackfield:guest-connections;
            world imported { import jackfield:plugin/connections@0.1.0; }
        ",
        generate_all,
        pub_export_macro: true,
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

#[cfg(target_arch = "wasm32")]
pub use imported::jackfield::plugin::connections;

/// One exported interface: a module with its generated `Guest` trait and its export macro.
macro_rules! exported {
    ($module:ident, $world:literal $(, with: $($with:tt)+)?) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                inline: $world,
                pub_export_macro: true,
                $(with: $($with)+)?
            });

            pub use exports::jackfield::plugin::$module::*;
        }
    };
}

exported! {
    handshake,
    "package jackfield:guest-handshake;
     world exports-handshake { export jackfield:plugin/handshake@0.1.0; }",
    with: { "jackfield:plugin/types@0.1.0": crate::bindings::types }
}
exported! {
    handler,
    "package jackfield:guest-handler;
     world exports-handler { export jackfield:plugin/handler@0.1.0; }",
    with: { "jackfield:plugin/types@0.1.0": crate::bindings::types }
}
exported! {
    connection_events,
    "package jackfield:guest-connection-events;
     world exports-connection-events { export jackfield:plugin/connection-events@0.1.0; }",
    with: { "jackfield:plugin/types@0.1.0": crate::bindings::types }
}
exported! {
    socket_events,
    "package jackfield:guest-socket-events;
     world exports-socket-events { export jackfield:plugin/socket-events@0.1.0; }",
    with: { "jackfield:plugin/types@0.1.0": crate::bindings::types }
}
exported! {
    health_events,
    "package jackfield:guest-health-events;
     world exports-health-events { export jackfield:plugin/health-events@0.1.0; }",
    with: { "jackfield:plugin/types@0.1.0": crate::bindings::types }
}
exported! {
    server_events,
    "package jackfield:guest-server-events;
     world exports-server-events { export jackfield:plugin/server-events@0.1.0; }"
}
exported! {
    state,
    "package jackfield:guest-state;
     world exports-state { export jackfield:plugin/state@0.1.0; }"
}
