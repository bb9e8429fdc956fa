"""A live view of what nodes publish, made from their topics alone."""
