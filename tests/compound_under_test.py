"""Writes small compound files, as Outlook's messages are: no library does."""

import struct
from collections.abc import Mapping

FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, SHORT, ENTRY = 512, 64, 128


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of streams of less than 4 KB each, by their paths."""
    names = sorted({"/".join(path.split("/")[:end]) for path in streams for end in range(1, path.count("/") + 2)})
    small, shorts, entries = b"", list[int](), list[bytes]()
    for number, name in enumerate(names):
        content = streams.get(name, b"")
        right = _first(names, name.rpartition("/")[0], number + 1)
        if name in streams:
            entries.append(_entry(name, 2, right, FREE, len(shorts), len(content)))
        else:
            entries.append(_entry(name, 1, right, _first(names, name)))
        last = len(shorts) + -(-len(content) // SHORT)
        shorts += [*range(len(shorts) + 1, last), END] if content else []
        small += content.ljust((last - len(small) // SHORT) * SHORT, b"\0")
    root = _entry("Root Entry", 5, FREE, _first(names, ""), 1, len(small))
    chain, sectors = [TABLE], b""
    begins = []
    for content in (small, struct.pack(f"<{len(shorts)}I", *shorts), b"".join([root, *entries])):
        begins.append(len(chain))
        padded = content.ljust(max(1, -(-len(content) // SECTOR)) * SECTOR, b"\0")
        chain += [*range(len(chain) + 1, len(chain) + len(padded) // SECTOR), END]
        sectors += padded
    table = struct.pack(f"<{SECTOR // 4}I", *chain, *[FREE] * (SECTOR // 4 - len(chain)))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    places = struct.pack("<9I", 0, 1, begins[2], 0, 4096, begins[1], 1, END, 0)
    return head + places + struct.pack("<109I", 0, *[FREE] * 108) + table + sectors


def _first(names: list[str], parent: str, after: int = 0) -> int:
    """The number of the first entry of a storage, from a place on."""
    found = (number for number, name in enumerate(names, 1) if number > after and name.rpartition("/")[0] == parent)
    return next(found, FREE)


def _entry(path: str, kind: int, right: int, child: int, start: int = 0, size: int = 0) -> bytes:
    name = path.rpartition("/")[2].encode("utf-16-le") + b"\0\0"
    head = name.ljust(64, b"\0") + struct.pack("<HBBIII", len(name), kind, 1, FREE, right, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)
