"""Results as text and files: one writer a format."""
