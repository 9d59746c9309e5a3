//! As much of JSON Schema as the server's OpenAPI document uses. A word that is not known here fails the test, so that
//! no promise of the document goes unchecked.

use serde_json::Value;

/// Follows a `$ref` into the document.
///
/// # Panics
/// When it leads nowhere.
pub fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        None => value,
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} leads nowhere")),
    }
}

/// Whether a value is as the schema says.
///
/// # Errors
/// Says where it is not.
pub fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolved(document, schema);
    let words = schema.as_object().ok_or("a schema that is no object")?;
    let closed = words.get("additionalProperties") == Some(&Value::Bool(false));
    for (word, rule) in words {
        let holds = match word.as_str() {
            "type" => match rule {
                Value::Array(types) => types.iter().any(|name| is_a(value, name)),
                name => is_a(value, name),
            },
            "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
            "minimum" => value.is_null() || value.as_f64() >= rule.as_f64(),
            "maximum" => value.is_null() || value.as_f64() <= rule.as_f64(),
            // The digests are the only ones with a pattern.
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$");
                let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                value
                    .as_str()
                    .is_some_and(|text| text.len() == 64 && text.chars().all(hex))
            }
            "format" => {
                assert_eq!(rule, "date-time");
                value.as_str().is_some_and(is_time)
            }
            "required" => rule.as_array().is_some_and(|all| {
                all.iter()
                    .all(|key| value.get(key.as_str().unwrap_or_default()).is_some())
            }),
            "properties" => {
                for (key, found) in value.as_object().into_iter().flatten() {
                    match rule.get(key) {
                        Some(schema) => {
                            check(document, schema, found)
                                .map_err(|why| format!("{key}: {why}"))?;
                        }
                        None if closed => return Err(format!("{key} is not in the schema")),
                        None => {}
                    }
                }
                true
            }
            "items" => {
                for found in value.as_array().into_iter().flatten() {
                    check(document, rule, found)?;
                }
                true
            }
            "additionalProperties" | "description" | "default" => true,
            other => panic!("{other} is not known to the tests"),
        };
        if !holds {
            return Err(format!("not {word} {rule}: {value}"));
        }
    }
    Ok(())
}

fn is_a(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap_or_default() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        other => panic!("the type {other} is not known to the tests"),
    }
}

/// RFC 3339 in UTC, to the second.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00Z"
}
