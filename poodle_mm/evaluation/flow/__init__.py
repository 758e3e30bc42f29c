"""How good flow is: against truth, against itself, and by what it warps."""
