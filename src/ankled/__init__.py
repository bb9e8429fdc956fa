"""ankled: a BLE sensor ingestion daemon for smart ankle weights."""
