//! One item over several slots of a store that takes 2,560 bytes each: Windows Credential Manager. The slots of `x` are `x#0`,
//! `x#1`, …; the first says how many there are, how long the whole is, and its checksum, so that slots of an older item, or
//! of one that is just being written, are never taken for parts of this one. Pure: the store is three functions.
//!
//! ```text
//! parts COUNT LENGTH CHECKSUM
//! bytes
//! ```

use super::Error;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use zeroize::Zeroizing;

/// What one slot holds: a little below the limit of Windows (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
pub(super) const SLOT: usize = 2_500;
/// What the first slot holds beside its line.
const FIRST: usize = SLOT - 64;
/// More than the largest item has ([`super::LIMIT`]).
const MOST: usize = 16;

type Bytes = Zeroizing<Vec<u8>>;
type Get<'a> = dyn Fn(&str) -> Result<Option<Bytes>, Error> + 'a;
type Set<'a> = dyn Fn(&str, &[u8]) -> Result<(), Error> + 'a;
/// Whether there was one.
type Delete<'a> = dyn Fn(&str) -> Result<bool, Error> + 'a;

/// What the slots are kept in.
pub(super) struct Slots<'a> {
    pub(super) get: &'a Get<'a>,
    pub(super) set: &'a Set<'a>,
    pub(super) delete: &'a Delete<'a>,
}

/// What was read.
pub(super) enum Read {
    Whole(Bytes),
    Nothing,
    /// Slots that do not belong together.
    Damaged,
}

impl Slots<'_> {
    pub(super) fn read(&self, name: &str) -> Result<Read, Error> {
        let Some(first) = (self.get)(&slot(name, 0))? else { return Ok(Read::Nothing) };
        let Some((count, start)) = counted(&first) else { return Ok(Read::Damaged) };
        let mut whole = Zeroizing::new(Vec::with_capacity(count * SLOT));
        whole.extend_from_slice(start);
        for number in 1..count {
            let Some(part) = (self.get)(&slot(name, number))? else { return Ok(Read::Damaged) };
            if part.len() > SLOT {
                return Ok(Read::Damaged);
            }
            whole.extend_from_slice(&part);
        }
        Ok(if first.starts_with(header(&whole).as_bytes()) { Read::Whole(whole) } else { Read::Damaged })
    }

    /// Keeps the bytes in place of an older item. The first slot comes last: until then the new item is not there.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let (start, rest) = bytes.split_at(bytes.len().min(FIRST));
        for (part, number) in rest.chunks(SLOT).zip(1..) {
            (self.set)(&slot(name, number), part)?;
        }
        let header = header(bytes);
        let mut first = Zeroizing::new(Vec::with_capacity(SLOT));
        first.extend_from_slice(header.as_bytes());
        first.extend_from_slice(start);
        (self.set)(&slot(name, 0), &first)?;
        self.delete_from(name, count(bytes.len())).map(drop)
    }

    /// Forgets the item; whether there was one.
    pub(super) fn remove(&self, name: &str) -> Result<bool, Error> {
        self.delete_from(name, 0)
    }

    /// Deletes every slot from that one on; whether there was one. Not just to the first that is missing: who did this before
    /// may have been killed.
    fn delete_from(&self, name: &str, from: usize) -> Result<bool, Error> {
        (from..MOST).try_fold(false, |found, number| Ok((self.delete)(&slot(name, number))? || found))
    }
}

fn slot(name: &str, number: usize) -> String {
    format!("{name}#{number}")
}

fn count(length: usize) -> usize {
    1 + length.saturating_sub(FIRST).div_ceil(SLOT)
}

fn header(whole: &[u8]) -> String {
    let mut header = format!("parts {} {} ", count(whole.len()), whole.len());
    for byte in &Sha256::digest(whole)[..8] {
        let _ = write!(header, "{byte:02x}");
    }
    header + "\n"
}

/// How many slots the first one speaks of, and its own part.
fn counted(first: &[u8]) -> Option<(usize, &[u8])> {
    let end = first.iter().position(|byte| *byte == b'\n')?;
    let mut words = std::str::from_utf8(&first[..end]).ok()?.split(' ');
    let count = words.next().filter(|word| *word == "parts").and(words.next())?.parse().ok()?;
    (1..=MOST).contains(&count).then_some((count, &first[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    /// Slots that take no more than Windows does, and stop working after so many changes.
    #[derive(Default)]
    struct Memory {
        slots: RefCell<BTreeMap<String, Vec<u8>>>,
        changes_left: RefCell<Option<usize>>,
    }

    impl Memory {
        fn with<T>(&self, act: impl FnOnce(Slots<'_>) -> T) -> T {
            act(Slots {
                get: &|slot| Ok(self.slots.borrow().get(slot).map(|bytes| Zeroizing::new(bytes.clone()))),
                set: &|slot, bytes| {
                    assert!(bytes.len() <= SLOT, "{} bytes", bytes.len());
                    self.change().map(|()| drop(self.slots.borrow_mut().insert(slot.into(), bytes.into())))
                },
                delete: &|slot| self.change().map(|()| self.slots.borrow_mut().remove(slot).is_some()),
            })
        }

        fn change(&self) -> Result<(), Error> {
            match &mut *self.changes_left.borrow_mut() {
                Some(0) => Err(Error::NoFolder),
                left => {
                    *left = left.map(|left| left - 1);
                    Ok(())
                }
            }
        }

        fn read(&self) -> Read {
            self.with(|slots| slots.read("x")).unwrap()
        }

        fn write(&self, bytes: &[u8]) -> Result<(), Error> {
            self.with(|slots| slots.write("x", bytes))
        }

        fn whole(&self) -> Option<Vec<u8>> {
            match self.read() {
                Read::Whole(bytes) => Some(bytes.to_vec()),
                _ => None,
            }
        }
    }

    fn bytes(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|i| b'a' + u8::try_from((i * 7 + i / 26 + seed) % 26).unwrap()).collect()
    }

    #[test]
    fn an_item_of_any_length_comes_back_and_leaves_nothing() {
        let memory = Memory::default();
        // long and short in turn: no slot of a longer one stays behind
        for (length, slots) in [
            (0, 1),
            (32_767, 14),
            (FIRST, 1),
            (FIRST + 1, 2),
            (FIRST + SLOT, 2),
            (FIRST + SLOT + 1, 3),
            (3_500, 2),
            (40, 1),
        ] {
            memory.write(&bytes(length, 1)).unwrap();
            assert_eq!(memory.whole(), Some(bytes(length, 1)), "{length}");
            assert_eq!(memory.slots.borrow().len(), slots, "{length}");
        }
        memory.write(&bytes(9_000, 2)).unwrap();
        assert!(memory.with(|slots| slots.remove("x")).unwrap());
        assert!(memory.slots.borrow().is_empty());
        assert!(!memory.with(|slots| slots.remove("x")).unwrap());
        assert!(matches!(memory.read(), Read::Nothing));
    }

    #[test]
    fn slots_that_do_not_belong_together_are_no_item() {
        let memory = Memory::default();
        for change in [
            &|slots: &mut BTreeMap<String, Vec<u8>>| drop(slots.remove("x#1")),
            &|slots| slots.get_mut("x#1").unwrap()[7] ^= 1,
            &|slots| slots.get_mut("x#2").unwrap().truncate(3),
            &|slots| slots.get_mut("x#2").unwrap().resize(30_000, b'a'),
            &|slots| slots.get_mut("x#0").unwrap().truncate(20),
            &|slots| drop(slots.insert("x#0".into(), b"parts 99999999999 1 00\n".into())),
            &|slots| drop(slots.insert("x#0".into(), b"parts 0 0 00\n".into())),
            &|slots| drop(slots.insert("x#0".into(), b"password".into())),
            &|slots| slots.get_mut("x#0").unwrap()[6] = b'2',
        ] as [&dyn Fn(&mut BTreeMap<String, Vec<u8>>); 9]
        {
            memory.write(&bytes(6_000, 3)).unwrap();
            change(&mut memory.slots.borrow_mut());
            assert!(matches!(memory.read(), Read::Damaged));
        }
    }

    #[test]
    fn a_writer_that_dies_leaves_the_old_item_the_new_one_or_none() {
        for (old, new) in [(6_000, 9_000), (9_000, 6_000), (100, 9_000), (9_000, 100), (9_000, 9_000)] {
            let mut outcomes = [0; 3];
            for changes in 0..24 {
                let memory = Memory::default();
                memory.write(&bytes(old, 4)).unwrap();
                *memory.changes_left.borrow_mut() = Some(changes);
                let written = memory.write(&bytes(new, 5));
                *memory.changes_left.borrow_mut() = None;
                match memory.whole() {
                    Some(whole) if whole == bytes(old, 4) => outcomes[0] += 1,
                    Some(whole) if whole == bytes(new, 5) => outcomes[1] += 1,
                    Some(_) => panic!("a mixture"),
                    None => outcomes[2] += 1,
                }
                assert!(written.is_err() || memory.whole() == Some(bytes(new, 5)));
                // and whatever is left goes
                memory.with(|slots| slots.remove("x")).unwrap();
                assert!(memory.slots.borrow().is_empty(), "{old} {new} {changes}");
            }
            assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
        }
    }
}
