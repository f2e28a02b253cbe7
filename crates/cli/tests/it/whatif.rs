//! Forecasts for map types and sizes given by hand.

mod recorded;

use expect_test::expect;

use crate::{mapscope, report_of, stdout_of};

#[test]
fn shows_the_rewrites_of_a_nested_map_side_by_side() {
    let map = "map[string]map[string]int";
    let text = stdout_of(["whatif", "--map", map, "--outer", "4096", "--inner", "244"]);
    expect![[r#"
        map[string]map[string]int  go1.27  4,096 maps of 244 entries

        built by insertions                  today              presized             flattened   flattened, presized               sharded
        growths                             24,590                     0                 2,048                     0                24,734
        entries moved                    1,817,594                     0             1,830,003                     0             1,817,139
        write amplification                   2.81                  1.00                  2.83                  1.00                  2.81
        allocations                         61,488                16,402                 8,194                 4,098                61,851
        allocated                        106.3 MiB              53.6 MiB             191.6 MiB              96.1 MiB             106.3 MiB
        held at the end                   53.6 MiB              53.6 MiB              95.8 MiB              96.1 MiB              53.5 MiB
        objects held                        16,402                16,402                 4,087                 4,098                16,512
        of it with pointers               53.6 MiB              53.6 MiB              95.8 MiB              96.1 MiB              53.5 MiB
        space amplification                   2.33                  2.33                  2.51                  2.52                  2.33

        Write amplification: bytes of keys and elements, (inserted + moved) / inserted. Space amplification: bytes held /
        bytes of keys and elements. Without what these point to. Objects held: each collection marks every one; it reads
        through the bytes in objects with pointers. Ranges hold 99 of 100 runs; where none stands, hashing changes less than
        1 %. Presized is with exact hints: one far too large costs more than it saves. Sharded is 32 maps by the hash of the
        outer key, without their locks.
    "#]].assert_eq(&text);
}

#[test]
fn shows_ranges_where_hashing_matters() {
    let text = stdout_of(["whatif", "--map", "map[int]int", "--outer", "1000", "--go", "1.21"]);
    expect![[r#"
        map[int]int  go1.21  1,000 entries

        built by insertions                  today              presized               sharded
        growths                                  8                     0                    92
                                                                                      81 - 104
        entries at growths                   1,532                     0                 1,319
                                                                                 1,018 - 1,619
        entries moved                        1,532                     0                 1,302
                                                                                   999 - 1,605
        write amplification                   2.53                  1.00                  2.30
                                                                                   2.00 - 2.61
        allocations                             50                     7                   250
                                          18 - 101                 3 - 9             125 - 375
        allocated                         82.7 KiB              40.2 KiB              69.5 KiB
                               80.2 KiB - 88.6 KiB                         45.7 KiB - 93.2 KiB
        held at the end                   40.1 KiB              40.1 KiB              38.1 KiB
                                                                           19.2 KiB - 57.1 KiB
        objects held                             5                     5                   106
                                             3 - 5                 3 - 5              64 - 156
        of it with pointers                  145 B                 145 B               2.2 KiB
                                      72 B - 224 B          72 B - 224 B     1.6 KiB - 2.7 KiB
        space amplification                   2.57                  2.57                  2.44
                                                                                   1.23 - 3.65

        Write amplification: bytes of keys and elements, (inserted + moved) / inserted. Space amplification: bytes held /
        bytes of keys and elements. Without what these point to. Objects held: each collection marks every one; it reads
        through the bytes in objects with pointers. Ranges hold 99 of 100 runs; where none stands, hashing changes less than
        1 %. Presized is with exact hints: one far too large costs more than it saves. Sharded is 32 maps by the hash of the
        outer key, without their locks.
        Entries at growths: those in the map when its growth begins, as `mapscope record` counts them; they are moved bit by bit
        by later writes.
    "#]].assert_eq(&text);
}

#[test]
fn json_has_every_number_with_its_range() {
    let args = ["--map", "map[int]int", "--outer", "100", "--go", "go1.27.3"];
    let report = report_of("whatif", args);
    assert_eq!(report["schema"], "mapscope.whatif/1");
    let today = &report["rewrites"][0];
    assert_eq!(today["name"], "today");
    assert_eq!(today["grows"]["table"]["expected"], 3.0);
    assert_eq!(today["moved_entries"]["low"], today["moved_entries"]["high"]);
    assert_eq!(today["allocated_bytes"]["expected"], 4648.0);
}

fn refusal(args: &[&str]) -> String {
    let output = mapscope(["whatif"].iter().chain(args));
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn says_what_is_wrong_with_a_type_a_size_or_a_release() {
    let map = "map[string]map[string]int";
    expect![[r#"
        mapscope: --map map[string: byte 10 of the type: expected `]`
    "#]]
    .assert_eq(&refusal(&["--map", "map[string", "--outer", "1"]));
    expect![[r#"
        mapscope: --map map[string]map[string]int: say with --inner how large its inner maps get
    "#]]
    .assert_eq(&refusal(&["--map", map, "--outer", "1"]));
    expect![[r#"
        mapscope: --map map[int]int: --inner without a map in the map
    "#]]
    .assert_eq(&refusal(&["--map", "map[int]int", "--outer", "1", "--inner", "1"]));
    expect![[r#"
        mapscope: --go go1.17: the maps of this release are not known
    "#]]
    .assert_eq(&refusal(&["--map", "map[int]int", "--outer", "1", "--go", "1.17"]));
}
