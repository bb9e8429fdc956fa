"""From a notification to its record at a subscriber: radio, daemon, broker and subscriber, a process each."""
