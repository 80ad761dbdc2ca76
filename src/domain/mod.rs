//! Pure values and rules of the field; no clock, generator, database, file or socket inside.
