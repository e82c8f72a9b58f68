"""Tests, in the same rooms as the code; `world` builds small installations, `end_to_end` runs months on them."""
