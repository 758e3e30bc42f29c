"""The paper's tables of results: each row from its training or its published weights."""
