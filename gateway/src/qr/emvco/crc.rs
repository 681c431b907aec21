//! The check sum of EMVCo payloads: CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, not reflected).

/// The check sum of `bytes`.
pub fn of(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &byte| {
        TABLE[usize::from((crc >> 8) as u8 ^ byte)] ^ (crc << 8)
    })
}

/// The check sum's change for each value of its upper byte.
const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut index: u16 = 0;
    while index < 256 {
        let mut crc = index << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x1021
            };
            bit += 1;
        }
        table[index as usize] = crc;
        index += 1;
    }
    table
};
