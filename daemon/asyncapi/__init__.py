"""The interface over MQTT as an AsyncAPI document and as JSON Schemas, made from the structs that are sent."""
