//! The catalog's table definitions.
