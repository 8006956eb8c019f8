//! The seed of a new virtual device as a QR code: half blocks for a terminal, or a PNG. Only renders: what it returns holds the
//! seed, and goes to the terminal device or into a private file, never to stdout.

use crate::credentials::Seed;
use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Modules of white that the standard wants around a code, and what scanners are content with.
const QUIET: [usize; 2] = [4, 2];

/// What an authenticator app shows beside the code. Short: each letter makes the picture larger.
const ISSUER: &str = "AWS";

/// `otpauth://totp/AWS:NAME@ACCOUNT?secret=BASE32&issuer=AWS`, what authenticator apps read. `name` is a device's: letters,
/// digits and `+=,.@_-`.
pub fn otpauth_uri(seed: &Seed, name: &str, account: &str) -> SecretString {
    let name = name.replace('+', "%2B").replace('=', "%3D").replace(',', "%2C");
    let base32 = seed.expose_secret();
    format!("otpauth://totp/{ISSUER}:{name}@{account}?secret={}&issuer={ISSUER}", base32.expose_secret()).into()
}

/// The seed's base32 in groups of four, as people type it.
pub fn in_groups(seed: &Seed) -> Zeroizing<String> {
    let base32 = seed.expose_secret();
    let digits = base32.expose_secret().as_bytes();
    let mut text = Zeroizing::new(String::with_capacity(digits.len() * 2));
    for (position, digit) in digits.iter().enumerate() {
        if position > 0 && position % 4 == 0 {
            text.push(' ');
        }
        text.push(char::from(*digit));
    }
    text
}

/// The URI itself, for a terminal that shows no picture.
pub fn as_text(uri: &SecretString) -> Zeroizing<String> {
    Zeroizing::new(uri.expose_secret().to_owned())
}

/// How a terminal takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Black and white are set, whatever the theme's colours are.
    Colours,
    /// No colours may be set.
    Letters {
        /// They are light on dark, as far as we know; otherwise dark on light.
        light: bool,
        /// Reverse video may be used: a reversed space has no hairlines around it, as a full block has in many fonts.
        reverse: bool,
    },
}

/// A QR code.
pub struct Picture(QrCode);

impl Picture {
    /// Of an otpauth URI; `None` where it is longer than any QR code.
    pub fn new(uri: &SecretString) -> Option<Self> {
        // base32 takes a third less room as what it is; left to find that out, the encoder sometimes does not
        let text = uri.expose_secret();
        let (before, rest) = text.split_at(text.find("secret=").map_or(text.len(), |at| at + "secret=".len()));
        let (base32, after) = rest.split_at(rest.find('&').unwrap_or(rest.len()));
        // a screen is clean and near: the lowest level of error correction makes the smallest picture
        (1..=40).find_map(|version| {
            let mut bits = Bits::new(Version::Normal(version));
            bits.push_byte_data(before.as_bytes()).ok()?;
            bits.push_alphanumeric_data(base32.as_bytes()).ok()?;
            bits.push_byte_data(after.as_bytes()).ok()?;
            bits.push_terminator(EcLevel::L).ok()?;
            QrCode::with_bits(bits, EcLevel::L).ok().map(Self)
        })
    }

    /// The lines for a terminal of so many columns and rows, with as much white around it as fits; `None` where it does not fit.
    pub fn lines(&self, (columns, rows): (usize, usize), ink: Ink) -> Option<Zeroizing<String>> {
        let fits = |quiet: &usize| {
            let width = self.0.width() + 2 * quiet;
            width <= columns && width.div_ceil(2) <= rows
        };
        QUIET.into_iter().find(fits).map(|quiet| self.half_blocks(quiet, ink))
    }

    /// Two modules in one character, one above the other.
    fn half_blocks(&self, quiet: usize, ink: Ink) -> Zeroizing<String> {
        // 16 and 231 are the black and white of the colour cube: themes change the first sixteen colours, not these
        let (begin, end) = match ink {
            Ink::Colours => ("\u{1b}[38;5;16;48;5;231m", "\u{1b}[0m\n"),
            Ink::Letters { .. } => ("", "\n"),
        };
        // the letter's colour is dark, or it is the light one
        let light_letters = matches!(ink, Ink::Letters { light: true, .. });
        let full = if matches!(ink, Ink::Letters { reverse: true, .. }) { "\u{1b}[7m \u{1b}[27m" } else { "█" };
        let width = self.0.width() + 2 * quiet;
        let mut text = Zeroizing::new(String::with_capacity(width * width * 8 + width * 40));
        for row in (0..width).step_by(2) {
            text.push_str(begin);
            for column in 0..width {
                let inked = [row, row + 1].map(|row| self.is_dark(row, column, quiet) != light_letters);
                text.push_str(match inked {
                    [true, true] => full,
                    [true, false] => "▀",
                    [false, true] => "▄",
                    [false, false] => " ",
                });
            }
            text.push_str(end);
        }
        text
    }

    fn is_dark(&self, row: usize, column: usize, quiet: usize) -> bool {
        let inside = |at: usize| at.checked_sub(quiet).filter(|at| *at < self.0.width());
        matches!((inside(column), inside(row)), (Some(x), Some(y)) if self.0[(x, y)] == Color::Dark)
    }

    /// A PNG, eight pixels a module: one bit a pixel, not compressed. A seed is too little to bring a library for.
    pub fn png(&self) -> Zeroizing<Vec<u8>> {
        const SCALE: usize = 8;
        let width = self.0.width() + 2 * QUIET[0];
        let mut pixels = Zeroizing::new(Vec::with_capacity(width * SCALE * (width + 1)));
        for row in 0..width * SCALE {
            pixels.push(0); // this line is as it is: no filter
            pixels.extend((0..width).map(|column| if self.is_dark(row / SCALE, column, QUIET[0]) { 0 } else { 0xff }));
        }
        let side = u32::try_from(width * SCALE).expect("a few hundred").to_be_bytes();
        let mut png = Zeroizing::new(Vec::with_capacity(pixels.len() + 1024));
        png.extend(b"\x89PNG\r\n\x1a\n");
        // one bit of grey a pixel
        chunk(&mut png, b"IHDR", &[&side[..], &side, &[1, 0, 0, 0, 0]].concat());
        let mut stored = Zeroizing::new(Vec::with_capacity(pixels.len() + 64));
        stored.extend([0x78, 0x01]);
        let mut blocks = pixels.chunks(0xffff).peekable();
        while let Some(block) = blocks.next() {
            let length = u16::try_from(block.len()).expect("it was cut so");
            stored.push(u8::from(blocks.peek().is_none()));
            stored.extend(length.to_le_bytes());
            stored.extend((!length).to_le_bytes());
            stored.extend(block);
        }
        stored.extend(adler32(&pixels).to_be_bytes());
        chunk(&mut png, b"IDAT", &stored);
        chunk(&mut png, b"IEND", b"");
        png
    }
}

impl std::fmt::Debug for Picture {
    // Security: the picture is the seed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Picture(******)")
    }
}

/// <https://www.w3.org/TR/png/#5Chunk-layout>
fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).expect("a small picture").to_be_bytes());
    let begin = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc32(&png[begin..]);
    png.extend(sum.to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let bit = |sum: u32, _| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), bit))
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIGHT: Ink = Ink::Letters { light: true, reverse: false };

    fn uri() -> SecretString {
        let seed = Seed::from_base32(&"GEZDGNBVGY3TQOJQ".repeat(4)).unwrap();
        otpauth_uri(&seed, "alice", "111122223333")
    }

    #[test]
    fn the_uri_is_what_apps_read() {
        let expected =
            format!("otpauth://totp/AWS:alice@111122223333?secret={}&issuer=AWS", "GEZDGNBVGY3TQOJQ".repeat(4));
        assert_eq!(uri().expose_secret(), expected);
        let seed = Seed::from_base32("GEZDGNBVGY3TQOJQ").unwrap();
        assert!(otpauth_uri(&seed, "a+b=c,d", "1").expose_secret().contains("AWS:a%2Bb%3Dc%2Cd@1?"));
        assert_eq!(in_groups(&seed).as_str(), "GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn a_usual_name_fits_a_small_terminal_with_room_for_the_question() {
        let picture = Picture::new(&uri()).unwrap();
        let lines = picture.lines((80, 22), Ink::Colours).expect("it fits");
        assert!(lines.lines().count() <= 22);
        assert!(picture.lines((80, 10), Ink::Colours).is_none() && picture.lines((20, 50), Ink::Colours).is_none());
        let wide = picture.lines((200, 50), LIGHT).unwrap();
        assert_eq!(wide.lines().next().unwrap().chars().filter(|c| *c == '█').count(), picture.0.width() + 8);
        assert!(!wide.contains('\u{1b}'));
    }

    #[test]
    fn letters_are_each_others_negative() {
        let picture = Picture::new(&uri()).unwrap();
        let draw = |ink| picture.half_blocks(2, ink).to_string();
        let negative: String = draw(LIGHT)
            .chars()
            .map(|c| match c {
                '█' => ' ',
                ' ' => '█',
                '▀' => '▄',
                '▄' => '▀',
                c => c,
            })
            .collect();
        assert_eq!(negative, draw(Ink::Letters { light: false, reverse: false }));
        let reversed = draw(Ink::Letters { light: true, reverse: true });
        assert_eq!(reversed.replace("\u{1b}[7m \u{1b}[27m", "█"), draw(LIGHT));
    }

    #[test]
    fn sums_are_those_of_the_standards() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Picture::new(&uri()).unwrap()), "Picture(******)");
    }
}
