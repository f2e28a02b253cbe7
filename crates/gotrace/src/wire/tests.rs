use super::{put_padded_varint, put_varint, take_varint};

#[test]
fn what_is_put_is_taken() {
    for value in [0, 1, 127, 128, 300, 1 << 14, 1 << 35, u64::MAX] {
        for put in [put_varint, put_padded_varint] {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            assert_eq!(take_varint(&mut &bytes[..]), Some(value));
            for n in 0..bytes.len() {
                assert_eq!(take_varint(&mut &bytes[..n]), None, "{value} cut to {n}");
            }
        }
    }
}

#[test]
fn more_than_64_bits_are_refused() {
    let mut bytes = [0xff; 10];
    bytes[9] = 2;
    assert_eq!(take_varint(&mut &bytes[..]), None);
}
