"""What is kept on disk: whole files, the journals beside them, and the file of alerts (docs/storage.md)."""
