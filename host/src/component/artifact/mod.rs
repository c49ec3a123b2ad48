//! The files of a component: how they get to its folders, before anything that runs is touched.

pub mod unpack;
