"""An address on one line, as people type it, taken apart into its fields. Plain rules: no register, no files."""

from __future__ import annotations

import re

# Also with O for 0, and I or l for 1.
_POSTCODE = re.compile(
    r"(?<![0-9A-Za-z])(?=\S?[0-9]\S?[0-9]|[0-9]\S?\S?[0-9])[1-9Il][0-9OoIl]{3}\s?[A-Za-z]{2}(?![0-9A-Za-z])"
)


def fields_of(line: str) -> dict[str, str]:
    """The postcode, street (with the number in it, or apart), house_number and city of a line; what is absent is not in it.

    `1382 kd, Achtergracht 12 hs` has a postcode and a street; where the number in the street begins is told by the
    register's street names.
    """
    found: dict[str, str] = {}
    postcode = _POSTCODE.search(line)
    if postcode:
        found["postcode"] = postcode[0]
        line = f"{line[: postcode.start()]},{line[postcode.end() :]}"
    parts = [part for part in (part.strip() for part in re.split(r"[,;\n]", line)) if part]
    with_number = next((place for place, part in enumerate(parts) if re.search("[0-9]", part)), None)
    if with_number is None:
        names = parts
    elif parts[with_number][0].isdigit() and not re.search("[A-Za-z]{3}", parts[with_number]):
        found["house_number"] = parts[with_number]
        names = parts[:with_number] + parts[with_number + 1 :]
    else:
        # Houtenlaan, C.J. van 12: what stands in front belongs to the name.
        found["street"] = ", ".join(parts[: with_number + 1])
        names = parts[with_number + 1 :]
    if names and "street" not in found:
        found["street"], *names = names
    if names:
        found["city"] = " ".join(names)
    return found
