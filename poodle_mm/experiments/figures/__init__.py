"""The paper's figures, each made from data or runs of one's own."""
