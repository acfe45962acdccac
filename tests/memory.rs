//! The promises of the memory floor, each as a test against the public API.

mod memory {
    mod device;
    mod failure;
    mod ledger;
    mod observe;
    mod order;
    mod reuse;
    mod stress;
}
