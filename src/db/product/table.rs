//! Reads and writes products, their languages and files, and aliases.

use rusqlite::{OptionalExtension, params};

use crate::db::error::{DbError, Doing};
use crate::db::open::{Queryable, Transaction};
use crate::domain::product::{Product, ProductTable};

/// Number of changes of products so far.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn generation(database: &impl Queryable) -> Result<i64, DbError> {
    database
        .sqlite()
        .query_row(
            "SELECT value FROM meta WHERE key = 'product_generation'",
            [],
            |row| row.get(0),
        )
        .doing("reading the generation of products")
}

/// All products, by name.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn products(database: &impl Queryable) -> Result<Vec<Product>, DbError> {
    let sqlite = database.sqlite();
    let mut statement = sqlite
        .prepare_cached("SELECT id, name, ssl_only FROM product ORDER BY id")
        .doing("preparing to read products")?;
    let rows = statement.query_map([], |row| {
        let product = Product {
            name: row.get(1)?,
            is_ssl_only: row.get(2)?,
            ..Product::default()
        };
        Ok((row.get::<_, i64>(0)?, product))
    });
    let rows = rows.doing("reading products")?;
    let mut found: Vec<(i64, Product)> =
        rows.collect::<Result<_, _>>().doing("reading products")?;
    let mut add = |query: &str, take: &dyn Fn(&mut Product, &rusqlite::Row<'_>) -> Taken| {
        let mut statement = sqlite.prepare_cached(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if let Ok(place) = found.binary_search_by_key(&id, |(id, _)| *id) {
                take(&mut found[place].1, row)?;
            }
        }
        Ok(())
    };
    add(
        "SELECT product_id, language FROM product_language ORDER BY product_id, language",
        &|product, row| {
            product.languages.push(row.get(1)?);
            Ok(())
        },
    )
    .doing("reading languages of products")?;
    add(
        "SELECT product_id, os, path FROM product_location ORDER BY product_id, os",
        &|product, row| {
            product.locations.push((row.get(1)?, row.get(2)?));
            Ok(())
        },
    )
    .doing("reading files of products")?;
    let mut products: Vec<Product> = found.into_iter().map(|(_, product)| product).collect();
    products.sort_by_cached_key(|product| product.name.to_lowercase());
    Ok(products)
}

type Taken = Result<(), rusqlite::Error>;

/// All aliases, each with the name that it stands for, sorted.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn aliases(database: &impl Queryable) -> Result<Vec<(String, String)>, DbError> {
    let mut statement = database
        .sqlite()
        .prepare_cached("SELECT alias, name FROM product_alias ORDER BY alias")
        .doing("preparing to read aliases")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows = rows.doing("reading aliases")?;
    rows.collect::<Result<_, _>>().doing("reading aliases")
}

/// All products and aliases, as requests need them.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read.
pub fn table(database: &impl Queryable) -> Result<ProductTable, DbError> {
    Ok(ProductTable::new(products(database)?, aliases(database)?))
}

/// Stores a product with its languages and files; replaces a product of that name.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn store(transaction: &Transaction<'_>, product: &Product) -> Result<(), DbError> {
    let sqlite = &transaction.inner;
    let known: Option<i64> = sqlite
        .query_row(
            "SELECT id FROM product WHERE name = ?1",
            [&product.name],
            |row| row.get(0),
        )
        .optional()
        .doing("looking for a product")?;
    let id = match known {
        Some(id) => {
            for table in ["product_language", "product_location"] {
                sqlite
                    .execute(&format!("DELETE FROM {table} WHERE product_id = ?1"), [id])
                    .doing("replacing a product")?;
            }
            let update = "UPDATE product SET name = ?2, ssl_only = ?3 WHERE id = ?1";
            sqlite
                .execute(update, params![id, product.name, product.is_ssl_only])
                .doing("replacing a product")?;
            id
        }
        None => {
            let insert = "INSERT INTO product (name, ssl_only) VALUES (?1, ?2)";
            sqlite
                .execute(insert, params![product.name, product.is_ssl_only])
                .doing("storing a product")?;
            sqlite.last_insert_rowid()
        }
    };
    for language in &product.languages {
        let insert =
            "INSERT OR IGNORE INTO product_language (product_id, language) VALUES (?1, ?2)";
        sqlite
            .execute(insert, params![id, language])
            .doing("storing a language")?;
    }
    for (os, path) in &product.locations {
        let insert = "INSERT OR REPLACE INTO product_location (product_id, os, path) \
                      VALUES (?1, ?2, ?3)";
        sqlite
            .execute(insert, params![id, os, path])
            .doing("storing a file of a product")?;
    }
    count(transaction)
}

/// Removes a product with its languages and files; false if there was no such product.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn remove(transaction: &Transaction<'_>, name: &str) -> Result<bool, DbError> {
    let sqlite = &transaction.inner;
    let removed = sqlite.execute("DELETE FROM product WHERE name = ?1", [name]);
    let removed = removed.doing("removing a product")? > 0;
    count(transaction)?;
    Ok(removed)
}

/// Sets an alias, or removes it (`None`); false if there was no alias to remove.
///
/// # Errors
/// Returns [`DbError::Sql`] if the database cannot be read or written.
pub fn set_alias(
    transaction: &Transaction<'_>,
    alias: &str,
    name: Option<&str>,
) -> Result<bool, DbError> {
    let sqlite = &transaction.inner;
    let changed = match name {
        Some(name) => sqlite.execute(
            "INSERT OR REPLACE INTO product_alias (alias, name) VALUES (?1, ?2)",
            [alias, name],
        ),
        None => sqlite.execute("DELETE FROM product_alias WHERE alias = ?1", [alias]),
    };
    let changed = changed.doing("changing an alias")? > 0;
    count(transaction)?;
    Ok(changed)
}

fn count(transaction: &Transaction<'_>) -> Result<(), DbError> {
    let update = "UPDATE meta SET value = value + 1 WHERE key = 'product_generation'";
    transaction
        .inner
        .execute(update, [])
        .doing("counting a change of products")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open_writer;

    #[test]
    fn products_come_back_as_they_were_stored() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = open_writer(&folder.path().join("a.db")).expect("a database");
        let product = |name: &str, languages: &[&str]| Product {
            name: name.to_owned(),
            is_ssl_only: true,
            languages: languages.iter().map(|text| (*text).to_owned()).collect(),
            locations: vec![("osx".to_owned(), "a/:lang.dmg".to_owned())],
        };
        let before = generation(&writer).expect("a generation");
        let stored = writer.transaction(|transaction| {
            store(transaction, &product("B", &["fr"]))?;
            store(transaction, &product("a", &[]))?;
            store(transaction, &product("b", &["de", "en-US"]))?;
            set_alias(transaction, "latest", Some("a"))?;
            set_alias(transaction, "LATEST", Some("b"))
        });
        stored.expect("stored");
        assert!(generation(&writer).expect("a generation") > before);
        let expected = [product("a", &[]), product("b", &["de", "en-US"])];
        assert_eq!(products(&writer).expect("products"), expected);
        let found = aliases(&writer).expect("aliases");
        assert_eq!(found, [("LATEST".to_owned(), "b".to_owned())]);
        let removed = writer.transaction(|transaction| {
            assert!(!set_alias(transaction, "none", None)?);
            assert!(remove(transaction, "A")? && !remove(transaction, "A")?);
            set_alias(transaction, "latest", None)
        });
        assert!(removed.expect("removed"));
        assert_eq!(products(&writer).expect("products").len(), 1);
    }
}
