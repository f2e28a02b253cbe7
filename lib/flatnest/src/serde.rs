//! The map as a nested map of any format.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter;
use core::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{FlatMap, Row};

impl<K1, K2: Serialize, V: Serialize, H> Serialize for Row<'_, K1, K2, V, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<K1: Serialize, K2: Serialize, V: Serialize, H> Serialize for FlatMap<K1, K2, V, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.rows().map(|row| (row.key(), row)))
    }
}

impl<'de, K1, K2, V, H> Deserialize<'de> for FlatMap<K1, K2, V, H>
where
    K1: Deserialize<'de> + Hash + Eq,
    K2: Deserialize<'de> + Hash + Eq,
    V: Deserialize<'de>,
    H: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Rows(PhantomData))
    }
}

/// Reads the outer map.
struct Rows<M>(PhantomData<M>);

impl<'de, K1, K2, V, H> Visitor<'de> for Rows<FlatMap<K1, K2, V, H>>
where
    K1: Deserialize<'de> + Hash + Eq,
    K2: Deserialize<'de> + Hash + Eq,
    V: Deserialize<'de>,
    H: BuildHasher + Default,
{
    type Value = FlatMap<K1, K2, V, H>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of maps")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
        let mut map = FlatMap::default();
        while let Some(key1) = rows.next_key()? {
            rows.next_value_seed(Entries { key1, map: &mut map })?;
        }
        Ok(map)
    }
}

/// Reads an inner map into its row.
struct Entries<'a, K1, K2, V, H> {
    key1: K1,
    map: &'a mut FlatMap<K1, K2, V, H>,
}

impl<'de, K1, K2, V, H> DeserializeSeed<'de> for Entries<'_, K1, K2, V, H>
where
    K1: Hash + Eq,
    K2: Deserialize<'de> + Hash + Eq,
    V: Deserialize<'de>,
    H: BuildHasher,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, K1, K2, V, H> Visitor<'de> for Entries<'_, K1, K2, V, H>
where
    K1: Hash + Eq,
    K2: Deserialize<'de> + Hash + Eq,
    V: Deserialize<'de>,
    H: BuildHasher,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut failed = None;
        let read = iter::from_fn(|| {
            entries.next_entry().unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        self.map.extend_row(self.key1, read);
        failed.map_or(Ok(()), Err)
    }
}
