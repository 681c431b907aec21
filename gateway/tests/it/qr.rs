//! QR codes from the outside: what is drawn is read back, by us and by a decoder that is not ours, and what is
//! broken is refused with a reason.

mod codes;
mod images;
mod payloads;
