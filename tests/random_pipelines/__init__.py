"""Random sources and random pipelines over them, from a seed."""
