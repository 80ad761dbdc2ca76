//! Checks rules that hold for any bytes in any pieces, for the properties and the fuzz target.

use heliostat::fcgi::wire::protocol::{Conversation, ConversationLimits, ConversationStep};

/// Small, so that they are reached.
const LIMITS: ConversationLimits = ConversationLimits {
    params_bytes_max: 300,
    params_max: 12,
    stdin_bytes_max: 100,
    connections_max: 960,
};

/// Bytes that a conversation may hold beside parameters: a header and a control record.
const HELD_BYTES_MAX: usize = LIMITS.params_bytes_max + 8 + 512;

/// The answer to each request.
const BODY: &[u8] = b"Status: 204 No Content\r\n\r\n";

/// The results of some input.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// All but `Hungry`.
    pub steps: Vec<ConversationStep>,
    /// Names and values of each complete request.
    pub requests: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The bytes that were sent.
    pub sent: Vec<u8>,
}

/// Checks `input` whole and in pieces of the sizes given, in turn; a size of 0 is 1.
pub fn check(input: &[u8], sizes: &[u8]) -> Outcome {
    let whole = converse(&[input]);
    let mut pieces = Vec::new();
    let mut rest = input;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().copied().map_or(1, usize::from);
        let (piece, tail) = rest.split_at(size.clamp(1, rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    let in_pieces = converse(&pieces);
    assert_eq!(
        whole, in_pieces,
        "the pieces in which bytes come change nothing"
    );
    check_sent(&whole);
    whole
}

/// Lets a conversation take the pieces and answers what is complete.
fn converse(pieces: &[&[u8]]) -> Outcome {
    let mut conversation = Conversation::new(LIMITS);
    let mut outcome = Outcome::default();
    let mut over = false;
    for piece in pieces {
        let mut input = *piece;
        loop {
            let (before, sent_before) = (input.len(), outcome.sent.len());
            let step = conversation.advance(&mut input, &mut outcome.sent);
            let (taken, sent) = (before - input.len(), outcome.sent.len() - sent_before);
            assert!(conversation.held_bytes() <= HELD_BYTES_MAX);
            assert!(
                !over || (taken == 0 && sent == 0),
                "nothing comes after the end"
            );
            if step == ConversationStep::Hungry {
                assert!(input.is_empty(), "hungry with food on the table");
                break;
            }
            if over {
                break;
            }
            outcome.steps.push(step);
            match step {
                ConversationStep::Ready => answer(&mut conversation, &mut outcome),
                ConversationStep::Over | ConversationStep::Broken(_) => over = true,
                _ => {}
            }
        }
    }
    let asked: usize = pieces.iter().map(|piece| piece.len()).sum();
    let answers = outcome.requests.len() * (BODY.len() + 24);
    assert!(
        outcome.sent.len() - answers <= 5 * asked,
        "we say more than was asked"
    );
    outcome
}

fn answer(conversation: &mut Conversation, outcome: &mut Outcome) {
    assert!(conversation.is_owing() && !conversation.is_idle());
    let params: Vec<_> = conversation
        .request()
        .params()
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect();
    let bytes: usize = params
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(bytes <= LIMITS.params_bytes_max && params.len() <= LIMITS.params_max);
    outcome.requests.push(params);
    conversation.answer(BODY, &mut outcome.sent);
    assert!(!conversation.is_owing());
    let sent = outcome.sent.len();
    conversation.answer(BODY, &mut outcome.sent);
    assert_eq!(outcome.sent.len(), sent, "a request is answered once");
}

/// Checks that the bytes sent are whole records, and hold one answer for each complete request.
fn check_sent(outcome: &Outcome) {
    let mut rest = &outcome.sent[..];
    let (mut answers, mut ended, mut said) = (0, 0, None);
    while let Some((&[version, kind, id1, id0, length1, length0, padding, _], tail)) =
        rest.split_first_chunk::<8>()
    {
        let id = u16::from_be_bytes([id1, id0]);
        let length = usize::from(u16::from_be_bytes([length1, length0]));
        let (content, tail) = tail.split_at(length);
        rest = tail;
        assert_eq!((version, padding), (1, 0));
        match kind {
            6 => {
                assert_eq!(
                    said.replace(id),
                    None,
                    "one STDOUT record, then END_REQUEST"
                );
                answers += usize::from(content == BODY);
            }
            3 => {
                ended += 1;
                assert_eq!(length, 8);
                assert!(said.take().is_none_or(|said| said == id));
            }
            10 | 11 => assert_eq!(id, 0),
            other => panic!("sent a record of type {other}"),
        }
    }
    assert!(rest.is_empty(), "half a record was sent");
    assert_eq!(said, None, "an answer without END_REQUEST");
    assert_eq!(answers, outcome.requests.len());
    let count =
        |wanted: fn(&ConversationStep) -> bool| outcome.steps.iter().filter(|s| wanted(s)).count();
    let ends = count(|step| {
        matches!(
            step,
            ConversationStep::Ready | ConversationStep::Refused(_) | ConversationStep::Aborted
        )
    });
    assert!(ended >= ends, "a request without an end");
}

/// Conversations to start from: what web servers say, and what they should not.
pub fn seeds() -> Vec<Vec<u8>> {
    let record = |kind: u8, id: u8, content: &[u8], padding: u8| {
        let [length1, length0] = (content.len() as u16).to_be_bytes();
        let mut bytes = vec![1, kind, 0, id, length1, length0, padding, 0];
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len() + usize::from(padding), 0);
        bytes
    };
    let begin = |id, role, flags| record(1, id, &[0, role, flags, 0, 0, 0, 0, 0], 0);
    let params = b"\x0b\x0aREMOTE_ADDR203.0.113.\x01\x80\x00\x00\x02Xab";
    let end = |id| [record(4, id, b"", 0), record(5, id, b"", 0)].concat();
    let kept = [begin(1, 1, 1), record(4, 1, params, 0), end(1)].concat();
    let last = [begin(1, 1, 0), record(4, 1, params, 3), end(1)].concat();
    let long = [0x41; 255];
    vec![
        kept.clone(),
        last.clone(),
        [kept.clone(), kept.clone(), last].concat(),
        record(
            9,
            0,
            b"\x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS",
            5,
        ),
        record(77, 0, b"what", 0),
        begin(1, 2, 1),
        [begin(1, 1, 1), begin(2, 1, 1), end(1)].concat(),
        [begin(1, 1, 1), record(2, 1, b"", 0), kept.clone()].concat(),
        [
            begin(1, 1, 1),
            record(4, 1, &long, 0),
            record(4, 1, &long, 0),
            end(1),
        ]
        .concat(),
        [begin(1, 1, 1), record(4, 1, b"\x09\x09", 0), end(1)].concat(),
        [
            begin(1, 1, 1),
            record(4, 1, b"", 0),
            record(5, 1, &long, 0),
            kept,
        ]
        .concat(),
        [begin(3, 1, 1), record(4, 3, &[0; 40], 0), end(3)].concat(),
        record(6, 1, b"not yours to say", 0),
    ]
}
