//! Spreads files over pull-through caches: each path has an order of the caches of its own, so that
//! a file fills one cache and not all of them (rendezvous hashing).
//!
//! The share of a cache in all paths is its score's share. If a cache is gone, only its own paths
//! move, each to its second cache.

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::mirror::Mirror;

/// The number of the hash's upper bits that a floating-point number holds exactly.
const HASH_BITS: i32 = 53;

/// The hash of a path and a cache.
fn hash(path: &[u8], identifier: &str, key: &mut Vec<u8>) -> u64 {
    key.clear();
    key.extend_from_slice(path);
    key.push(0);
    key.extend_from_slice(identifier.as_bytes());
    xxh3_64(key)
}

/// How much a cache wants a path; the cache with the largest value gets it.
pub(super) fn wish(path: &[u8], cache: &Mirror, key: &mut Vec<u8>) -> f64 {
    let upper = hash(path, &cache.identifier, key) >> (64 - HASH_BITS);
    let uniform = (upper as f64 + 0.5) / 2_f64.powi(HASH_BITS);
    -f64::from(cache.score) / uniform.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(path: &[u8], caches: &[(&str, u16)]) -> Vec<String> {
        let mut wishes: Vec<(f64, String)> = caches
            .iter()
            .map(|(name, score)| {
                let mut cache = Mirror::new(name);
                cache.score = *score;
                (wish(path, &cache, &mut Vec::new()), (*name).to_owned())
            })
            .collect();
        wishes.sort_by(|a, b| b.0.total_cmp(&a.0));
        wishes.into_iter().map(|(_, name)| name).collect()
    }

    const CACHES: [(&str, u16); 5] = [
        ("c1", 100),
        ("c2", 100),
        ("c3", 100),
        ("c4", 100),
        ("c5", 100),
    ];

    /// Cases B1 to B3 of the specification of caches.
    #[test]
    fn a_path_has_its_order_of_caches() {
        assert_eq!(hash(b"a.iso", "c1", &mut Vec::new()), 0x6438_09a8_f2e7_390d);
        for (path, expected) in [
            (&b"a.iso"[..], "c4 c5 c1 c3 c2"),
            (b"pool/main/l/linux/linux_6.1.deb", "c4 c1 c2 c5 c3"),
            (b"c\xe9", "c1 c3 c4 c2 c5"),
        ] {
            let found = order(path, &CACHES).join(" ");
            assert_eq!(found, expected, "{}", path.escape_ascii());
        }
    }

    #[test]
    fn shares_follow_scores_and_a_lost_cache_moves_its_own_paths_alone() {
        let first = |caches: &[(&str, u16)]| -> Vec<Vec<String>> {
            let paths = (0..20_000).map(|number| format!("f{number}"));
            paths.map(|path| order(path.as_bytes(), caches)).collect()
        };
        let count = |orders: &[Vec<String>], name: &str| {
            orders.iter().filter(|order| order[0] == name).count() as f64 / orders.len() as f64
        };
        let five = first(&CACHES);
        for (name, _) in CACHES {
            assert!((count(&five, name) - 0.2).abs() < 0.01, "{name}");
        }
        let mut heavy = CACHES;
        heavy[0].1 = 300;
        assert!((count(&first(&heavy), "c1") - 3.0 / 7.0).abs() < 0.01);
        for (before, after) in five.iter().zip(first(&CACHES[..4])) {
            let expected = match before[0].as_str() {
                "c5" => &before[1],
                own => own,
            };
            assert_eq!(after[0], expected);
        }
    }
}
