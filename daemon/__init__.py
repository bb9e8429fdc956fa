"""The daemon: wiring of drivers, kernels, capture and MQTT into a service with a command line."""
