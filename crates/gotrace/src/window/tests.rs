use wire::put_varint;

use super::Window;

#[test]
fn a_window_holds_what_is_taken_one_by_one() {
    let lists: [&[u64]; 7] = [
        &[0],
        &[127, 128, 16_383, 1],
        &[1, 2, 3, 4, 5],
        &[u64::MAX >> 8],
        &[300, 1 << 20, 70, 1],
        &[1 << 14, 1 << 28],
        &[(1 << 49) - 1, 9],
    ];
    for list in lists {
        let mut bytes = Vec::new();
        list.iter().for_each(|&value| put_varint(&mut bytes, value));
        let n_bytes = bytes.len();
        bytes.resize(8.max(n_bytes), 0xff);
        let window = Window::new(*bytes.first_chunk().expect("eight bytes"));
        assert_eq!(window.len(list.len() as u8), Some(n_bytes));
        for (i, &value) in list.iter().enumerate() {
            assert_eq!(window.get(i as u8), value, "{list:?}");
        }
    }
    assert_eq!(Window::new([0xff; 8]).len(1), None);
    assert_eq!(Window::new([0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).len(2), None);
}
