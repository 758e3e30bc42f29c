"""Pure functions on pixels, flow and affine maps; nothing here is registered.

A point is ``(u, v)`` = (column, row) in pixels and pixel centres have integer coordinates;
``docs/architecture.md`` holds the conventions.
"""
