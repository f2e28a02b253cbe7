//! Toolchains and fixtures for tests.
