use super::*;

#[test]
fn packages_of_the_standard_library_are_known_by_the_first_part_of_their_path() {
    for function in ["os.(*File).Write", "encoding/json.Marshal", "net/http.(*conn).serve"] {
        assert!(is_standard_library(function), "{function}");
    }
    for function in ["main.main", "log.example/os.Write", "github.com/go/log.Print", "osutil.Run"] {
        assert!(!is_standard_library(function), "{function}");
    }
}
