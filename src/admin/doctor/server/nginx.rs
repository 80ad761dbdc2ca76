//! nginx as a proxy in front: whether its buffers hold the head of a redirect.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::admin::doctor::examination::Examination;
use crate::admin::doctor::finding::{AreaReport, Finding};
use crate::admin::doctor::shell::text_word;
use crate::config::SiteConfig;

/// nginx's own default where a page of memory has 4096 bytes.
const BUFFER_DEFAULT: u64 = 4096;

/// Bytes that Apache adds to our head: date, server, keep-alive.
const ADDED_BYTES: u64 = 512;

/// Debian keeps servers here, which not every user has in PATH.
const FURTHER_PATH: &str = "/usr/sbin:/sbin";

/// Judges the buffers of an nginx on this machine, if there is one.
pub(in crate::admin::doctor) fn check(
    examined: &Examination<'_>,
    config: Option<&Path>,
) -> AreaReport {
    let mut report = AreaReport::of_machine("proxies");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("nginx");
    command
        .arg("-T")
        .env("PATH", format!("{path}:{FURTHER_PATH}"));
    if let Some(config) = config {
        command.arg("-c").arg(config);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return report,
        Err(error) => {
            report.refused(format!("nginx cannot be run: {error}"));
            return report;
        }
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .rfind(|line| !line.is_empty())
            .unwrap_or_default();
        report.absent(format!("nginx refuses its configuration: {last}"));
        return report;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if !text.contains("proxy_pass ") {
        return report;
    }
    for site in &examined.sites {
        report.findings.extend(small(site, smallest_buffer(&text)));
    }
    report.looked_at = Some("nginx -T".to_owned());
    report
}

/// The smallest `proxy_buffer_size` in bytes, and the file that has it; none: nginx's own.
fn smallest_buffer(text: &str) -> (u64, Option<&str>) {
    let mut file = "";
    let mut smallest: Option<(u64, &str)> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# configuration file ") {
            file = name.trim_end_matches(':');
        }
        let line = line.split('#').next().unwrap_or_default().trim();
        let value = line.strip_prefix("proxy_buffer_size");
        let size = value.and_then(|value| bytes(value.trim().trim_end_matches(';').trim()));
        if let Some(size) = size
            && smallest.is_none_or(|(least, _)| size < least)
        {
            smallest = Some((size, file));
        }
    }
    smallest.map_or((BUFFER_DEFAULT, None), |(size, file)| (size, Some(file)))
}

/// `8k`, `1m`, `4096`.
fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (number, factor) = match lower.strip_suffix('k') {
        Some(number) => (number, 1024),
        None => match lower.strip_suffix('m') {
            Some(number) => (number, 1024 * 1024),
            None => (lower.as_str(), 1),
        },
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn small(site: &SiteConfig, (size, file): (u64, Option<&str>)) -> Option<Finding> {
    let needed = site.head_bytes_max as u64 + ADDED_BYTES;
    if size >= needed {
        return None;
    }
    let kib = needed.div_ceil(1024).next_multiple_of(4);
    let fix = match file {
        None => format!(
            "printf 'proxy_buffer_size {kib}k;\\nproxy_buffers 8 {kib}k;\\n' \
             >/etc/nginx/conf.d/heliostat-buffers.conf && nginx -s reload"
        ),
        Some(file) => format!(
            "sed -i 's/proxy_buffer_size .*;/proxy_buffer_size {kib}k;/' {} && nginx -s reload",
            text_word(file)
        ),
    };
    Some(
        Finding::error(
            "proxy-buffer",
            format!("nginx takes heads of {size} bytes at most"),
        )
        .because(format!(
            "a redirect of the site {} has up to {} bytes (head_bytes_max), and Apache adds \
                 some; clients of that proxy get 502",
            site.name, site.head_bytes_max
        ))
        .mended_by(fix),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_buffer_counts() {
        for (text, expected) in [
            ("proxy_pass http://a;", (4096, None)),
            (
                " proxy_buffer_size 8k;\n#proxy_buffer_size 1k;",
                (8192, Some("")),
            ),
            (
                "# configuration file /a:\nproxy_buffer_size 1m;\n# configuration file /b:\n\
                 proxy_buffer_size  2048;",
                (2048, Some("/b")),
            ),
        ] {
            assert_eq!(smallest_buffer(text), expected, "{text}");
        }
    }
}
