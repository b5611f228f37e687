"""The program ``amfast-tool``: what one does by hand with a node and its files."""
