//! Tests of the protocol: what a conversation makes of bytes.

use super::*;

const LIMITS: ConversationLimits = ConversationLimits {
    params_bytes_max: 64,
    params_max: 3,
    stdin_bytes_max: 16,
    connections_max: 77,
};

const BODY: &[u8] = b"answer";

fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let [id1, id0] = id.to_be_bytes();
    let [length1, length0] = (content.len() as u16).to_be_bytes();
    [
        &[1, kind, id1, id0, length1, length0, 3, 0],
        content,
        &[0xee; 3],
    ]
    .concat()
}

fn begin(id: u16, role: u8, flags: u8) -> Vec<u8> {
    record(1, id, &[0, role, flags, 0, 0, 0, 0, 0])
}

fn request(id: u16, params: &[u8], flags: u8) -> Vec<u8> {
    // An empty record ends the stream, so there is only one of them.
    let params = if params.is_empty() {
        Vec::new()
    } else {
        record(4, id, params)
    };
    [
        begin(id, 1, flags),
        params,
        record(4, id, b""),
        record(5, id, b""),
    ]
    .concat()
}

/// Feeds `input` in pieces of `size`; gives the steps other than `Hungry`, then the records.
fn converse(input: &[u8], size: usize) -> (Vec<String>, Vec<String>) {
    let mut conversation = Conversation::new(LIMITS);
    let (mut steps, mut out) = (Vec::new(), Vec::new());
    'all: for mut piece in input.chunks(size) {
        loop {
            let step = conversation.advance(&mut piece, &mut out);
            match step {
                ConversationStep::Hungry => break,
                ConversationStep::Ready => {
                    steps.push(format!("{:?}", conversation.request().params().count()));
                    conversation.answer(BODY, &mut out);
                }
                ConversationStep::Over | ConversationStep::Broken(_) => {
                    steps.push(format!("{step:?}"));
                    break 'all;
                }
                step => steps.push(format!("{step:?}")),
            }
        }
    }
    (steps, records(&out))
}

/// Each record in words: its type and id, and what its content says.
fn records(mut out: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some((head, rest)) = out.split_first_chunk::<HEADER_BYTES>() {
        let header = Header::parse(*head);
        assert_eq!((header.version, header.padding_bytes), (1, 0));
        let (content, rest) = rest.split_at(header.content_bytes.into());
        out = rest;
        let id = header.id;
        found.push(match header.kind {
            kind::STDOUT if content == BODY => format!("answer {id}"),
            kind::STDOUT => format!("{} {id}", content[8..11].escape_ascii()),
            kind::END_REQUEST => format!("end {id} {}", content[4]),
            kind::UNKNOWN_TYPE => format!("unknown {id} {}", content[0]),
            kind::GET_VALUES_RESULT => format!("values {id} {}", content.escape_ascii()),
            other => panic!("sent a record of type {other}"),
        });
    }
    assert!(out.is_empty(), "half a record was sent");
    found
}

/// Holds `input`, in pieces of many sizes, against the steps and the records sent, each
/// list joined by commas.
fn check(input: &[u8], steps: &str, sent: &str) {
    for size in [1, 2, 3, 5, 7, 8, 11, 16, 64, input.len().max(1)] {
        let (found_steps, found_sent) = converse(input, size);
        assert_eq!(found_steps.join(", "), steps, "in pieces of {size}");
        assert_eq!(found_sent.join(", "), sent, "in pieces of {size}");
    }
}

const PARAMS: &[u8] = b"\x01\x02abc\x01\x00b";

#[test]
fn requests_are_answered_one_after_the_other() {
    check(b"", "", "");
    check(&request(1, PARAMS, 1), "2", "answer 1, end 1 0");
    check(&request(1, PARAMS, 0), "2, Over", "answer 1, end 1 0");
    check(&request(0xffff, b"", 1), "0", "answer 65535, end 65535 0");
    let two = [request(1, PARAMS, 1), request(2, b"", 1)].concat();
    check(&two, "2, 0", "answer 1, end 1 0, answer 2, end 2 0");
    let after_the_last = [request(1, b"", 0), request(2, b"", 0)].concat();
    check(&after_the_last, "0, Over", "answer 1, end 1 0");
}

#[test]
fn a_request_is_complete_when_both_its_streams_have_ended() {
    let unfinished = [begin(1, 1, 1), record(4, 1, PARAMS), record(4, 1, b"")].concat();
    check(&unfinished, "", "");
    let end = [record(4, 1, b""), record(5, 1, b"")].concat();
    let bytes = PARAMS.iter().flat_map(|byte| record(4, 1, &[*byte]));
    let a_byte_a_record = [begin(1, 1, 1), bytes.collect(), end.clone()].concat();
    check(&a_byte_a_record, "2", "answer 1, end 1 0");
    let with_a_body = [begin(1, 1, 1), record(4, 1, b""), record(5, 1, b"form")].concat();
    check(&with_a_body, "", "");
    let with_a_body = [with_a_body, record(5, 1, b"")].concat();
    check(&with_a_body, "0", "answer 1, end 1 0");
    let body_first = [begin(1, 1, 1), record(5, 1, b""), record(4, 1, PARAMS)].concat();
    let body_first = [body_first, record(4, 1, b"")].concat();
    check(&body_first, "2", "answer 1, end 1 0");
}

#[test]
fn management_records_are_answered() {
    let ask = b"\x0f\x00FCGI_MPXS_CONNS\x0e\x00FCGI_MAX_CONNS\x05\x00OTHER";
    let values = r"values 0 \x0e\x02FCGI_MAX_CONNS77\x0f\x01FCGI_MPXS_CONNS0";
    check(&record(9, 0, ask), "", values);
    check(&record(9, 0, b"\x01\x00x"), "", "values 0 ");
    check(&record(200, 0, b"abc"), "", "unknown 0 200");
    check(&record(0, 0, b""), "", "unknown 0 0");
    let end = [record(4, 1, b""), record(5, 1, b"")].concat();
    let within = [begin(1, 1, 1), record(200, 0, b""), end].concat();
    check(&within, "0", "unknown 0 200, answer 1, end 1 0");
}

#[test]
fn what_we_are_not_is_said() {
    check(&begin(1, 2, 1), "", "end 1 3");
    check(&begin(7, 3, 0), "Over", "end 7 3");
    let end = [record(4, 1, b""), record(5, 1, b"")].concat();
    let multiplexed = [begin(1, 1, 1), request(2, b"\x01\x00a", 1), end].concat();
    check(&multiplexed, "0", "end 2 1, answer 1, end 1 0");
}

#[test]
fn requests_that_are_given_up_end() {
    let aborted = [begin(1, 1, 1), record(2, 1, b"")].concat();
    check(&aborted, "Aborted", "end 1 0");
    let again = [aborted, record(5, 1, b"late"), request(1, b"", 1)].concat();
    check(&again, "Aborted, 0", "end 1 0, answer 1, end 1 0");
    let not_kept = [begin(1, 1, 0), record(2, 1, b"")].concat();
    check(&not_kept, "Aborted, Over", "end 1 0");
    check(&record(2, 9, b""), "", "");
    let of_no_request = [record(4, 9, b"x"), record(5, 9, b"y"), record(8, 9, b"")];
    check(&of_no_request.concat(), "", "");
}

#[test]
fn too_many_parameters_are_refused() {
    let refused = "Refused(ParamsTooLarge)";
    let long = [0u8; 65];
    check(&request(1, &long, 1), refused, "431 1, end 1 0");
    let over = format!("{refused}, Over");
    check(&request(1, &long, 0), &over, "431 1, end 1 0");
    check(&request(1, &[0; 8], 1), refused, "431 1, end 1 0");
    let cut_off = request(1, b"\x05\x01ab", 1);
    check(&cut_off, "Refused(Malformed)", "400 1, end 1 0");
    let pieces = [&long[..33], &long[..33], &long, b""].map(|piece| record(4, 3, piece));
    let in_pieces = [begin(3, 1, 1), pieces.concat(), record(5, 3, b"")].concat();
    check(&in_pieces, refused, "431 3, end 3 0");
    let sent = "431 3, end 3 0, answer 4, end 4 0";
    let and_on = [in_pieces, request(4, b"", 1)].concat();
    check(&and_on, &format!("{refused}, 0"), sent);
}

#[test]
fn a_large_body_is_refused_and_read_away() {
    let begun = [begin(1, 1, 1), record(4, 1, b""), record(5, 1, &[0; 17])].concat();
    let rest = [record(5, 1, &[0; 900]), record(5, 1, b"")].concat();
    let (steps, sent) = (
        "Refused(StdinTooLarge), 0",
        "413 1, end 1 0, answer 1, end 1 0",
    );
    let read_away = [&begun[..], &rest, &request(1, b"", 1)].concat();
    check(&read_away, steps, sent);
    // Apache does not send the rest once it has the answer.
    let given_up = [begun, request(1, b"", 1)].concat();
    check(&given_up, steps, sent);
}

#[test]
fn what_no_web_server_sends_breaks_the_connection() {
    let mut version = begin(1, 1, 1);
    version[0] = 2;
    let twice = |kind| [begin(1, 1, 1), record(kind, 1, b""), record(kind, 1, b"")].concat();
    let cases: &[(&[u8], &str)] = &[
        (&version, "Version(2)"),
        (b"GET / HTTP/1.1\r\n\r\n", "Version(71)"),
        (&begin(0, 1, 1), "Kind(1)"),
        (&record(4, 0, b""), "Kind(4)"),
        (&record(2, 0, b""), "Kind(2)"),
        (&record(6, 1, b""), "Kind(6)"),
        (&record(3, 1, b""), "Kind(3)"),
        (&record(9, 1, b""), "Kind(9)"),
        (&record(99, 1, b""), "Kind(99)"),
        (&record(1, 1, b"\0\x01"), "Begin"),
        (&record(1, 1, &[0; 9]), "Begin"),
        (&[begin(1, 1, 1), begin(1, 1, 1)].concat(), "Begin"),
        (&twice(4), "StreamEnded"),
        (&twice(5), "StreamEnded"),
        (&record(9, 0, &[0; 513]), "ValuesTooLarge"),
    ];
    for (input, violation) in cases {
        check(input, &format!("Broken({violation})"), "");
    }
}

#[test]
fn garbage_of_no_request_is_not_read_for_ever() {
    let garbage = record(5, 9, &[0; 0xfff0]).repeat(40);
    let (steps, sent) = converse(&garbage, 4096);
    assert_eq!(steps, ["Broken(TooMuchIgnored)"]);
    assert!(sent.is_empty());
}

#[test]
fn idle_means_that_nothing_was_begun() {
    let input = request(1, b"\x01\x00a", 1);
    for end in 0..input.len() {
        let mut conversation = Conversation::new(LIMITS);
        let step = conversation.advance(&mut &input[..end], &mut Vec::new());
        assert_eq!(conversation.is_idle(), end == 0, "after {end} bytes");
        // The last three bytes are padding: the request is complete without them.
        assert_eq!(
            step == ConversationStep::Ready,
            end >= input.len() - 3,
            "after {end} bytes"
        );
        // A request is owed an answer once its BEGIN_REQUEST has come.
        assert_eq!(conversation.is_owing(), end >= 16, "after {end} bytes");
    }
}

#[test]
fn an_empty_answer_becomes_an_error_and_no_request_is_answered_twice() {
    let mut conversation = Conversation::new(LIMITS);
    let mut out = Vec::new();
    conversation.answer(BODY, &mut out);
    assert!(out.is_empty(), "nothing was asked");
    let input = request(1, b"", 1);
    assert_eq!(
        conversation.advance(&mut &input[..], &mut out),
        ConversationStep::Ready
    );
    assert_eq!(
        conversation.advance(&mut &b"more"[..], &mut out),
        ConversationStep::Ready
    );
    conversation.answer(b"", &mut out);
    conversation.answer(BODY, &mut out);
    assert_eq!(records(&out), ["500 1", "end 1 0"]);
}

#[test]
fn what_we_say_ourselves_has_the_length_it_tells() {
    let refusals = [
        Refusal::Malformed,
        Refusal::ParamsTooLarge,
        Refusal::StdinTooLarge,
    ];
    for cgi in refusals
        .map(Refusal::cgi)
        .into_iter()
        .chain([INTERNAL_ERROR])
    {
        let text = std::str::from_utf8(cgi).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("an empty line");
        let length = head.rsplit("Content-Length: ").next().expect("a length");
        assert_eq!(length, body.len().to_string(), "{text}");
        assert_eq!(head.lines().count(), 3, "{text}");
    }
}
