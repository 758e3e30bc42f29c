"""The authors' released code and ours with the same weights on the same tensors."""
