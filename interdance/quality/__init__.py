"""Defects of a motion or a couple: found, measured, named with frame ranges, and judged. Nothing is repaired here."""
