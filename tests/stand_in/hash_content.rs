//! Content of the files whose hashes MirrorBrain stored: what Python's
//! `random.Random(path).randbytes(size)` gives, from the same generator (MT19937, 32 bits).

use sha2::{Digest, Sha512};

/// Words of the generator's state.
const WORDS: usize = 624;
/// How far the word is that is mixed in.
const FAR: usize = 397;

/// The content of the file at `path`.
pub fn content(path: &[u8], size: usize) -> Vec<u8> {
    let mut generator = Generator::with_text(path);
    let mut bytes: Vec<u8> = (0..size / 4)
        .flat_map(|_| generator.next().to_le_bytes())
        .collect();
    let rest = size % 4;
    if rest > 0 {
        let last = generator.next() >> (32 - 8 * rest);
        bytes.extend_from_slice(&last.to_le_bytes()[..rest]);
    }
    bytes
}

struct Generator {
    state: [u32; WORDS],
    next: usize,
}

impl Generator {
    /// Python's seeding with a text: its bytes and their SHA-512 are one large number, whose
    /// 32-bit digits, the lowest first, are the key.
    fn with_text(text: &[u8]) -> Generator {
        let number = [text, &Sha512::digest(text)].concat();
        let key: Vec<u32> = number
            .rchunks(4)
            .map(|digit| {
                digit
                    .iter()
                    .fold(0, |all, &byte| all << 8 | u32::from(byte))
            })
            .collect();
        let mut state = [0_u32; WORDS];
        state[0] = 19_650_218;
        for at in 1..WORDS {
            let before = state[at - 1];
            state[at] = (before ^ (before >> 30))
                .wrapping_mul(1_812_433_253)
                .wrapping_add(at as u32);
        }
        let mut generator = Generator { state, next: WORDS };
        generator.mix(&key);
        generator
    }

    fn mix(&mut self, key: &[u32]) {
        let state = &mut self.state;
        let mut at = 1;
        let mut step = |round: usize, factor: u32, add: &dyn Fn(usize, usize) -> u32| {
            let before = state[at - 1];
            let mixed = (before ^ (before >> 30)).wrapping_mul(factor);
            state[at] = (state[at] ^ mixed).wrapping_add(add(round, at));
            at += 1;
            if at == WORDS {
                state[0] = state[WORDS - 1];
                at = 1;
            }
        };
        for round in 0..WORDS.max(key.len()) {
            let place = round % key.len();
            step(round, 1_664_525, &|_, _| {
                key[place].wrapping_add(place as u32)
            });
        }
        for round in 0..WORDS - 1 {
            step(round, 1_566_083_941, &|_, at| (at as u32).wrapping_neg());
        }
        state[0] = 0x8000_0000;
    }

    fn next(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        for at in 0..WORDS {
            let low = self.state[(at + 1) % WORDS] & 0x7fff_ffff;
            let word = (self.state[at] & 0x8000_0000) | low;
            let odd = if word & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[at] = self.state[(at + FAR) % WORDS] ^ (word >> 1) ^ odd;
        }
        self.next = 0;
    }
}
