//! QR codes from the outside: what is drawn is read back, by us and by a decoder that is not ours, and what is
//! broken is refused with a reason.

mod barcode;
mod camera;
mod codes;
mod consumer;
mod encoders;
mod images;
mod payloads;
mod pictures;
mod samples;
