"""Tests of `vroeg_pipeline.alerts`."""
