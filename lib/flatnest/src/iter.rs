//! Iterators over rows and entries.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;

use crate::FlatMap;
use crate::index;
use crate::row::Row;
use crate::store::{self, AllIter, AllIterMut, IntoAll, RawRow, Store};

/// Forwards what iterators need to the one inside. Shape: type, lifetime and type parameters, bounds, item, the item
/// inside and what is made of it.
macro_rules! iterator {
    ($name:ident<$($param:tt),*> $(where $clone:ident: Clone)?, $item:ty, $inner:pat => $made:expr) => {
        impl<$($param),*> Iterator for $name<$($param),*> $(where $clone: Clone)? {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                self.0.next().map(|$inner| $made)
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }

            #[inline]
            fn fold<B, F: FnMut(B, $item) -> B>(self, init: B, mut f: F) -> B {
                self.0.fold(init, |folded, $inner| f(folded, $made))
            }
        }

        impl<$($param),*> ExactSizeIterator for $name<$($param),*> $(where $clone: Clone)? {}
        impl<$($param),*> FusedIterator for $name<$($param),*> $(where $clone: Clone)? {}

        impl<$($param),*> fmt::Debug for $name<$($param),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

/// Walks over all entries, see [`FlatMap::iter`].
pub struct Iter<'a, K1, K2, V>(AllIter<'a, K1, (K2, V)>);

impl<'a, K1, K2, V> Iter<'a, K1, K2, V> {
    pub(crate) fn new(store: &'a Store<K1, (K2, V)>, n: usize) -> Self {
        Self(AllIter::new(store, n))
    }
}

impl<K1, K2, V> Clone for Iter<'_, K1, K2, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

iterator!(Iter<'a, K1, K2, V>, (&'a K1, &'a K2, &'a V), (key1, (key2, value)) => (key1, key2, value));

/// Walks over all entries, whose values may be changed, see [`FlatMap::iter_mut`].
pub struct IterMut<'a, K1, K2, V>(AllIterMut<'a, K1, (K2, V)>);

impl<'a, K1, K2, V> IterMut<'a, K1, K2, V> {
    pub(crate) const fn new(entries: AllIterMut<'a, K1, (K2, V)>) -> Self {
        Self(entries)
    }
}

iterator!(IterMut<'a, K1, K2, V>, (&'a K1, &'a K2, &'a mut V), (key1, (key2, value)) => (key1, &*key2, value));

/// Walks over all values, see [`FlatMap::values`].
pub struct Values<'a, K1, K2, V>(pub(crate) Iter<'a, K1, K2, V>);

impl<K1, K2, V> Clone for Values<'_, K1, K2, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

iterator!(Values<'a, K1, K2, V>, &'a V, (_, _, value) => value);

/// Walks over all values, which may be changed, see [`FlatMap::values_mut`].
pub struct ValuesMut<'a, K1, K2, V>(pub(crate) IterMut<'a, K1, K2, V>);

iterator!(ValuesMut<'a, K1, K2, V>, &'a mut V, (_, _, value) => value);

/// Walks over the entries of a row, see [`Row::iter`].
pub struct RowIter<'a, K2, V>(pub(crate) store::RowIter<'a, (K2, V)>);

impl<K2, V> RowIter<'_, K2, V> {
    pub(crate) const fn empty() -> Self {
        Self(store::RowIter::empty())
    }
}

impl<K2, V> Clone for RowIter<'_, K2, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

iterator!(RowIter<'a, K2, V>, (&'a K2, &'a V), (key2, value) => (key2, value));

/// Walks over the entries of a row, whose values may be changed, see [`RowMut::iter_mut`](crate::RowMut::iter_mut).
pub struct RowIterMut<'a, K2, V>(pub(crate) store::RowIterMut<'a, (K2, V)>);

impl<K2, V> RowIterMut<'_, K2, V> {
    pub(crate) const fn empty() -> Self {
        Self(store::RowIterMut::empty())
    }
}

iterator!(RowIterMut<'a, K2, V>, (&'a K2, &'a mut V), (key2, value) => (&*key2, value));

/// Walks over all rows, see [`FlatMap::rows`].
pub struct Rows<'a, K1, K2, V, S>(RowViews<'a, K1, K2, V, S>);

impl<'a, K1, K2, V, S> Rows<'a, K1, K2, V, S> {
    pub(crate) fn new(map: &'a FlatMap<K1, K2, V, S>) -> Self {
        Self(RowViews { rows: map.store.rows(), hasher: &map.hasher })
    }
}

impl<K1, K2, V, S> Clone for Rows<'_, K1, K2, V, S> {
    fn clone(&self) -> Self {
        let RowViews { rows, hasher } = &self.0;
        Self(RowViews { rows: rows.clone(), hasher })
    }
}

struct RowViews<'a, K1, K2, V, S> {
    rows: index::Iter<'a, RawRow<K1, (K2, V)>>,
    hasher: &'a S,
}

impl<'a, K1, K2, V, S> Iterator for RowViews<'a, K1, K2, V, S> {
    type Item = Row<'a, K1, K2, V, S>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next().map(|raw| Row::new(self.hasher, raw))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

iterator!(Rows<'a, K1, K2, V, S>, Row<'a, K1, K2, V, S>, row => row);

/// Walks over the entries of a removed row by value, see [`FlatMap::drain_row`].
pub struct DrainRow<'a, K2, V>(store::DrainRow<'a, (K2, V)>);

impl<'a, K2, V> DrainRow<'a, K2, V> {
    pub(crate) const fn new(entries: store::DrainRow<'a, (K2, V)>) -> Self {
        Self(entries)
    }

    pub(crate) const fn empty() -> Self {
        Self(store::DrainRow::empty())
    }
}

iterator!(DrainRow<'a, K2, V>, (K2, V), entry => entry);

/// Walks over all entries by value, see [`FlatMap::into_iter`](FlatMap#method.into_iter).
pub struct IntoIter<K1, K2, V>(pub(crate) IntoAll<K1, (K2, V)>);

iterator!(IntoIter<K1, K2, V> where K1: Clone, (K1, K2, V), (key1, (key2, value)) => (key1, key2, value));

/// Walks over all entries by value, see [`FlatMap::drain`].
pub struct Drain<'a, K1, K2, V>(IntoIter<K1, K2, V>, PhantomData<&'a mut (K1, K2, V)>);

impl<K1, K2, V> Drain<'_, K1, K2, V> {
    pub(crate) const fn new(entries: IntoAll<K1, (K2, V)>) -> Self {
        Self(IntoIter(entries), PhantomData)
    }
}

iterator!(Drain<'a, K1, K2, V> where K1: Clone, (K1, K2, V), entry => entry);

/// In O(*n*) together. The outer key is cloned for each entry; [`FlatMap::into_nested`] needs no clones.
impl<K1: Clone, K2, V, S> IntoIterator for FlatMap<K1, K2, V, S> {
    type Item = (K1, K2, V);
    type IntoIter = IntoIter<K1, K2, V>;

    fn into_iter(mut self) -> IntoIter<K1, K2, V> {
        IntoIter(self.take_all())
    }
}

impl<'a, K1, K2, V, S> IntoIterator for &'a FlatMap<K1, K2, V, S> {
    type Item = (&'a K1, &'a K2, &'a V);
    type IntoIter = Iter<'a, K1, K2, V>;

    fn into_iter(self) -> Iter<'a, K1, K2, V> {
        self.iter()
    }
}

impl<'a, K1, K2, V, S> IntoIterator for &'a mut FlatMap<K1, K2, V, S> {
    type Item = (&'a K1, &'a K2, &'a mut V);
    type IntoIter = IterMut<'a, K1, K2, V>;

    fn into_iter(self) -> IterMut<'a, K1, K2, V> {
        self.iter_mut()
    }
}
