"""What every room may use: whole files, processes, messages for users."""
