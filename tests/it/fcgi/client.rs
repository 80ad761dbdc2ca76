//! The client of the tests speaks as the standards say.

use crate::stand_in::fcgi_client::{
    Answer, Request, percent_decoded, percent_encoded, push_length,
};

#[test]
fn lengths_and_percent_codes_are_as_the_standards_say() {
    let mut bytes = Vec::new();
    push_length(&mut bytes, 127);
    push_length(&mut bytes, 128);
    assert_eq!(bytes, [127, 0x80, 0, 0, 128]);
    assert_eq!(percent_encoded(b"/a b%\xff"), b"/a%20b%25%FF");
    assert_eq!(percent_decoded(b"/a%20b%25%FF%zz%"), b"/a b%\xff%zz%");
}

#[test]
fn an_answer_is_taken_apart() {
    let output = b"Status: 302 Found\r\nLink: a\r\nlink: b\r\n\r\nbody";
    let answer = Answer::parse(output, Vec::new());
    assert_eq!(answer.status, 302);
    assert_eq!(answer.all("Link").collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(answer.body, b"body");
    let request = Request::get("/a b").query("c=d").body("e");
    assert_eq!(request.value("REQUEST_URI"), Some(&b"/a%20b?c=d"[..]));
    assert_eq!(request.value("CONTENT_LENGTH"), Some(&b"1"[..]));
    assert_eq!(
        request.without("CONTENT_LENGTH").value("CONTENT_LENGTH"),
        None
    );
}
