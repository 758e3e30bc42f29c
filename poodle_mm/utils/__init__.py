"""Small jobs of every room: whole files, tables, modules, processes, messages for users."""
