"""The dense and the pooled objective."""
