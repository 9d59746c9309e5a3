//! Judging a component before anything of it is compiled: what it exports and imports, and where that differs
//! from the contract. Reads bytes; runs nothing.

mod component;
mod contract;
mod imports;
mod shape;

use crate::CONTRACT_VERSIONS;
use crate::digest::Digest;
use crate::error::{LoadError, Mismatch};
use component::{Component, Item};

/// The package whose interfaces are the contract.
const PACKAGE: &str = "jackfield:plugin/";

/// What can be said of a component without compiling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// Bytes of the component.
    pub size: usize,
    /// The interfaces of the contract that it exports.
    pub hooks: Vec<Hook>,
    /// Other exports, which the host never calls.
    pub other_exports: Vec<String>,
    /// Everything that it imports, by name.
    pub imports: Vec<String>,
    /// Bytes that its largest memory begins with.
    pub memory_bytes: u64,
    /// The functions of the contract that it may call: `connections.send`.
    pub calls: Vec<String>,
    /// Everything that keeps it from being loaded. Empty: it fits.
    pub problems: Vec<Mismatch>,
    /// What it was made with, as far as it says so: `"language Rust"`, `"processed-by wit-component 0.254.2"`.
    pub producers: Vec<String>,
    /// The SDK that it was written with, as that says: `"jackfield-guest 0.1.0 (Rust)"`.
    pub sdk: Option<String>,
    /// A version of the contract, found in an export or import, that is not served.
    other_version: Option<String>,
}

/// An exported interface of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The interface's name within the package: `handler`.
    pub interface: String,
    /// Its full name as exported: `jackfield:plugin/handler@0.1.0`.
    pub export: String,
    /// Its functions.
    pub functions: Vec<String>,
}

/// Looks at a component.
///
/// # Errors
/// [`LoadError::NotAComponent`] when there is nothing to look at. Everything else that is wrong is listed in
/// [`Inspection::problems`].
pub fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    let component = component::read(bytes).map_err(LoadError::NotAComponent)?;
    let mut inspection = Inspection {
        digest: Digest::of(bytes),
        size: bytes.len(),
        hooks: Vec::new(),
        other_exports: Vec::new(),
        imports: component
            .imports
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        memory_bytes: component.memory_bytes,
        calls: Vec::new(),
        problems: Vec::new(),
        producers: component.producers.clone(),
        sdk: component.sdk.clone(),
        other_version: None,
    };
    inspection.check_exports(&component);
    inspection.check_imports(&component);
    if inspection.hooks.is_empty() && inspection.other_version.is_none() {
        inspection.problems.push(Mismatch {
            what: "exports".into(),
            expected: "at least one interface of the contract, e.g. jackfield:plugin/handler@0.1.0"
                .into(),
            found: inspection.other_exports_in_words(),
        });
    }
    Ok(inspection)
}

impl Inspection {
    /// The version of the contract that its hooks are of; none when it exports none.
    pub fn contract_version(&self) -> Option<&str> {
        let (_, version) = split(&self.hooks.first()?.export)?;
        Some(version)
    }

    /// Whether it can be loaded, as one answer.
    pub fn verdict(&self) -> Result<(), LoadError> {
        if let Some(found) = &self.other_version {
            return Err(LoadError::OtherContractVersion {
                found: found.clone(),
                served: served(),
            });
        }
        if self.hooks.is_empty() {
            return Err(LoadError::NoHooks {
                exports: self.other_exports_in_words(),
            });
        }
        if !self.problems.is_empty() {
            return Err(LoadError::Mismatched {
                problems: self.problems.clone(),
            });
        }
        Ok(())
    }

    fn other_exports_in_words(&self) -> String {
        if self.other_exports.is_empty() {
            "nothing".into()
        } else {
            self.other_exports.join(", ")
        }
    }

    fn check_exports(&mut self, component: &Component) {
        for (name, item) in &component.exports {
            let Some((interface, version)) = split(name) else {
                self.other_exports.push(name.clone());
                continue;
            };
            if !is_served(version) {
                self.wrong_version("export", name, version);
                continue;
            }
            let Some(expected) = contract::exported(interface) else {
                // A later 0.1.x may have more interfaces; this host does not know when to call them.
                self.other_exports.push(name.clone());
                continue;
            };
            let Item::Instance(functions) = item else {
                self.problems.push(Mismatch {
                    what: format!("export {name}"),
                    expected: "an interface".into(),
                    found: item.in_words().into(),
                });
                continue;
            };
            for (function, signature) in expected {
                let what = format!("export {name}, function {function}");
                let found = functions
                    .iter()
                    .find(|(name, _)| name == function)
                    .map(|(_, found)| found);
                self.problems
                    .extend(shape::compare(what, Some(signature), found));
            }
            self.hooks.push(Hook {
                interface: interface.to_owned(),
                export: name.clone(),
                functions: expected
                    .iter()
                    .map(|(function, _)| function.clone())
                    .collect(),
            });
        }
    }

    fn check_imports(&mut self, component: &Component) {
        for (name, item) in &component.imports {
            let Some((interface, version)) = split(name) else {
                self.problems.extend(imports::refusal(name, item));
                continue;
            };
            if !is_served(version) {
                self.wrong_version("import", name, version);
                continue;
            }
            let Item::Instance(functions) = item else {
                self.problems.push(Mismatch {
                    what: format!("import {name}"),
                    expected: "an interface".into(),
                    found: item.in_words().into(),
                });
                continue;
            };
            let known = contract::imported(interface);
            for (function, found) in functions {
                self.calls.push(format!("{interface}.{function}"));
                let what = format!("import {name}, function {function}");
                let expected = known
                    .iter()
                    .find(|(name, _)| name == function)
                    .map(|(_, expected)| expected);
                self.problems
                    .extend(shape::compare(what, expected, Some(found)));
            }
        }
    }

    fn wrong_version(&mut self, kind: &str, name: &str, version: &str) {
        let found = if version.is_empty() { "none" } else { version };
        self.other_version = Some(found.to_owned());
        self.problems.push(Mismatch {
            what: format!("{kind} {name}"),
            expected: format!(
                "version {} of the contract (rebuild the plugin against it)",
                served()
            ),
            found: format!("version {found}"),
        });
    }
}

/// Interface and version of a name in the contract's package; the version is empty when there is none.
fn split(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(rest.split_once('@').unwrap_or((rest, "")))
}

/// Whether a version of the contract is compatible with one that is served: equal up to the first number that
/// is not zero, as for any semantic version.
fn is_served(version: &str) -> bool {
    let line = |version: &str| {
        let mut numbers = version.split('.').map(str::to_owned);
        Some((numbers.next()?, numbers.next()?, numbers.next()?))
    };
    let Some((major, minor, patch)) = line(version) else {
        return false;
    };
    CONTRACT_VERSIONS
        .iter()
        .filter_map(|served| line(served))
        .any(|served| {
            if served.0 != "0" {
                served.0 == major
            } else if served.1 != "0" {
                (served.0, served.1) == (major.clone(), minor.clone())
            } else {
                served == (major.clone(), minor.clone(), patch.clone())
            }
        })
}

fn served() -> String {
    CONTRACT_VERSIONS.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_release_is_served_and_no_other() {
        assert!(is_served("0.1.0") && is_served("0.1.7"));
        for other in ["0.2.0", "1.1.0", "0.0.1", "1", "", "0.1"] {
            assert!(!is_served(other), "{other}");
        }
    }

    #[test]
    fn names_of_other_packages_are_not_the_contracts() {
        assert_eq!(
            split("jackfield:plugin/handler@0.1.0"),
            Some(("handler", "0.1.0"))
        );
        assert_eq!(split("jackfield:plugin/handler"), Some(("handler", "")));
        assert_eq!(split("jackfield:plugins/handler@0.1.0"), None);
        assert_eq!(split("wasi:cli/stdout@0.2.0"), None);
    }
}
