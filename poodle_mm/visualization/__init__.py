"""Pictures of pairs, flow, subcrops and features."""
