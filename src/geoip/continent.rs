//! Finds the continent of a country, for databases that contain no continents.

use crate::domain::place::{CountryCode, RegionCode};

/// ISO 3166-1 alpha-2 codes by continent; transcontinental countries are placed as by MaxMind.
const CONTINENTS: [(&[u8; 2], &str); 7] = [
    (
        b"af",
        "ao bf bi bj bw cd cf cg ci cm cv dj dz eg eh er et ga gh gm gn gq gw ke km lr ls ly ma mg \
         ml mr mu mw mz na ne ng re rw sc sd sh sl sn so ss st sz td tf tg tn tz ug yt za zm zw",
    ),
    (b"an", "aq bv gs hm"),
    (
        b"as",
        "ae af am az bd bh bn bt cc cn cx cy ge hk id il in io iq ir jo jp kg kh kp kr kw kz la lb \
         lk mm mn mo mv my np om ph pk ps qa sa sg sy th tj tl tm tr tw uz vn ye",
    ),
    (
        b"eu",
        "ad al at ax ba be bg by ch cz de dk ee es eu fi fo fr gb gg gi gr hr hu ie im is it je li \
         lt lu lv mc md me mk mt nl no pl pt ro rs ru se si sj sk sm ua va xk",
    ),
    (
        b"na",
        "ag ai aw bb bl bm bq bs bz ca cr cu cw dm do gd gl gp gt hn ht jm kn ky lc mf mq ms mx ni \
         pa pm pr sv sx tc tt us vc vg vi",
    ),
    (
        b"oc",
        "as au ck fj fm gu ki mh mp nc nf nr nu nz pf pg pn pw sb tk to tv um vu wf ws",
    ),
    (b"sa", "ar bo br cl co ec fk gf gy pe py sr uy ve"),
];

/// The continent of a country.
pub fn continent_of(country: CountryCode) -> Option<RegionCode> {
    let (code, _) = CONTINENTS.iter().find(|(_, countries)| {
        countries
            .split_ascii_whitespace()
            .any(|c| c == country.as_str())
    })?;
    RegionCode::parse(*code)
}

/// Whether a code is a continent's.
pub(super) fn is_continent(code: RegionCode) -> bool {
    CONTINENTS
        .iter()
        .any(|(known, _)| known.as_slice() == code.as_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_have_one_continent() {
        for (country, continent) in [
            ("de", "eu"),
            ("us", "na"),
            ("jp", "as"),
            ("br", "sa"),
            ("nz", "oc"),
            ("ng", "af"),
        ] {
            let found = CountryCode::parse(country.as_bytes()).and_then(continent_of);
            assert_eq!(found, RegionCode::parse(continent.as_bytes()), "{country}");
        }
        assert_eq!(CountryCode::parse(b"zz").and_then(continent_of), None);
        let all: Vec<&str> = CONTINENTS
            .iter()
            .flat_map(|(_, list)| list.split_ascii_whitespace())
            .collect();
        let unique: std::collections::HashSet<&str> = all.iter().copied().collect();
        assert_eq!((all.len(), all.len() > 240), (unique.len(), true));
    }
}
