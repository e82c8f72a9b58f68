"""Tests of `vroeg_pipeline.signals`."""
