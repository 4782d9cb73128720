"""mocap"""
