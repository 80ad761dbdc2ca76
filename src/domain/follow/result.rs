//! Names the results of following a redirect that a client got.

/// A result. Only an answer that is understood is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FollowResult {
    /// The mirror has the file, in its size.
    Right,
    /// 404 or 410.
    NotFound,
    /// 401, 403 or 451.
    Forbidden,
    /// Another size, or a page in place of the file.
    Size,
    /// Other bytes than ours.
    Content,
    /// A redirect from https to http.
    Downgrade,
    /// Redirects in a circle, or back to us.
    Loop,
    /// A certificate that clients refuse.
    Tls,
    /// The answer does not tell the size.
    SizeUnknown,
    /// No answer, as seen from here.
    Unreachable,
    /// 429 or 503.
    Busy,
    /// The file has changed since the client was redirected.
    Moved,
    /// Anything else, which says nothing about the redirect.
    Unknown,
}

impl FollowResult {
    /// All results.
    pub const ALL: [FollowResult; 13] = [
        FollowResult::Right,
        FollowResult::NotFound,
        FollowResult::Forbidden,
        FollowResult::Size,
        FollowResult::Content,
        FollowResult::Downgrade,
        FollowResult::Loop,
        FollowResult::Tls,
        FollowResult::SizeUnknown,
        FollowResult::Unreachable,
        FollowResult::Busy,
        FollowResult::Moved,
        FollowResult::Unknown,
    ];

    /// The word in the database and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            FollowResult::Right => "ok",
            FollowResult::NotFound => "not-found",
            FollowResult::Forbidden => "forbidden",
            FollowResult::Size => "size",
            FollowResult::Content => "content",
            FollowResult::Downgrade => "downgrade",
            FollowResult::Loop => "loop",
            FollowResult::Tls => "tls",
            FollowResult::SizeUnknown => "size-unknown",
            FollowResult::Unreachable => "unreachable",
            FollowResult::Busy => "busy",
            FollowResult::Moved => "moved",
            FollowResult::Unknown => "unknown",
        }
    }

    /// The result of that word.
    pub fn from_word(word: &str) -> Option<FollowResult> {
        FollowResult::ALL
            .into_iter()
            .find(|result| result.as_str() == word)
    }

    /// Whether the client was sent to something that is not the file.
    pub fn is_wrong(self) -> bool {
        matches!(
            self,
            FollowResult::NotFound
                | FollowResult::Forbidden
                | FollowResult::Size
                | FollowResult::Content
                | FollowResult::Downgrade
                | FollowResult::Loop
                | FollowResult::Tls
        )
    }

    /// Whether the rate counts it.
    pub fn is_counted(self) -> bool {
        self == FollowResult::Right || self.is_wrong()
    }
}
