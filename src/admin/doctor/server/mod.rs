//! The web server as the doctor sees it: Apache's hosts, the proxies in front, systemd's units.

mod apache;
mod edit;
mod fallback;
mod host;
mod nginx;
mod origin;
mod outage;
mod place;
mod site_hosts;
mod units;
mod url;

pub(super) use apache::check as check_apache;
pub(super) use fallback::fallbacks;
pub(super) use nginx::check as check_proxies;
pub(super) use outage::check as check_outage;
pub(super) use units::check as check_units;
pub(super) use url::{HostQuestion, check as check_url};
