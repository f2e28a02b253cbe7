//! Words of closed lists, as values and as keys; schemas list them all.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Word;

/// One of the words of `T`.
pub(super) struct Key<T>(pub(super) T);

impl<T: Word> Serialize for Key<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<T: Word> JsonSchema for Key<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Key".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": T::WORDS })
    }
}

/// An object with a field for each of the words of `K` that has a value.
pub(super) struct By<K, V>(Vec<(K, V)>);

impl<K, V> FromIterator<(K, V)> for By<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<K: Word, V: Serialize> Serialize for By<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key.word(), value)))
    }
}

impl<K: Word, V: JsonSchema> JsonSchema for By<K, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "By".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = Value::from(generator.subschema_for::<V>());
        let fields: Map<String, Value> =
            K::WORDS.iter().map(|word| ((*word).to_owned(), value.clone())).collect();
        json_schema!({ "type": "object", "properties": fields })
    }
}
