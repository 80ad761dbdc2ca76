//! The macro that makes a section of the configuration out of its rows.

/// Makes the struct that a section is read into, its checked struct, and the description of both.
///
/// ```text
/// section! {
///     /// `[site.NAME.scan]`: how mirrors are scanned.
///     RawScan => ScanConfig {
///         /// How many mirrors are scanned at the same time.
///         jobs: usize = 8, in Bounds::Whole(1, JOBS_MAX);
///         /// Seconds without a byte from a mirror until the scan gives it up.
///         timeout_s: u64 = 120, in Bounds::Whole(1, SILENCE_S_MAX) => timeout: Duration = seconds;
///     }
/// }
/// ```
///
/// A row reads `NAME: TYPE = DEFAULT`, then, where there are any:
///
/// - `, in BOUNDS`: which values are accepted;
/// - `, parameter "NAME"`: the web server's parameter that overrides it (`rules` sections alone);
/// - `=> FIELD: TYPE = FUNCTION`: the field of the checked struct and how it is made, by a
///   `fn(&Written) -> Result<Field, ConfigProblem>`; without it the field is as written, and
///   `=> _` makes no field.
///
/// Behind the rows, `also { FIELD: TYPE = FUNCTION; }` has further fields of the checked struct,
/// each made of the whole section. `RawX => _` makes no checked struct.
///
/// `rules "PREFIX" RawX => …` is a section whose keys directories may set, too: a key that is not
/// written is not set, `RawX::defaults` has the values that hold
/// then, and `merge` and `set_parameter` follow from the rows.
macro_rules! section {
    ($(#[$about:meta])* rules $prefix:literal $raw:ident => $checked:tt { $($rows:tt)* }
        $(also { $($also:tt)* })?) => {
        $crate::domain::key::section! { @row rules $prefix [$(#[$about])*] $raw $checked
            { $($rows)* } {} {} { $($($also)*)? } }
    };
    ($(#[$about:meta])* $raw:ident => $checked:tt { $($rows:tt)* }
        $(also { $($also:tt)* })?) => {
        $crate::domain::key::section! { @row plain "" [$(#[$about])*] $raw $checked
            { $($rows)* } {} {} { $($($also)*)? } }
    };

    // One row after the other: a field of its own.
    (@row $mode:ident $prefix:literal $about:tt $raw:ident $checked:tt {
        $(#[doc = $help:literal])+
        $name:ident: $type:ty = $default:expr $(, in $bounds:expr)?
            $(, parameter $parameter:literal)?
            => $field:ident: $field_type:ty = $how:expr; $($rest:tt)*
    } { $($written:tt)* } { $($fields:tt)* } $also:tt) => {
        $crate::domain::key::section! { @row $mode $prefix $about $raw $checked { $($rest)* }
            { $($written)* ([$($help)+] $name [$type] [$default] [$($bounds)?] [$($parameter)?]) }
            { $($fields)* ([$($help)+] $name $field [$field_type] [$how]) } $also }
    };
    // No field.
    (@row $mode:ident $prefix:literal $about:tt $raw:ident $checked:tt {
        $(#[doc = $help:literal])+
        $name:ident: $type:ty = $default:expr $(, in $bounds:expr)?
            $(, parameter $parameter:literal)?
            => _; $($rest:tt)*
    } { $($written:tt)* } $fields:tt $also:tt) => {
        $crate::domain::key::section! { @row $mode $prefix $about $raw $checked { $($rest)* }
            { $($written)* ([$($help)+] $name [$type] [$default] [$($bounds)?] [$($parameter)?]) }
            $fields $also }
    };
    // The field as written.
    (@row $mode:ident $prefix:literal $about:tt $raw:ident $checked:tt {
        $(#[doc = $help:literal])+
        $name:ident: $type:ty = $default:expr $(, in $bounds:expr)?
            $(, parameter $parameter:literal)?
            ; $($rest:tt)*
    } { $($written:tt)* } { $($fields:tt)* } $also:tt) => {
        $crate::domain::key::section! { @row $mode $prefix $about $raw $checked { $($rest)* }
            { $($written)* ([$($help)+] $name [$type] [$default] [$($bounds)?] [$($parameter)?]) }
            { $($fields)* ([$($help)+] $name $name [$type] [$crate::domain::key::same]) } $also }
    };
    // All rows are read.
    (@row $mode:ident $prefix:literal $about:tt $raw:ident $checked:tt {} $written:tt $fields:tt
        $also:tt) => {
        $crate::domain::key::section! { @written $mode $about $raw $written }
        $crate::domain::key::section! { @keys $mode $prefix $raw $written }
        $crate::domain::key::section! { @checked $about $raw $checked $written $fields $also }
    };

    (@written plain [$($about:tt)*] $raw:ident { $(([$($help:literal)+] $name:ident [$type:ty]
        [$default:expr] $bounds:tt $parameter:tt))* }) => {
        $($about)*
        #[doc = ""]
        #[doc = " As written."]
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $raw {
            $($(#[doc = $help])+ pub $name: $type,)*
        }

        impl Default for $raw {
            fn default() -> $raw {
                $raw { $($name: $default,)* }
            }
        }
    };
    (@written rules [$($about:tt)*] $raw:ident { $(([$($help:literal)+] $name:ident [$type:ty]
        [$default:expr] $bounds:tt [$($parameter:literal)?]))* }) => {
        $($about)*
        #[doc = ""]
        #[doc = " As written."]
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $raw {
            $($(#[doc = $help])+ pub $name: $type,)*
        }

        impl $raw {
            /// Gives the values that hold where nothing is set.
            pub fn defaults() -> $raw {
                $raw { $($name: $default,)* }
            }

            /// The keys of a directory below another, each by the rule of its type.
            fn merge_keys(above: &$raw, below: &$raw) -> $raw {
                use $crate::domain::key::RuleValue;
                $raw { $($name: RuleValue::merge(&above.$name, &below.$name),)* }
            }

            /// Sets a key by a parameter's text; false: no parameter may set a key of that name.
            fn set_key(
                &mut self,
                key: &str,
                text: &[u8],
                scope: &$crate::domain::key::ParameterScope<'_>,
            ) -> Result<bool, $crate::domain::key::ConfigProblem> {
                use $crate::domain::key::RuleValue;
                $($(if key == stringify!($name) {
                    let _by: &str = $parameter;
                    self.$name = RuleValue::from_parameter(text, scope)
                        .map_err(|problem| problem.below(key))?;
                    return Ok(true);
                })?)*
                Ok(false)
            }
        }
    };

    (@keys $mode:ident $prefix:literal $raw:ident { $(([$($help:literal)+] $name:ident [$type:ty]
        $default:tt [$($bounds:expr)?] [$($parameter:literal)?]))* }) => {
        impl $raw {
            /// The rows.
            pub const KEYS: &'static [$crate::domain::key::Key] = &[
                $($crate::domain::key::Key {
                    name: stringify!($name),
                    help: &[$($help),+],
                    kind: <$type as $crate::domain::key::KeyValue>::KIND,
                    bounds: $crate::domain::key::section!(@bounds $($bounds)?),
                    merge: $crate::domain::key::section!(@merge $mode $type),
                    parameter: $crate::domain::key::section!(@parameter $($parameter)?),
                },)*
            ];

            /// Keys that a parameter of the web server overrides, and its name.
            pub const PARAMETERS: &'static [(&'static str, &'static str)] = &[
                $($((concat!($prefix, stringify!($name)), $parameter),)?)*
            ];

            /// Compares each value with its bounds.
            pub(crate) fn check_bounds(&self) -> Result<(), $crate::domain::key::ConfigProblem> {
                use $crate::domain::key::KeyValue;
                $(let bounds = $crate::domain::key::section!(@bounds $($bounds)?);
                self.$name.check(&bounds).map_err(|problem| problem.below(stringify!($name)))?;)*
                Ok(())
            }
        }

        impl $crate::domain::key::KeyValue for $raw {
            const KIND: &'static $crate::domain::key::Kind =
                &$crate::domain::key::Kind::Table(&[$raw::KEYS]);

            fn check(
                &self,
                _: &$crate::domain::key::Bounds,
            ) -> Result<(), $crate::domain::key::ConfigProblem> {
                self.check_bounds()
            }

            fn resolve(&mut self, folder: &std::path::Path) {
                $(self.$name.resolve(folder);)*
            }
        }
    };
    (@bounds) => { $crate::domain::key::Bounds::Any };
    (@bounds $bounds:expr) => { $bounds };
    (@parameter) => { None };
    (@parameter $parameter:literal) => { Some($parameter) };
    (@merge plain $type:ty) => { $crate::domain::key::MergeWay::No };
    (@merge rules $type:ty) => { <$type as $crate::domain::key::RuleValue>::MERGE };

    (@checked $about:tt $raw:ident _ $written:tt $fields:tt {}) => {};
    (@checked [$($about:tt)*] $raw:ident $checked:ident $written:tt
        { $(([$($help:literal)+] $name:ident $field:ident [$field_type:ty] [$how:expr]))* }
        { $($(#[$also_help:meta])+ $also:ident: $also_type:ty = $also_how:expr;)* }) => {
        $($about)*
        #[doc = ""]
        #[doc = " Checked: each value is within its bounds."]
        #[derive(Debug, Clone)]
        pub struct $checked {
            $($(#[doc = $help])+ pub $field: $field_type,)*
            $($(#[$also_help])+ pub $also: $also_type,)*
        }

        impl $raw {
            /// Checks each value by its row.
            ///
            /// # Errors
            /// Returns the first problem, with its key below this section.
            pub(crate) fn checked(
                &self,
            ) -> Result<$checked, $crate::domain::key::ConfigProblem> {
                self.check_bounds()?;
                Ok($checked {
                    $($field: ($how)(&self.$name)
                        .map_err(|problem| problem.below(stringify!($name)))?,)*
                    $($also: ($also_how)(self)?,)*
                })
            }
        }
    };
}

pub(crate) use section;
