//! Type descriptors: where their fields are, in all releases that are known. Units of offsets: bytes.
//!
//! Source: internal/abi/type.go, runtime/type.go, Go 1.18 to 1.27.

/// Size of a value.
pub const SIZE: u64 = 0;
/// Bytes of a value up to its last pointer; 0 where it has none.
pub const PTR_BYTES: u64 = 8;
/// Flags.
pub const TFLAG: u64 = 20;
/// [`Kind`].
pub const KIND: u64 = 23;
/// Offset of the name from the start of the types.
pub const STR: u64 = 40;
/// Offset of the type of pointers to this one from the start of the types.
pub const PTR_TO_THIS: u64 = 44;
/// First field behind those of all types: element of pointers, slices, arrays, channels; key of maps.
pub const ELEM: u64 = 48;
/// Element of maps.
pub const MAP_ELEM: u64 = 56;
/// Bucket or group type of maps.
pub const MAP_GROUP: u64 = 64;
/// Length of arrays.
pub const ARRAY_LEN: u64 = 64;
/// Fields of structs.
pub const STRUCT_FIELDS: u64 = 56;
/// Number of them.
pub const STRUCT_N_FIELDS: u64 = 64;
/// Bytes of a field.
pub const FIELD_SIZE: u64 = 24;
/// In a field: its type.
pub const FIELD_TYPE: u64 = 8;
/// Number of parameters.
pub const FUNC_N_IN: u64 = 48;
/// Number of results; the top bit says that the last parameter is variadic.
pub const FUNC_N_OUT: u64 = 50;
/// Bytes of the descriptor of an array.
pub const ARRAY_SIZE: u64 = 72;
/// Bytes of the descriptor of a channel.
pub const CHAN_SIZE: u64 = 64;
/// Bytes of the descriptor of a function, without its parameters.
pub const FUNC_SIZE: u64 = 56;
/// Bytes of the descriptor of an interface, without its methods.
pub const INTERFACE_SIZE: u64 = 80;
/// Number of these methods.
pub const INTERFACE_N_METHODS: u64 = 64;
/// Bytes of each.
pub const INTERFACE_METHOD_SIZE: u64 = 8;
/// Bytes of the descriptor of a pointer or slice.
pub const POINTER_SIZE: u64 = 56;
/// Bytes of what follows the descriptor of a type with methods or a name.
pub const UNCOMMON_SIZE: u64 = 16;
/// In it: the number of methods.
pub const UNCOMMON_N_METHODS: u64 = 4;
/// Flag of types that have it.
pub const TFLAG_UNCOMMON: u8 = 1;
/// Flag of types whose name has a star in front that is not a part of it.
pub const TFLAG_EXTRA_STAR: u8 = 2;
/// Keys and elements above this size stand in maps as pointers.
pub const MAX_INLINE: u64 = 128;
/// Go 1.25 and earlier keep flags in the upper bits of the kind.
const KIND_MASK: u8 = 31;

/// Go's kinds of types. Source: internal/abi/type.go, `Kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex64,
    Complex128,
    Array,
    Chan,
    Func,
    Interface,
    Map,
    Pointer,
    Slice,
    String,
    Struct,
    UnsafePointer,
}

impl Kind {
    /// In the order of Go's numbers, from 1.
    pub const ALL: [Self; 26] = [
        Self::Bool,
        Self::Int,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Uint,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
        Self::Uint64,
        Self::Uintptr,
        Self::Float32,
        Self::Float64,
        Self::Complex64,
        Self::Complex128,
        Self::Array,
        Self::Chan,
        Self::Func,
        Self::Interface,
        Self::Map,
        Self::Pointer,
        Self::Slice,
        Self::String,
        Self::Struct,
        Self::UnsafePointer,
    ];

    /// Go's number.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// By the byte of a descriptor that says it.
    pub fn of(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte & KIND_MASK).checked_sub(1)?).copied()
    }
}
