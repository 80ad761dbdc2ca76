//! Writes a script that adds the mirrors to MirrorBrain's Django project (behaviour §10).

use serde_json::Value;

use crate::db::mirror::MirrorRecord;

/// Finds the project and has one function, so that each mirror is one call.
const HEAD: &str = r#"#!/usr/bin/env python3
"""Adds mirrors to the Django project mirrordjango."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mirrordjango.settings")

import django

django.setup()

from mirrordjango.mb.models import Contact, Mirror, Operator, Project, Server

"#;

const ADD: &str = r#"
def add(server, admin, mirror):
    operator, _ = Operator.objects.get_or_create(name=server["identifier"], logo="")
    server, _ = Server.objects.get_or_create(operator=operator, bandwidth=1, **server)
    Mirror.objects.get_or_create(project=project, server=server, **mirror)
    if admin["name"]:
        contact, _ = Contact.objects.get_or_create(password="UNSET", **admin)
        server.contacts.add(contact)

"#;

/// The script for a project of that name.
pub fn script(mirrors: &[MirrorRecord], project: &str) -> String {
    let mut text = HEAD.to_owned();
    let project = literal(project);
    text.push_str(&format!(
        "project, _ = Project.objects.get_or_create(name={project})\n"
    ));
    text.push_str(ADD);
    for mirror in mirrors {
        text.push_str(&format!("\nadd(\n{})\n", arguments(mirror)));
    }
    text
}

/// The arguments for one mirror.
fn arguments(mirror: &MirrorRecord) -> String {
    let maxsize = mirror.file_maxsize.to_string();
    let score = mirror.score.to_string();
    let flag = |flag: bool| if flag { "True" } else { "False" }.to_owned();
    let server = [
        ("identifier", literal(&mirror.identifier)),
        ("region", literal(&mirror.region)),
        ("country", literal(&mirror.country)),
        ("country_only", flag(mirror.country_only)),
        ("region_only", flag(mirror.region_only)),
        ("as_only", flag(mirror.as_only)),
        ("prefix_only", flag(mirror.prefix_only)),
        ("other_countries", literal(&mirror.other_countries)),
        ("file_maxsize", maxsize),
        ("comment", literal(&mirror.comment)),
    ];
    let admin = [
        ("username", literal(&mirror.admin)),
        ("name", literal(&mirror.admin)),
        ("email", literal(&mirror.admin_email)),
    ];
    let urls = [
        ("http", literal(&mirror.base_url)),
        ("ftp", literal(&mirror.ftp_url)),
        ("rsync", literal(&mirror.rsync_url)),
        ("prio", score),
    ];
    [&server[..], &admin[..], &urls[..]]
        .map(|fields| {
            let fields = fields.iter();
            let fields: Vec<String> = fields
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("    dict({}),\n", fields.join(", "))
        })
        .concat()
}

/// A text as Python reads it; its escapes are those of JSON.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}
