//! Who calls the lines that use maps: the first caller that the user can change, where the line itself is in a library.
//!
//! 1. Functions are put into groups by what decides who can change them: the package, and whether they are generic.
//! 2. Of each sample the callers are kept at which the group changes, from the line outwards.
//! 3. When all inputs were read, and the binary has said what the main module is, the first of them that the user can
//!    change is taken.

use std::collections::HashMap;

/// Groups in a chain of callers that are kept: libraries do not call back and forth much more often.
pub(crate) const MAX_CHAIN: usize = 12;

/// Functions that one party can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GroupId(u32);

/// Groups of functions, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: Vec<Group>,
    by_group: HashMap<Group, GroupId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Group {
    package: Box<str>,
    is_generic: bool,
}

impl Groups {
    /// The group of a function, by its name.
    pub(crate) fn of(&mut self, function: &str) -> GroupId {
        let group =
            Group { package: package_of(function).into(), is_generic: is_generic(function) };
        if let Some(&known) = self.by_group.get(&group) {
            return known;
        }
        let id = GroupId(self.groups.len() as u32);
        self.groups.push(group.clone());
        self.by_group.insert(group, id);
        id
    }

    pub(crate) fn is_generic(&self, id: GroupId) -> bool {
        self.groups.get(id.0 as usize).is_some_and(|group| group.is_generic)
    }

    /// Whether the user can change what is in a group, `main_module` being the path of the program's module, if it is known.
    /// Without it only what surely is not theirs is told: the standard library, and well-known containers.
    pub(crate) fn can_be_changed(&self, id: GroupId, main_module: Option<&str>) -> bool {
        let Some(Group { package, is_generic }) = self.groups.get(id.0 as usize) else {
            return false;
        };
        match main_module {
            // Generic code of a package beside it is a container or a helper, as those of libraries are.
            Some(module) => &**package == "main" || is_within(package, module) && !is_generic,
            None => !is_standard(package) && !is_container(package),
        }
    }
}

/// Whether a function has type arguments.
pub(crate) fn is_generic(function: &str) -> bool {
    function.contains('[')
}

/// The import path of a function's package: what comes before the first dot behind the last slash, type arguments aside.
fn package_of(function: &str) -> &str {
    let without_types = function.split('[').next().unwrap_or(function);
    let last = without_types.rfind('/').map_or(0, |slash| slash + 1);
    let end = without_types[last..].find('.').map_or(without_types.len(), |dot| last + dot);
    &without_types[..end]
}

/// Whether a package is of this module; tests of a package from outside have a path of their own.
fn is_within(package: &str, module: &str) -> bool {
    // The compiler escapes dots in the last element of a path.
    let package = package.replace("%2e", ".");
    let package = package.strip_suffix("_test").unwrap_or(&package);
    let rest = package.strip_prefix(module);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_standard(package: &str) -> bool {
    let first = package.split('/').next().unwrap_or(package);
    STANDARD.binary_search(&first).is_ok()
}

fn is_container(package: &str) -> bool {
    CONTAINERS.iter().any(|container| is_within(package, container))
}

/// First elements of import paths of the standard library.
///
/// Source: the folders of `src` of Go 1.27.3.
const STANDARD: &[&str] = &[
    "archive",
    "arena",
    "bufio",
    "builtin",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "uuid",
    "vendor",
    "weak",
];

/// Packages of sets and other containers, whose functions do what their caller says.
const CONTAINERS: &[&str] = &[
    "github.com/deckarep/golang-set",
    "github.com/emirpasic/gods",
    "github.com/samber/lo",
    "golang.org/x/exp",
    "k8s.io/apimachinery/pkg/util/sets",
    "k8s.io/utils/set",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_of_a_function_has_no_types() {
        let of = [
            ("main.main.func1", "main"),
            ("encoding/json.(*decodeState).object", "encoding/json"),
            ("gopkg.in/yaml%2ev3.(*parser).node", "gopkg.in/yaml%2ev3"),
            ("github.com/a/lo.Uniq[go.shape.string,github.com/x/y.T]", "github.com/a/lo"),
            ("example.com/a.init", "example.com/a"),
            ("cgo", "cgo"),
        ];
        for (function, package) in of {
            assert_eq!(package_of(function), package);
        }
    }

    #[test]
    fn the_user_can_change_their_module_but_not_its_generic_helpers() {
        let mut groups = Groups::default();
        let mut can = |function: &str, module: Option<&str>| {
            let group = groups.of(function);
            groups.can_be_changed(group, module)
        };
        let module = Some("example.com/shop");
        assert!(can("main.main", module));
        assert!(can("main.add[go.shape.string]", module));
        assert!(can("example.com/shop/orders.Load", module));
        assert!(can("example.com/shop/orders_test.BenchmarkLoad", module));
        assert!(!can("example.com/shop/set.Set[go.shape.string].Add", module));
        assert!(!can("example.com/shops.Load", module));
        assert!(!can("github.com/spf13/viper.(*Viper).find", module));
        assert!(!can("encoding/json.Unmarshal", module));
        assert!(can("github.com/spf13/viper.(*Viper).find", None));
        assert!(!can("encoding/json.Unmarshal", None));
        assert!(!can("github.com/deckarep/golang-set/v2.(*threadSafeSet[go.shape.int]).Add", None));
    }

    #[test]
    fn the_standard_library_is_in_order() {
        assert!(STANDARD.is_sorted());
    }
}
