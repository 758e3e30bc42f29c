"""The demo: pretrain a small PooDLe in minutes, read it out, write a report."""
