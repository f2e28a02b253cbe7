//! Who can change a function, by its name: where a line that uses maps is in a library, the first caller that the user can
//! change is named beside it.

/// What is asked of a function when stacks are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) is_generic: bool,
    /// Whether the user can change it.
    pub(crate) is_users: bool,
}

impl Owner {
    /// Of a function, `main_module` being the path of the program's module, if it is known.
    pub(crate) fn of(function: &str, main_module: Option<&str>) -> Self {
        Self { is_generic: is_generic(function), is_users: can_be_changed(function, main_module) }
    }
}

/// Whether the user can change a function. Without the main module only what surely is not theirs is told: the standard
/// library, and well-known containers.
fn can_be_changed(function: &str, main_module: Option<&str>) -> bool {
    let package = package_of(function);
    match main_module {
        // Generic code of a package beside it is a container or a helper, as those of libraries are.
        Some(module) => package == "main" || is_within(package, module) && !is_generic(function),
        None => !is_standard(package) && !is_container(package),
    }
}

/// Whether a function is of the standard library.
pub(crate) fn is_of_standard_library(function: &str) -> bool {
    is_standard(package_of(function))
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
    fn packages_of_the_standard_library_are_known_by_the_first_part_of_their_path() {
        for function in ["os.(*File).Write", "encoding/json.Marshal", "net/http.(*conn).serve"] {
            assert!(is_of_standard_library(function), "{function}");
        }
        for function in
            ["main.main", "log.example/os.Write", "github.com/go/log.Print", "osutil.Run"]
        {
            assert!(!is_of_standard_library(function), "{function}");
        }
    }

    #[test]
    fn the_user_can_change_their_module_but_not_its_generic_helpers() {
        let module = Some("example.com/shop");
        assert!(can_be_changed("main.main", module));
        assert!(can_be_changed("main.add[go.shape.string]", module));
        assert!(can_be_changed("example.com/shop/orders.Load", module));
        assert!(can_be_changed("example.com/shop/orders_test.BenchmarkLoad", module));
        assert!(!can_be_changed("example.com/shop/set.Set[go.shape.string].Add", module));
        assert!(!can_be_changed("example.com/shops.Load", module));
        assert!(!can_be_changed("github.com/spf13/viper.(*Viper).find", module));
        assert!(!can_be_changed("encoding/json.Unmarshal", module));
        assert!(can_be_changed("github.com/spf13/viper.(*Viper).find", None));
        assert!(!can_be_changed("encoding/json.Unmarshal", None));
        assert!(!can_be_changed(
            "github.com/deckarep/golang-set/v2.(*threadSafeSet[go.shape.int]).Add",
            None
        ));
    }

    #[test]
    fn the_standard_library_is_in_order() {
        assert!(STANDARD.is_sorted());
    }
}
