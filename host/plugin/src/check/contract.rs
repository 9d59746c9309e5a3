//! The contract's signatures, read from the WIT files that the host was built with.

use std::sync::OnceLock;

use wit_parser::{Handle, Resolve, SourceMap, Type, TypeDefKind};

use super::shape::{Shape, Signature};

/// The interfaces that a plugin imports; every other one is exported.
const IMPORTED: [&str; 2] = ["types", "connections"];

/// Functions by name.
type Functions = Vec<(String, Signature)>;

/// The functions of an interface that plugins export; none: there is no such interface.
pub(super) fn exported(interface: &str) -> Option<&'static [(String, Signature)]> {
    if IMPORTED.contains(&interface) {
        return None;
    }
    functions(interface)
}

/// The functions of an interface that plugins import; empty when there is no such interface.
pub(super) fn imported(interface: &str) -> &'static [(String, Signature)] {
    if !IMPORTED.contains(&interface) {
        return &[];
    }
    functions(interface).unwrap_or_default()
}

fn functions(interface: &str) -> Option<&'static [(String, Signature)]> {
    static CONTRACT: OnceLock<Vec<(String, Functions)>> = OnceLock::new();
    let contract = CONTRACT.get_or_init(|| {
        #[allow(
            clippy::expect_used,
            reason = "the text is a part of this program, and the tests parse it"
        )]
        read().expect("the contract's WIT files parse")
    });
    contract
        .iter()
        .find(|(name, _)| name == interface)
        .map(|(_, functions)| functions.as_slice())
}

fn read() -> Result<Vec<(String, Functions)>, String> {
    let mut files = SourceMap::new();
    files.push_str("types.wit", include_str!("../../../../wit/types.wit"));
    files.push_str(
        "connections.wit",
        include_str!("../../../../wit/connections.wit"),
    );
    files.push_str("hooks.wit", include_str!("../../../../wit/hooks.wit"));
    files.push_str("worlds.wit", include_str!("../../../../wit/worlds.wit"));
    let group = files.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::default();
    let package = resolve
        .push_group(group)
        .map_err(|error| error.to_string())?;
    let package = resolve.packages.get(package).ok_or("no package")?;
    Ok(package
        .interfaces
        .iter()
        .filter_map(|(name, id)| Some((name, resolve.interfaces.get(*id)?)))
        .map(|(name, interface)| {
            let functions = interface.functions.iter();
            let functions =
                functions.map(|(name, function)| (name.clone(), signature(&resolve, function)));
            (name.clone(), functions.collect())
        })
        .collect())
}

fn signature(resolve: &Resolve, function: &wit_parser::Function) -> Signature {
    Signature {
        is_async: function.kind.is_async(),
        params: function
            .params
            .iter()
            .map(|param| (param.name.clone(), shape(resolve, param.ty)))
            .collect(),
        result: function.result.map(|result| shape(resolve, result)),
    }
}

fn shape(resolve: &Resolve, ty: Type) -> Shape {
    let boxed = |ty: Type| Box::new(shape(resolve, ty));
    let Type::Id(id) = ty else {
        return Shape::Named(primitive(ty));
    };
    match resolve.types.get(id).map(|definition| &definition.kind) {
        Some(TypeDefKind::Type(ty)) => shape(resolve, *ty),
        Some(TypeDefKind::Record(record)) => {
            let fields = record.fields.iter();
            Shape::Record(
                fields
                    .map(|field| (field.name.clone(), shape(resolve, field.ty)))
                    .collect(),
            )
        }
        Some(TypeDefKind::Variant(variant)) => {
            let cases = variant.cases.iter();
            let case = |ty: Option<Type>| ty.map(|ty| shape(resolve, ty));
            Shape::Variant(
                cases
                    .map(|each| (each.name.clone(), case(each.ty)))
                    .collect(),
            )
        }
        Some(TypeDefKind::Enum(cases)) => {
            Shape::Enum(cases.cases.iter().map(|case| case.name.clone()).collect())
        }
        Some(TypeDefKind::Flags(flags)) => {
            Shape::Flags(flags.flags.iter().map(|flag| flag.name.clone()).collect())
        }
        Some(TypeDefKind::Tuple(tuple)) => {
            Shape::Tuple(tuple.types.iter().map(|ty| shape(resolve, *ty)).collect())
        }
        Some(TypeDefKind::List(element)) => Shape::List(boxed(*element)),
        Some(TypeDefKind::Option(ty)) => Shape::Option(boxed(*ty)),
        Some(TypeDefKind::Result(result)) => {
            Shape::Result(result.ok.map(boxed), result.err.map(boxed))
        }
        Some(TypeDefKind::Handle(Handle::Own(_))) => Shape::Named("own<resource>"),
        Some(TypeDefKind::Handle(Handle::Borrow(_))) => Shape::Named("borrow<resource>"),
        Some(other) => Shape::Named(other.as_str()),
        None => Shape::Named("unknown"),
    }
}

fn primitive(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wit_files_parse_and_say_what_the_host_implements() {
        let of = |interface| {
            let functions = exported(interface).unwrap_or_else(|| imported(interface));
            functions
                .iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("handshake"), ["check-custom-header", "select-protocol"]);
        assert_eq!(of("handler"), ["business-handler"]);
        assert_eq!(
            of("connection-events"),
            ["on-handshake-success", "on-disconnected"]
        );
        assert_eq!(
            of("socket-events"),
            [
                "on-connected",
                "on-upgrade-part-receive",
                "on-handshake-failure",
                "on-after-remove-socket",
                "on-error"
            ]
        );
        assert_eq!(of("health-events"), ["on-after-health-check"]);
        assert_eq!(of("server-events"), ["on-started", "on-shutdown"]);
        assert_eq!(of("state"), ["save", "restore"]);
        assert_eq!(
            of("connections"),
            [
                "send",
                "send-uncompressed",
                "send-fragment",
                "ping",
                "pong",
                "close",
                "disconnect",
                "attribute",
                "set-attribute",
                "remove-attribute",
                "info"
            ]
        );
        assert_eq!(of("topics").len(), 0);
    }

    #[test]
    fn a_signature_reads_like_wit() {
        let (_, handler) = &exported("handler").unwrap()[0];
        assert_eq!(
            handler.to_string(),
            "func(connection: u64, message: variant { text(string), binary(list<u8>) })"
        );
    }
}
