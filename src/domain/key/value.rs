//! Gives each type of a value its kind, its check of bounds, and ways from written to checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::key::{Bounds, Kind};
use super::problem::{ConfigProblem, Problem};

/// A type that a key may have in the file.
pub trait KeyValue {
    /// The kind of value, for people and bounds.
    const KIND: &'static Kind;

    /// Whether the value is within bounds.
    ///
    /// # Errors
    /// Returns the problem, without its key.
    fn check(&self, bounds: &Bounds) -> Result<(), ConfigProblem>;

    /// Makes relative paths absolute, below a folder; an empty path stays empty.
    fn resolve(&mut self, _folder: &Path) {}
}

fn out_of_bounds(value: impl ToString, bounds: &Bounds) -> ConfigProblem {
    let value = value.to_string();
    let remedy = format!("write a number {bounds}");
    ConfigProblem::new(Problem::OutOfBounds { value }, remedy)
}

macro_rules! whole_numbers {
    ($($type:ty)+) => {$(
        impl KeyValue for $type {
            const KIND: &'static Kind = &Kind::Whole;

            fn check(&self, bounds: &Bounds) -> Result<(), ConfigProblem> {
                match bounds {
                    Bounds::Whole(min, max) if !(*min..=*max).contains(&(*self as u64)) => {
                        Err(out_of_bounds(self, bounds))
                    }
                    _ => Ok(()),
                }
            }
        }
    )+};
}

whole_numbers!(u32 u64 usize);

impl KeyValue for f64 {
    const KIND: &'static Kind = &Kind::Number;

    fn check(&self, bounds: &Bounds) -> Result<(), ConfigProblem> {
        match bounds {
            Bounds::Number(min, max) if !(*min..=*max).contains(self) => {
                Err(out_of_bounds(self, bounds))
            }
            _ => Ok(()),
        }
    }
}

impl KeyValue for bool {
    const KIND: &'static Kind = &Kind::Flag;

    fn check(&self, _: &Bounds) -> Result<(), ConfigProblem> {
        Ok(())
    }
}

impl KeyValue for String {
    const KIND: &'static Kind = &Kind::Text;

    fn check(&self, bounds: &Bounds) -> Result<(), ConfigProblem> {
        match bounds {
            Bounds::Words(words) if !words.contains(&self.as_str()) => {
                let value = self.clone();
                Err(ConfigProblem::new(
                    Problem::UnknownWord { value },
                    format!("use {bounds}"),
                ))
            }
            _ => Ok(()),
        }
    }
}

impl KeyValue for PathBuf {
    const KIND: &'static Kind = &Kind::Path;

    fn check(&self, _: &Bounds) -> Result<(), ConfigProblem> {
        Ok(())
    }

    fn resolve(&mut self, folder: &Path) {
        if !self.as_os_str().is_empty() {
            *self = folder.join(&self);
        }
    }
}

impl<T: KeyValue> KeyValue for Option<T> {
    const KIND: &'static Kind = T::KIND;

    fn check(&self, bounds: &Bounds) -> Result<(), ConfigProblem> {
        self.as_ref().map_or(Ok(()), |value| value.check(bounds))
    }

    fn resolve(&mut self, folder: &Path) {
        self.iter_mut().for_each(|value| value.resolve(folder));
    }
}

impl<T: KeyValue> KeyValue for Vec<T> {
    const KIND: &'static Kind = &Kind::List(T::KIND);

    fn check(&self, bounds: &Bounds) -> Result<(), ConfigProblem> {
        if let Bounds::Entries(max) = bounds
            && self.len() > *max
        {
            let count = self.len();
            let remedy = format!("write at most {max}");
            return Err(ConfigProblem::new(Problem::TooMany { count }, remedy));
        }
        self.iter().try_for_each(|value| value.check(bounds))
    }

    fn resolve(&mut self, folder: &Path) {
        self.iter_mut().for_each(|value| value.resolve(folder));
    }
}

impl<T: KeyValue> KeyValue for BTreeMap<String, T> {
    const KIND: &'static Kind = &Kind::Named(T::KIND);

    fn check(&self, bounds: &Bounds) -> Result<(), ConfigProblem> {
        self.iter().try_for_each(|(name, value)| {
            let checked = value.check(bounds);
            checked.map_err(|problem| problem.below(name))
        })
    }

    fn resolve(&mut self, folder: &Path) {
        self.values_mut().for_each(|value| value.resolve(folder));
    }
}

/// The value as written.
///
/// # Errors
/// Never.
pub fn same<T: Clone>(value: &T) -> Result<T, ConfigProblem> {
    Ok(value.clone())
}

/// A number of seconds.
///
/// # Errors
/// Never.
pub fn seconds(value: &u64) -> Result<Duration, ConfigProblem> {
    Ok(Duration::from_secs(*value))
}

/// A number of days, as seconds.
///
/// # Errors
/// Never.
pub fn days(value: &u32) -> Result<i64, ConfigProblem> {
    Ok(i64::from(*value) * 86_400)
}

/// An empty text or path stands for nothing, so that a directory or a parameter can take away what
/// stands above it.
///
/// # Errors
/// Never.
pub fn or_none<T: Clone + Default + PartialEq>(
    value: &Option<T>,
) -> Result<Option<T>, ConfigProblem> {
    Ok(value.clone().filter(|value| *value != T::default()))
}

/// Each entry of a list by itself.
///
/// # Errors
/// Returns the first problem.
pub fn list<T, U>(
    values: &[T],
    read: impl Fn(&T) -> Result<U, ConfigProblem>,
) -> Result<Vec<U>, ConfigProblem> {
    values.iter().map(read).collect()
}
