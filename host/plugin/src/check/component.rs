//! Reading a component's outside: its exports, its imports and what it says it was made with. The code inside
//! is not looked at; the engine does that.

use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId,
    ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{
    BinaryReader, Chunk, Encoding, Parser, Payload, PrimitiveValType, ProducersSectionReader,
    ValidPayload, Validator, WasmFeatures,
};

use super::shape::{Shape, Signature};
use crate::error::NotAComponent;

/// The outside of a component.
pub(super) struct Component {
    pub(super) exports: Vec<(String, Item)>,
    pub(super) imports: Vec<(String, Item)>,
    pub(super) producers: Vec<String>,
    /// Bytes that the largest memory of any module begins with.
    pub(super) memory_bytes: u64,
    /// The SDK that it was written with.
    pub(super) sdk: Option<String>,
}

/// Something exported or imported.
pub(super) enum Item {
    /// An interface, with its functions.
    Instance(Vec<(String, Signature)>),
    /// Anything else, in words.
    Other(&'static str),
}

impl Item {
    pub(super) fn in_words(&self) -> &'static str {
        match self {
            Item::Instance(_) => "an interface",
            Item::Other(words) => words,
        }
    }
}

/// The beginning of every WebAssembly binary.
const MAGIC: &[u8] = b"\0asm";
/// Entries of "producers" that are kept.
const PRODUCERS: usize = 32;

/// The custom section in which an SDK says its name, version and language. Linkers may repeat it.
const SDK_SECTION: &str = "jackfield.sdk";
/// Characters of it that are kept.
const SDK_CHARACTERS: usize = 80;

/// Reads a whole component.
pub(super) fn read(bytes: &[u8]) -> Result<Component, NotAComponent> {
    classify(bytes)?;
    let mut reader = Reader {
        validator: Validator::new_with_features(WasmFeatures::all()),
        component: Component {
            exports: Vec::new(),
            imports: Vec::new(),
            producers: Vec::new(),
            memory_bytes: 0,
            sdk: None,
        },
        outer: Vec::new(),
    };
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    loop {
        // At the outermost level the end of the data is the end of the component; anywhere else something
        // is missing.
        let at_end = rest.is_empty() && reader.outer.is_empty();
        let at = bytes.len() - rest.len();
        let chunk = parser.parse(rest, at_end).map_err(invalid)?;
        let Chunk::Parsed { consumed, payload } = chunk else {
            return Err(NotAComponent::Truncated { at: bytes.len() });
        };
        rest = rest
            .get(consumed..)
            .ok_or(NotAComponent::Truncated { at })?;
        match reader.payload(payload)? {
            Next::Same => {}
            Next::Into(inner) => reader.outer.push(std::mem::replace(&mut parser, *inner)),
            Next::Out => match reader.outer.pop() {
                Some(outer) => parser = outer,
                None => return Ok(reader.component),
            },
        }
    }
}

/// What can be told from the first bytes.
fn classify(bytes: &[u8]) -> Result<(), NotAComponent> {
    if bytes.is_empty() {
        return Err(NotAComponent::Empty);
    }
    if !bytes.starts_with(MAGIC) {
        let start = bytes.get(..512).unwrap_or(bytes);
        // A cut through a character at the end does not make it something else than text.
        let is_text = match std::str::from_utf8(start) {
            Ok(text) => !text.contains('\0'),
            Err(error) => error.error_len().is_none() && !start.contains(&0),
        };
        return Err(if MAGIC.starts_with(bytes) {
            NotAComponent::Truncated { at: bytes.len() }
        } else if is_text {
            NotAComponent::Text
        } else {
            NotAComponent::Garbage
        });
    }
    // After the magic: 1, 0, 0, 0 for a core module; some version, then 1, 0 for a component.
    match bytes.get(4..8) {
        None => Err(NotAComponent::Truncated { at: bytes.len() }),
        Some([1, 0, 0, 0]) => Err(NotAComponent::CoreModule),
        Some(_) => Ok(()),
    }
}

struct Reader {
    validator: Validator,
    component: Component,
    /// The parsers of what encloses the module or component that is being read.
    outer: Vec<Parser>,
}

enum Next {
    Same,
    Into(Box<Parser>),
    Out,
}

impl Reader {
    fn payload(&mut self, payload: Payload<'_>) -> Result<Next, NotAComponent> {
        if let Payload::CustomSection(section) = &payload {
            if section.name() == "producers" {
                self.producers(section.data());
            }
            if section.name() == SDK_SECTION {
                self.component.sdk = label(section.data());
            }
            return Ok(Next::Same);
        }
        let outermost = self.outer.is_empty();
        match self.validator.payload(&payload).map_err(invalid)? {
            ValidPayload::Parser(inner) => return Ok(Next::Into(Box::new(inner))),
            ValidPayload::End(_) => return Ok(Next::Out),
            // Bodies of functions are the engine's to check.
            ValidPayload::Ok | ValidPayload::Func(..) => {}
        }
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if outermost => return Err(NotAComponent::CoreModule),
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.map_err(invalid)?;
                    let page = 1_u64 << memory.page_size_log2.unwrap_or(16).min(16);
                    let bytes = memory.initial.saturating_mul(page);
                    self.component.memory_bytes = self.component.memory_bytes.max(bytes);
                }
            }
            Payload::ComponentImportSection(section) if outermost => {
                for import in section {
                    let name = import.map_err(invalid)?.name.name;
                    let item = self
                        .item(|types| types.component_item_for_import(name).map(|item| item.ty));
                    self.component.imports.push((name.to_owned(), item));
                }
            }
            Payload::ComponentExportSection(section) if outermost => {
                for export in section {
                    let name = export.map_err(invalid)?.name.name;
                    let item = self
                        .item(|types| types.component_item_for_export(name).map(|item| item.ty));
                    self.component.exports.push((name.to_owned(), item));
                }
            }
            _ => {}
        }
        Ok(Next::Same)
    }

    fn item(&self, find: impl Fn(TypesRef<'_>) -> Option<ComponentEntityType>) -> Item {
        let Some(types) = self.validator.types(0) else {
            return Item::Other("something unknown");
        };
        match find(types) {
            Some(ComponentEntityType::Instance(id)) => Item::Instance(functions(types, id)),
            Some(ComponentEntityType::Func(_)) => Item::Other("a single function"),
            Some(ComponentEntityType::Module(_)) => Item::Other("a core module"),
            Some(ComponentEntityType::Component(_)) => Item::Other("a component"),
            Some(ComponentEntityType::Type { .. }) => Item::Other("a type"),
            Some(ComponentEntityType::Value(_)) => Item::Other("a value"),
            None => Item::Other("something unknown"),
        }
    }

    /// Notes what the section says. It is only for people, so one that is damaged says nothing.
    fn producers(&mut self, data: &[u8]) {
        let Ok(section) = ProducersSectionReader::new(BinaryReader::new(data, 0)) else {
            return;
        };
        let fields = section.into_iter().filter_map(Result::ok);
        let entries = fields.flat_map(|field| {
            let values = field.values.into_iter().filter_map(Result::ok);
            values.map(move |value| {
                format!("{} {} {}", field.name, value.name, value.version)
                    .trim_end()
                    .to_owned()
            })
        });
        for entry in entries {
            let known = &mut self.component.producers;
            if known.len() < PRODUCERS && !known.contains(&entry) {
                known.push(entry);
            }
        }
    }
}

/// What a section says, when it is text for people.
fn label(data: &[u8]) -> Option<String> {
    let text: String = str::from_utf8(data)
        .ok()?
        .chars()
        .take(SDK_CHARACTERS)
        .collect();
    (!text.is_empty() && text.chars().all(|c| (' '..='~').contains(&c))).then_some(text)
}

fn invalid(error: wasmparser::BinaryReaderError) -> NotAComponent {
    NotAComponent::Invalid(error.to_string())
}

fn functions(types: TypesRef<'_>, id: ComponentInstanceTypeId) -> Vec<(String, Signature)> {
    let exports = types[id].exports.iter();
    exports
        .filter_map(|(name, item)| match item.ty {
            ComponentEntityType::Func(id) => Some((name.clone(), signature(types, id))),
            _ => None,
        })
        .collect()
}

fn signature(types: TypesRef<'_>, id: ComponentFuncTypeId) -> Signature {
    let function = &types[id];
    Signature {
        is_async: function.async_,
        params: function
            .params
            .iter()
            .map(|(name, ty)| (name.to_string(), shape(types, *ty)))
            .collect(),
        result: function.result.map(|ty| shape(types, ty)),
    }
}

/// The validator has bounded how large and how deep a type can be.
fn shape(types: TypesRef<'_>, ty: ComponentValType) -> Shape {
    let of = |ty: &ComponentValType| shape(types, *ty);
    let boxed = |ty: ComponentValType| Box::new(shape(types, ty));
    let id = match ty {
        ComponentValType::Primitive(primitive) => return Shape::Named(name(primitive)),
        ComponentValType::Type(id) => id,
    };
    match &types[id] {
        ComponentDefinedType::Primitive(primitive) => Shape::Named(name(*primitive)),
        ComponentDefinedType::Record(record) => {
            let fields = record.fields.iter();
            Shape::Record(
                fields
                    .map(|(name, ty)| (name.to_string(), of(ty)))
                    .collect(),
            )
        }
        ComponentDefinedType::Variant(variant) => {
            let cases = variant.cases.iter();
            Shape::Variant(
                cases
                    .map(|(name, case)| (name.to_string(), case.ty.as_ref().map(of)))
                    .collect(),
            )
        }
        ComponentDefinedType::Enum(names) => {
            Shape::Enum(names.iter().map(ToString::to_string).collect())
        }
        ComponentDefinedType::Flags(names) => {
            Shape::Flags(names.iter().map(ToString::to_string).collect())
        }
        ComponentDefinedType::Tuple(tuple) => Shape::Tuple(tuple.types.iter().map(of).collect()),
        ComponentDefinedType::List { element, .. } => Shape::List(boxed(*element)),
        ComponentDefinedType::Option { ty, .. } => Shape::Option(boxed(*ty)),
        ComponentDefinedType::Result { ok, err, .. } => {
            Shape::Result(ok.map(boxed), err.map(boxed))
        }
        ComponentDefinedType::Map { .. } => Shape::Named("map"),
        ComponentDefinedType::FixedLengthList { .. } => Shape::Named("fixed-length list"),
        ComponentDefinedType::Own(_) => Shape::Named("own<resource>"),
        ComponentDefinedType::Borrow(_) => Shape::Named("borrow<resource>"),
        ComponentDefinedType::Future { .. } => Shape::Named("future"),
        ComponentDefinedType::Stream { .. } => Shape::Named("stream"),
    }
}

fn name(primitive: PrimitiveValType) -> &'static str {
    match primitive {
        PrimitiveValType::Bool => "bool",
        PrimitiveValType::S8 => "s8",
        PrimitiveValType::U8 => "u8",
        PrimitiveValType::S16 => "s16",
        PrimitiveValType::U16 => "u16",
        PrimitiveValType::S32 => "s32",
        PrimitiveValType::U32 => "u32",
        PrimitiveValType::S64 => "s64",
        PrimitiveValType::U64 => "u64",
        PrimitiveValType::F32 => "f32",
        PrimitiveValType::F64 => "f64",
        PrimitiveValType::Char => "char",
        PrimitiveValType::String => "string",
        PrimitiveValType::ErrorContext => "error-context",
    }
}
