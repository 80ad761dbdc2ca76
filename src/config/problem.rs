//! A value of the configuration that cannot be used, and checks that several sections share.

pub(super) type ConfigProblem = (String, String);

pub(super) fn check_share(key: &str, share: f64) -> Result<(), ConfigProblem> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err((key.to_owned(), format!("{share} is no share from 0 to 1")))
}
