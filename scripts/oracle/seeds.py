"""Torrents, magnet links and control files of zsync: the recorded ones and ours."""

from urllib.parse import unquote_to_bytes


def judge_torrent(verdict, case, ours, theirs):
    """Everything but the program's name; URLs are percent-encoded."""
    verdict.differences.add("generator")
    own, right = decode(ours), decode(theirs)
    own.pop(b"created by")
    right.pop(b"created by")
    for key in (b"sources", b"url-list"):
        plain = [unquote_to_bytes(url) for url in own[key]]
        if plain != own[key]:
            verdict.differences.add("encoding")
        verdict.expect(key.decode(), plain, right[key])
        del own[key], right[key]
    verdict.expect("torrent", own, right)


def judge_magnet(verdict, case, ours, theirs):
    """The recorded fields, and ours beside them."""
    verdict.differences.add("magnet")
    own = arguments(ours, b"&")
    own = [(key, value) for key, value in own if key not in (b"ws", b"xs")]
    # MirrorBrain encodes the name once, also in URLs, where it should be done twice.
    own = [(key, unquote_to_bytes(value)) for key, value in own]
    right = [(key, unquote_to_bytes(value)) for key, value in arguments(theirs, b"&amp;")]
    own = [(k, unquote_to_bytes(v) if k == b"as" else v) for k, v in own]
    verdict.expect("magnet", own, right)


def arguments(text, delimiter):
    fields = text.removeprefix(b"magnet:?").strip().split(delimiter)
    # MirrorBrain leaves an & in a name as it is.
    merged = []
    for field in fields:
        key, equals, value = field.partition(b"=")
        merged.append((key, value))
    return merged


def judge_zsync(verdict, case, ours, theirs):
    """Lines in their order, those with URLs in the order of the law, and the sums."""
    (own, own_sums), (right, right_sums) = lines(ours), lines(theirs)
    verdict.expect("sums", own_sums, right_sums)
    plain = [unquote_to_bytes(line) for line in own]
    if plain != own:
        verdict.differences.add("encoding")
    is_url = lambda line: line.startswith(b"URL: ")  # noqa: E731
    others = [[line for line in text if not is_url(line)] for text in (plain, right)]
    verdict.expect("lines", *others)
    verdict.expect("URLs", *(sorted(filter(is_url, text)) for text in (plain, right)))


def lines(text):
    head, _, sums = text.partition(b"\n\n")
    return head.split(b"\n"), sums


def decode(data):
    """Bencoding, strictly: keys in their order, nothing behind."""
    value, rest = value_of(data)
    assert not rest, "bytes behind the end"
    return value


def value_of(data):
    kind = data[:1]
    if kind == b"i":
        number, _, rest = data[1:].partition(b"e")
        return int(number), rest
    if kind in (b"l", b"d"):
        items, rest = [], data[1:]
        while not rest.startswith(b"e"):
            item, rest = value_of(rest)
            items.append(item)
        if kind == b"l":
            return items, rest[1:]
        keys = items[::2]
        assert keys == sorted(set(keys)), f"keys: {keys}"
        return dict(zip(keys, items[1::2])), rest[1:]
    length, _, rest = data.partition(b":")
    length = int(length)
    return rest[:length], rest[length:]


JUDGES = {"torrent": judge_torrent, "magnet": judge_magnet, "zsync": judge_zsync}
