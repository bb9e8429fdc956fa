"""The radio made of software: air, controllers and hosts on Bumble, and a backend for bleak."""
