"""MbientLab MetaMotion R, RL and S: registers over GATT, acceleration and rotation three samples a packet.

The driver is `ankled.drivers.metamotion.driver.MetaMotion`.
"""
