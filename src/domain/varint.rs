//! Writes integers in as few bytes as they need (LEB128): seven bits per byte, the least
//! significant first; the highest bit says that more bytes follow. Lists of a million files are
//! kept in memory in this form.

/// Appends a number: one byte up to 127, ten bytes at most.
pub fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number; small numbers of either sign are short.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Takes a number from the front; `None` if it is cut off or exceeds 64 bits.
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    let mut shift = 0;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift > 63 || (shift == 63 && bits > 1) {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Takes a signed number from the front; `None` as for [`take`].
pub fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let number = take(bytes)?;
    Some((number >> 1) as i64 ^ -((number & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_take_the_bytes_they_need_and_damage_is_no_number() {
        for (number, length) in [(0, 1), (127, 1), (128, 2), (1 << 35, 6), (u64::MAX, 10)] {
            let mut out = Vec::new();
            put(&mut out, number);
            assert_eq!(out.len(), length, "{number}");
            assert_eq!(take(&mut &out[..]), Some(number));
            assert_eq!(take(&mut &out[..length - 1]), None);
        }
        assert_eq!(take(&mut &[0xff; 11][..]), None);
    }

    proptest! {
        #[test]
        fn what_was_put_is_taken(plain in any::<u64>(), signed in any::<i64>()) {
            let mut out = Vec::new();
            put(&mut out, plain);
            put_signed(&mut out, signed);
            let mut rest = &out[..];
            prop_assert_eq!(take(&mut rest), Some(plain));
            prop_assert_eq!(take_signed(&mut rest), Some(signed));
            prop_assert!(rest.is_empty());
        }
    }
}
