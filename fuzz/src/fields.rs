//! Fields: no line breaks what reads them, and of an object they are what another reader of JSON
//! finds in it.

use serde_json::Value;
use tailwater_engine::event::text;
use tailwater_engine::fields::{MAX_FIELDS, all, find};
use tailwater_engine::unwrap::{unwrap, wrapper};

use crate::choice::Choices;
use crate::file::lines;

pub fn fields(data: &[u8]) {
    let mut choices = Choices::of(data);
    let (from, len) = (choices.short(), choices.below(12));
    let bytes = choices.rest();
    let name = bytes.get(from % (bytes.len() + 1)..).unwrap_or_default();
    let name = String::from_utf8_lossy(name.get(..len).unwrap_or(name)).into_owned();
    let _joined = text(lines(bytes));
    for line in lines(bytes) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let unwrapped = unwrap(line);
        assert!(unwrapped.is_none() || wrapper(line).is_some());
        for name in [&*name, "a", "a.b", "0", "level", "log", "a.0.b"] {
            let _any = find(line, name);
        }
        let told: Vec<_> = all(line).collect();
        assert!(told.len() <= MAX_FIELDS);
        // What is no JSON is read as far as it goes, and the two ways of reading go differently far.
        let sound = !line.contains(&b'{') || serde_json::from_slice::<Value>(line).is_ok();
        for (name, _) in told.iter().filter(|_| sound) {
            if let Ok(name) = std::str::from_utf8(name)
                && !name.is_empty()
            {
                assert!(find(line, name).is_some(), "{name:?} is told and not found");
            }
        }
        if wrapper(line).is_none() {
            as_json(line);
        }
    }
}

fn as_json(line: &[u8]) {
    let Ok(Value::Object(object)) = serde_json::from_slice(line) else { return };
    for (name, value) in object {
        // A dot leads into objects.
        if name.is_empty() || name.contains('.') {
            continue;
        }
        let found = find(line, &name).unwrap_or_else(|| panic!("{name:?} is there"));
        match value {
            Value::String(text) => assert_eq!(found, text.as_bytes(), "{name:?}"),
            Value::Null => assert_eq!(&*found, b"null"),
            Value::Bool(is) => assert_eq!(found, is.to_string().as_bytes()),
            Value::Number(number) => {
                let text = std::str::from_utf8(&found).expect("digits");
                assert_eq!(text.parse().ok(), number.as_f64(), "{name:?}");
            }
            Value::Array(_) | Value::Object(_) => {
                let again: Value = serde_json::from_slice(&found).expect("all of it");
                assert_eq!(again, value, "{name:?}");
            }
        }
    }
}
