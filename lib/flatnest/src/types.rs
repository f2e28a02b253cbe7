//! What type a type parameter stands for, where more is known of some types than of others.
#![allow(unsafe_code)]

use core::any::TypeId;
use core::marker::PhantomData;
use core::mem::transmute;
use core::ptr::NonNull;

/// The value as a `U` if that is its type.
#[inline(always)]
pub(crate) fn downcast<T, U: 'static>(value: &T) -> Option<&U> {
    // SAFETY: the types are the same.
    is_same_type::<T, U>().then(|| unsafe { NonNull::from(value).cast::<U>().as_ref() })
}

/// Types that differ in lifetimes alone count as one; `U` has none.
#[inline(always)]
pub(crate) fn is_same_type<T, U: 'static>() -> bool {
    id_of_type::<T>() == TypeId::of::<U>()
}

/// As [`TypeId::of`], also for types with lifetimes, which do not count.
///
/// Source: the crate `typeid` 1.0, which says why this holds.
#[inline(always)]
fn id_of_type<T>() -> TypeId {
    trait Typed {
        fn id(&self) -> TypeId
        where
            Self: 'static;
    }
    impl<T> Typed for PhantomData<T> {
        #[inline(always)]
        fn id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }
    let typed: &dyn Typed = &PhantomData::<T>;
    // SAFETY: only the lifetime bound changes. `id` reads no value of `T`, and lifetimes do not change what it returns.
    unsafe { transmute::<&dyn Typed, &(dyn Typed + 'static)>(typed) }.id()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::ArenaStr;

    fn is_string<T>() -> bool {
        is_same_type::<T, String>()
    }

    #[test]
    fn types_are_told_apart() {
        assert!(is_string::<String>() && is_same_type::<ArenaStr, ArenaStr>());
        assert!(!is_string::<&str>() && !is_string::<Option<String>>() && !is_string::<ArenaStr>());
        assert!(downcast::<_, String>(&7).is_none());
        assert_eq!(downcast::<_, String>(&String::from("a")).map(String::as_str), Some("a"));
    }
}
