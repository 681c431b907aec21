//! The part that touches the world.
