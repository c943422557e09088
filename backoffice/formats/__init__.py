"""Formats of languages in countries that Django has none for (FORMAT_MODULE_PATH)."""
