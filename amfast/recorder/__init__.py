"""What happens in the node, recorded as ``event_recorder`` says (reference storage, section 10)."""
