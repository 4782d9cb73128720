"""choreography"""
