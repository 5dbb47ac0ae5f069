//! Integers of variable length, zigzag-encoded as in Protocol Buffers.

/// What a 64-bit integer takes at most, in bytes.
const BYTES_MAX: usize = 10;

/// Takes an integer off the front; nothing when the bytes end in it or it has more than 64 bits.
#[inline]
pub(crate) fn take(bytes: &mut &[u8]) -> Option<i64> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(unzigzag(u64::from(first)));
    }
    take_long(bytes)
}

#[cold]
fn take_long(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(BYTES_MAX).enumerate() {
        let part = u64::from(byte & 0x7f);
        if index == BYTES_MAX - 1 && part > 1 {
            return None;
        }
        value |= part << (7 * index);
        if byte & 0x80 == 0 {
            *bytes = &bytes[index + 1..];
            return Some(unzigzag(value));
        }
    }
    None
}

/// Adds an integer.
#[inline]
pub(crate) fn put(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_bytes_of_the_specification() {
        // From the table of signed integers in the description of Protocol Buffers' encoding.
        let known: [(i64, &[u8]); 7] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (0x7fff_ffff, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i64::MIN, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ];
        for (value, expected) in known {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            assert_eq!(bytes, expected);
            let mut rest = bytes.as_slice();
            assert_eq!(take(&mut rest), Some(value));
            assert!(rest.is_empty());
            assert_eq!(take(&mut &bytes[..bytes.len() - 1]), None);
        }
        let too_long = [255, 255, 255, 255, 255, 255, 255, 255, 255, 2];
        assert_eq!(take(&mut too_long.as_slice()), None);
    }
}
