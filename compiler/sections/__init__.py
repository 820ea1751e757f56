"""The sections of a spec: what each entry takes, one table a section, and how it becomes settings."""
