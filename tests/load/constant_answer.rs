//! The answer of responders that decide nothing, of the same size as a real one: a redirect with
//! five `Link` fields and the fields for logs.

pub const ANSWER: &str = "Status: 302 Found\r\n\
    Location: https://mirror.example.org/pub/project/releases/2.1/project-2.1-x86_64.iso\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Cache-Control: private, max-age=0\r\n\
    Link: <https://mirror.example.org/pub/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=1; geo=de\r\n\
    Link: <https://ftp.example.net/mirrors/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=2; geo=de\r\n\
    Link: <https://download.example.com/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=3; geo=nl\r\n\
    Link: <https://mirrors.example.edu/project/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=4; geo=fr\r\n\
    Link: <https://project.example.info/releases/2.1/project-2.1-x86_64.iso>; \
    rel=duplicate; pri=5; geo=cz\r\n\
    X-MirrorBrain-Mirror: mirror.example.org\r\n\
    X-MirrorBrain-Realm: country\r\n\
    Want-MB: redirect\r\n\
    Give-MB: redirect\r\n\
    Realm-MB: country\r\n\
    Mirror-MB: mirror.example.org\r\n\
    FileSize-MB: 1234567890\r\n\
    Country-MB: de\r\n\
    Region-MB: eu\r\n\
    Content-Length: 0\r\n\r\n";
