//! A front end to which copies of the database come by a rename answers as before.

use std::time::Duration;

use crate::stand_in::front_end::feed;

#[test]
fn a_copy_that_comes_costs_no_answer() {
    let fed = feed(Duration::from_secs(3), Duration::from_millis(100));
    println!("{} answers, {} copies", fed.good, fed.copies);
    assert_eq!(fed.bad, []);
    assert!(fed.copies > 3 && fed.good > 100);
}
