"""How fast each stage is, beside its floor and beside what one would use instead."""
