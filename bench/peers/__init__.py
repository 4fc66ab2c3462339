"""Experiment loggers measured on one workload: log() of ten floats with a step, offline."""
