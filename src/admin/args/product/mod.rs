//! Options of `product` and `uptake`.

mod command;

pub use command::{
    AddProductArgs, AliasArgs, ImportProductArgs, ListProductArgs, ProductAction, ProductArgs,
    RemoveProductArgs, UptakeArgs,
};
