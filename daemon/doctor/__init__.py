"""The doctor: looks at everything the daemon needs, alters nothing, and says what to do."""
