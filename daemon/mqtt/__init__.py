"""MQTT: topics, the address of a broker, the connection, the publisher, and a broker inside the process."""
