"""Tests of `vroeg_pipeline.evaluation`."""
