//! Reads name-value pairs as FastCGI packs them (specification 3.4).
//!
//! A length below 128 is one byte; a longer one is four bytes with the top bit set. Names and
//! values are bytes in any encoding.

/// The parameters of a request, in the order in which they were sent.
///
/// A name may occur twice; both pairs are returned. The iterator ends at the first pair that is cut
/// off; a [`FcgiRequest`](crate::fcgi::FcgiRequest) has no such pair, because its pairs were
/// counted before.
#[derive(Debug, Clone)]
pub struct Params<'a> {
    rest: &'a [u8],
}

impl<'a> Params<'a> {
    pub(in crate::fcgi) fn new(packed: &'a [u8]) -> Params<'a> {
        Params { rest: packed }
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (name_bytes, rest) = split_length(self.rest)?;
        let (value_bytes, rest) = split_length(rest)?;
        let (name, rest) = rest.split_at_checked(name_bytes)?;
        let (value, rest) = rest.split_at_checked(value_bytes)?;
        self.rest = rest;
        Some((name, value))
    }
}

/// Takes one length off the front; `None` if it is cut off.
#[inline]
fn split_length(packed: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = packed.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let (tail, rest) = rest.split_first_chunk::<3>()?;
    let length = u32::from_be_bytes([first & 0x7f, tail[0], tail[1], tail[2]]);
    Some((length as usize, rest))
}

/// The number of pairs; `None` if the last one is cut off.
pub(in crate::fcgi) fn count(packed: &[u8]) -> Option<usize> {
    let mut params = Params::new(packed);
    let count = params.by_ref().count();
    params.rest.is_empty().then_some(count)
}

#[cfg(test)]
mod tests {
    use super::{Params, count};

    fn long(bytes: usize) -> [u8; 4] {
        (bytes as u32 | 0x8000_0000).to_be_bytes()
    }

    #[test]
    fn pairs_are_read_whatever_their_lengths() {
        let value = [b'v'; 300];
        type Pairs<'a> = &'a [(&'a [u8], &'a [u8])];
        let cases: &[(Vec<u8>, Pairs<'_>)] = &[
            (vec![], &[]),
            (b"\x01\x02abc".to_vec(), &[(b"a", b"bc")]),
            (b"\x00\x00".to_vec(), &[(b"", b"")]),
            (b"\x01\x00a\x01\x00a".to_vec(), &[(b"a", b""), (b"a", b"")]),
            (
                b"\x01\x01x\xff\x01\x01y\x00".to_vec(),
                &[(b"x", b"\xff"), (b"y", b"\0")],
            ),
            ([&long(1)[..], &long(2), b"abc"].concat(), &[(b"a", b"bc")]),
            (
                [&[1][..], &long(300), b"n", &value].concat(),
                &[(b"n", &value)],
            ),
        ];
        for (packed, pairs) in cases {
            assert_eq!(
                &Params::new(packed).collect::<Vec<_>>(),
                pairs,
                "{packed:?}"
            );
            assert_eq!(count(packed), Some(pairs.len()), "{packed:?}");
        }
    }

    #[test]
    fn a_pair_that_is_cut_off_is_noticed() {
        let whole = [&b"\x01\x01ab\x02"[..], &long(3), b"nnvvv"].concat();
        for end in 0..=whole.len() {
            let complete = [(0, 0), (4, 1), (whole.len(), 2)];
            let expected = complete
                .iter()
                .find(|(at, _)| *at == end)
                .map(|(_, pairs)| *pairs);
            assert_eq!(count(&whole[..end]), expected, "cut at {end}");
        }
    }

    #[test]
    fn a_length_beyond_the_data_is_noticed() {
        let cases: &[&[u8]] = &[
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x01\xff\xff\xff\xffa",
            b"\x7f\x7f",
            b"\x80",
        ];
        for packed in cases {
            assert_eq!(count(packed), None, "{packed:?}");
            assert_eq!(Params::new(packed).count(), 0, "{packed:?}");
        }
    }
}
